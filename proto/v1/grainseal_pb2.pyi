from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class EnrollmentState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ENROLLMENT_STATE_UNSPECIFIED: _ClassVar[EnrollmentState]
    ENROLLMENT_STATE_ACTIVE: _ClassVar[EnrollmentState]
    ENROLLMENT_STATE_REPLACED: _ClassVar[EnrollmentState]
    ENROLLMENT_STATE_REVOKED: _ClassVar[EnrollmentState]
    ENROLLMENT_STATE_DISABLED: _ClassVar[EnrollmentState]

class Scheme(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SCHEME_UNSPECIFIED: _ClassVar[Scheme]
    SCHEME_HOMOMORPHIC: _ClassVar[Scheme]
    SCHEME_FUZZY_EXTRACTOR: _ClassVar[Scheme]

class Grade(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    GRADE_UNSPECIFIED: _ClassVar[Grade]
    GRADE_DEVICE_ASSERTED: _ClassVar[Grade]
    GRADE_CAMERA_VERIFIED: _ClassVar[Grade]
ENROLLMENT_STATE_UNSPECIFIED: EnrollmentState
ENROLLMENT_STATE_ACTIVE: EnrollmentState
ENROLLMENT_STATE_REPLACED: EnrollmentState
ENROLLMENT_STATE_REVOKED: EnrollmentState
ENROLLMENT_STATE_DISABLED: EnrollmentState
SCHEME_UNSPECIFIED: Scheme
SCHEME_HOMOMORPHIC: Scheme
SCHEME_FUZZY_EXTRACTOR: Scheme
GRADE_UNSPECIFIED: Grade
GRADE_DEVICE_ASSERTED: Grade
GRADE_CAMERA_VERIFIED: Grade

class Enrollment(_message.Message):
    __slots__ = ("enrollment_id", "subject", "profile", "state", "created_at", "needs_reenrollment", "scheme")
    ENROLLMENT_ID_FIELD_NUMBER: _ClassVar[int]
    SUBJECT_FIELD_NUMBER: _ClassVar[int]
    PROFILE_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    NEEDS_REENROLLMENT_FIELD_NUMBER: _ClassVar[int]
    SCHEME_FIELD_NUMBER: _ClassVar[int]
    enrollment_id: str
    subject: str
    profile: str
    state: EnrollmentState
    created_at: int
    needs_reenrollment: bool
    scheme: Scheme
    def __init__(self, enrollment_id: _Optional[str] = ..., subject: _Optional[str] = ..., profile: _Optional[str] = ..., state: _Optional[_Union[EnrollmentState, str]] = ..., created_at: _Optional[int] = ..., needs_reenrollment: bool = ..., scheme: _Optional[_Union[Scheme, str]] = ...) -> None: ...

class Session(_message.Message):
    __slots__ = ("session_id", "nonce", "service_key", "audience", "enrollment_id", "subject", "purpose", "profile", "expires_at")
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    NONCE_FIELD_NUMBER: _ClassVar[int]
    SERVICE_KEY_FIELD_NUMBER: _ClassVar[int]
    AUDIENCE_FIELD_NUMBER: _ClassVar[int]
    ENROLLMENT_ID_FIELD_NUMBER: _ClassVar[int]
    SUBJECT_FIELD_NUMBER: _ClassVar[int]
    PURPOSE_FIELD_NUMBER: _ClassVar[int]
    PROFILE_FIELD_NUMBER: _ClassVar[int]
    EXPIRES_AT_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    nonce: bytes
    service_key: bytes
    audience: str
    enrollment_id: str
    subject: str
    purpose: str
    profile: str
    expires_at: int
    def __init__(self, session_id: _Optional[str] = ..., nonce: _Optional[bytes] = ..., service_key: _Optional[bytes] = ..., audience: _Optional[str] = ..., enrollment_id: _Optional[str] = ..., subject: _Optional[str] = ..., purpose: _Optional[str] = ..., profile: _Optional[str] = ..., expires_at: _Optional[int] = ...) -> None: ...

class MaskedSum(_message.Message):
    __slots__ = ("c1", "c0")
    C1_FIELD_NUMBER: _ClassVar[int]
    C0_FIELD_NUMBER: _ClassVar[int]
    c1: bytes
    c0: int
    def __init__(self, c1: _Optional[bytes] = ..., c0: _Optional[int] = ...) -> None: ...

class MaskedSums(_message.Message):
    __slots__ = ("sums",)
    SUMS_FIELD_NUMBER: _ClassVar[int]
    sums: _containers.RepeatedCompositeFieldContainer[MaskedSum]
    def __init__(self, sums: _Optional[_Iterable[_Union[MaskedSum, _Mapping]]] = ...) -> None: ...

class Opening(_message.Message):
    __slots__ = ("session_id", "opened", "signature", "idempotency_key")
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    OPENED_FIELD_NUMBER: _ClassVar[int]
    SIGNATURE_FIELD_NUMBER: _ClassVar[int]
    IDEMPOTENCY_KEY_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    opened: _containers.RepeatedScalarFieldContainer[int]
    signature: bytes
    idempotency_key: bytes
    def __init__(self, session_id: _Optional[str] = ..., opened: _Optional[_Iterable[int]] = ..., signature: _Optional[bytes] = ..., idempotency_key: _Optional[bytes] = ...) -> None: ...

class IssueTicketRequest(_message.Message):
    __slots__ = ("subject", "idempotency_key")
    SUBJECT_FIELD_NUMBER: _ClassVar[int]
    IDEMPOTENCY_KEY_FIELD_NUMBER: _ClassVar[int]
    subject: str
    idempotency_key: bytes
    def __init__(self, subject: _Optional[str] = ..., idempotency_key: _Optional[bytes] = ...) -> None: ...

class IssueTicketResponse(_message.Message):
    __slots__ = ("ticket", "expires_at")
    TICKET_FIELD_NUMBER: _ClassVar[int]
    EXPIRES_AT_FIELD_NUMBER: _ClassVar[int]
    ticket: str
    expires_at: int
    def __init__(self, ticket: _Optional[str] = ..., expires_at: _Optional[int] = ...) -> None: ...

class BeginEnrollmentRequest(_message.Message):
    __slots__ = ("ticket", "renewal_token", "profile", "device_key", "idempotency_key", "claims", "scheme")
    TICKET_FIELD_NUMBER: _ClassVar[int]
    RENEWAL_TOKEN_FIELD_NUMBER: _ClassVar[int]
    PROFILE_FIELD_NUMBER: _ClassVar[int]
    DEVICE_KEY_FIELD_NUMBER: _ClassVar[int]
    IDEMPOTENCY_KEY_FIELD_NUMBER: _ClassVar[int]
    CLAIMS_FIELD_NUMBER: _ClassVar[int]
    SCHEME_FIELD_NUMBER: _ClassVar[int]
    ticket: str
    renewal_token: str
    profile: str
    device_key: bytes
    idempotency_key: bytes
    claims: ClaimParameters
    scheme: Scheme
    def __init__(self, ticket: _Optional[str] = ..., renewal_token: _Optional[str] = ..., profile: _Optional[str] = ..., device_key: _Optional[bytes] = ..., idempotency_key: _Optional[bytes] = ..., claims: _Optional[_Union[ClaimParameters, _Mapping]] = ..., scheme: _Optional[_Union[Scheme, str]] = ...) -> None: ...

class ClaimParameters(_message.Message):
    __slots__ = ("profile", "height", "width", "seed", "commitment_sha256")
    PROFILE_FIELD_NUMBER: _ClassVar[int]
    HEIGHT_FIELD_NUMBER: _ClassVar[int]
    WIDTH_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    COMMITMENT_SHA256_FIELD_NUMBER: _ClassVar[int]
    profile: str
    height: int
    width: int
    seed: bytes
    commitment_sha256: bytes
    def __init__(self, profile: _Optional[str] = ..., height: _Optional[int] = ..., width: _Optional[int] = ..., seed: _Optional[bytes] = ..., commitment_sha256: _Optional[bytes] = ...) -> None: ...

class SubmitTemplateRequest(_message.Message):
    __slots__ = ("session_id", "template", "relin_key", "zero_key", "signature", "idempotency_key")
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    TEMPLATE_FIELD_NUMBER: _ClassVar[int]
    RELIN_KEY_FIELD_NUMBER: _ClassVar[int]
    ZERO_KEY_FIELD_NUMBER: _ClassVar[int]
    SIGNATURE_FIELD_NUMBER: _ClassVar[int]
    IDEMPOTENCY_KEY_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    template: bytes
    relin_key: bytes
    zero_key: bytes
    signature: bytes
    idempotency_key: bytes
    def __init__(self, session_id: _Optional[str] = ..., template: _Optional[bytes] = ..., relin_key: _Optional[bytes] = ..., zero_key: _Optional[bytes] = ..., signature: _Optional[bytes] = ..., idempotency_key: _Optional[bytes] = ...) -> None: ...

class EnrollKeyRequest(_message.Message):
    __slots__ = ("session_id", "height", "width", "helper_data", "camera_key", "camera_key_signature", "signature", "idempotency_key")
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    HEIGHT_FIELD_NUMBER: _ClassVar[int]
    WIDTH_FIELD_NUMBER: _ClassVar[int]
    HELPER_DATA_FIELD_NUMBER: _ClassVar[int]
    CAMERA_KEY_FIELD_NUMBER: _ClassVar[int]
    CAMERA_KEY_SIGNATURE_FIELD_NUMBER: _ClassVar[int]
    SIGNATURE_FIELD_NUMBER: _ClassVar[int]
    IDEMPOTENCY_KEY_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    height: int
    width: int
    helper_data: bytes
    camera_key: bytes
    camera_key_signature: bytes
    signature: bytes
    idempotency_key: bytes
    def __init__(self, session_id: _Optional[str] = ..., height: _Optional[int] = ..., width: _Optional[int] = ..., helper_data: _Optional[bytes] = ..., camera_key: _Optional[bytes] = ..., camera_key_signature: _Optional[bytes] = ..., signature: _Optional[bytes] = ..., idempotency_key: _Optional[bytes] = ...) -> None: ...

class BeginRequestRequest(_message.Message):
    __slots__ = ("enrollment_id", "purpose", "idempotency_key")
    ENROLLMENT_ID_FIELD_NUMBER: _ClassVar[int]
    PURPOSE_FIELD_NUMBER: _ClassVar[int]
    IDEMPOTENCY_KEY_FIELD_NUMBER: _ClassVar[int]
    enrollment_id: str
    purpose: str
    idempotency_key: bytes
    def __init__(self, enrollment_id: _Optional[str] = ..., purpose: _Optional[str] = ..., idempotency_key: _Optional[bytes] = ...) -> None: ...

class SignedRequest(_message.Message):
    __slots__ = ("session_id", "signature", "idempotency_key", "registration_id")
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    SIGNATURE_FIELD_NUMBER: _ClassVar[int]
    IDEMPOTENCY_KEY_FIELD_NUMBER: _ClassVar[int]
    REGISTRATION_ID_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    signature: bytes
    idempotency_key: bytes
    registration_id: str
    def __init__(self, session_id: _Optional[str] = ..., signature: _Optional[bytes] = ..., idempotency_key: _Optional[bytes] = ..., registration_id: _Optional[str] = ...) -> None: ...

class ListEnrollmentsResponse(_message.Message):
    __slots__ = ("enrollments",)
    ENROLLMENTS_FIELD_NUMBER: _ClassVar[int]
    enrollments: _containers.RepeatedCompositeFieldContainer[Enrollment]
    def __init__(self, enrollments: _Optional[_Iterable[_Union[Enrollment, _Mapping]]] = ...) -> None: ...

class Receipt(_message.Message):
    __slots__ = ("kind", "salt", "entry", "index", "inclusion", "checkpoint")
    KIND_FIELD_NUMBER: _ClassVar[int]
    SALT_FIELD_NUMBER: _ClassVar[int]
    ENTRY_FIELD_NUMBER: _ClassVar[int]
    INDEX_FIELD_NUMBER: _ClassVar[int]
    INCLUSION_FIELD_NUMBER: _ClassVar[int]
    CHECKPOINT_FIELD_NUMBER: _ClassVar[int]
    kind: str
    salt: bytes
    entry: bytes
    index: int
    inclusion: _containers.RepeatedScalarFieldContainer[bytes]
    checkpoint: bytes
    def __init__(self, kind: _Optional[str] = ..., salt: _Optional[bytes] = ..., entry: _Optional[bytes] = ..., index: _Optional[int] = ..., inclusion: _Optional[_Iterable[bytes]] = ..., checkpoint: _Optional[bytes] = ...) -> None: ...

class BeginAuthenticationRequest(_message.Message):
    __slots__ = ("enrollment_id", "audience", "purpose", "idempotency_key")
    ENROLLMENT_ID_FIELD_NUMBER: _ClassVar[int]
    AUDIENCE_FIELD_NUMBER: _ClassVar[int]
    PURPOSE_FIELD_NUMBER: _ClassVar[int]
    IDEMPOTENCY_KEY_FIELD_NUMBER: _ClassVar[int]
    enrollment_id: str
    audience: str
    purpose: str
    idempotency_key: bytes
    def __init__(self, enrollment_id: _Optional[str] = ..., audience: _Optional[str] = ..., purpose: _Optional[str] = ..., idempotency_key: _Optional[bytes] = ...) -> None: ...

class SubmitProbeRequest(_message.Message):
    __slots__ = ("session_id", "probe", "signature", "idempotency_key")
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    PROBE_FIELD_NUMBER: _ClassVar[int]
    SIGNATURE_FIELD_NUMBER: _ClassVar[int]
    IDEMPOTENCY_KEY_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    probe: bytes
    signature: bytes
    idempotency_key: bytes
    def __init__(self, session_id: _Optional[str] = ..., probe: _Optional[bytes] = ..., signature: _Optional[bytes] = ..., idempotency_key: _Optional[bytes] = ...) -> None: ...

class FetchHelperDataRequest(_message.Message):
    __slots__ = ("session_id", "signature")
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    SIGNATURE_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    signature: bytes
    def __init__(self, session_id: _Optional[str] = ..., signature: _Optional[bytes] = ...) -> None: ...

class HelperData(_message.Message):
    __slots__ = ("helper_data",)
    HELPER_DATA_FIELD_NUMBER: _ClassVar[int]
    helper_data: bytes
    def __init__(self, helper_data: _Optional[bytes] = ...) -> None: ...

class KeyAnswer(_message.Message):
    __slots__ = ("session_id", "proof", "signature", "idempotency_key")
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    PROOF_FIELD_NUMBER: _ClassVar[int]
    SIGNATURE_FIELD_NUMBER: _ClassVar[int]
    IDEMPOTENCY_KEY_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    proof: bytes
    signature: bytes
    idempotency_key: bytes
    def __init__(self, session_id: _Optional[str] = ..., proof: _Optional[bytes] = ..., signature: _Optional[bytes] = ..., idempotency_key: _Optional[bytes] = ...) -> None: ...

class AuthenticationDecision(_message.Message):
    __slots__ = ("accepted", "token")
    ACCEPTED_FIELD_NUMBER: _ClassVar[int]
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    accepted: bool
    token: str
    def __init__(self, accepted: bool = ..., token: _Optional[str] = ...) -> None: ...

class VerifyDecisionRequest(_message.Message):
    __slots__ = ("token", "idempotency_key")
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    IDEMPOTENCY_KEY_FIELD_NUMBER: _ClassVar[int]
    token: str
    idempotency_key: bytes
    def __init__(self, token: _Optional[str] = ..., idempotency_key: _Optional[bytes] = ...) -> None: ...

class VerifiedDecision(_message.Message):
    __slots__ = ("subject", "audience", "purpose", "enrollment_id", "profile", "issued_at", "expires_at", "enrolled_by")
    SUBJECT_FIELD_NUMBER: _ClassVar[int]
    AUDIENCE_FIELD_NUMBER: _ClassVar[int]
    PURPOSE_FIELD_NUMBER: _ClassVar[int]
    ENROLLMENT_ID_FIELD_NUMBER: _ClassVar[int]
    PROFILE_FIELD_NUMBER: _ClassVar[int]
    ISSUED_AT_FIELD_NUMBER: _ClassVar[int]
    EXPIRES_AT_FIELD_NUMBER: _ClassVar[int]
    ENROLLED_BY_FIELD_NUMBER: _ClassVar[int]
    subject: str
    audience: str
    purpose: str
    enrollment_id: str
    profile: str
    issued_at: int
    expires_at: int
    enrolled_by: str
    def __init__(self, subject: _Optional[str] = ..., audience: _Optional[str] = ..., purpose: _Optional[str] = ..., enrollment_id: _Optional[str] = ..., profile: _Optional[str] = ..., issued_at: _Optional[int] = ..., expires_at: _Optional[int] = ..., enrolled_by: _Optional[str] = ...) -> None: ...

class GetKeysRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetKeysResponse(_message.Message):
    __slots__ = ("jwks",)
    JWKS_FIELD_NUMBER: _ClassVar[int]
    jwks: str
    def __init__(self, jwks: _Optional[str] = ...) -> None: ...

class UploadChunk(_message.Message):
    __slots__ = ("session_id", "offset", "data", "signature")
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    SIGNATURE_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    offset: int
    data: bytes
    signature: bytes
    def __init__(self, session_id: _Optional[str] = ..., offset: _Optional[int] = ..., data: _Optional[bytes] = ..., signature: _Optional[bytes] = ...) -> None: ...

class UploadState(_message.Message):
    __slots__ = ("received",)
    RECEIVED_FIELD_NUMBER: _ClassVar[int]
    received: int
    def __init__(self, received: _Optional[int] = ...) -> None: ...

class BeginRegistrationRequest(_message.Message):
    __slots__ = ("enrollment_id", "grade", "idempotency_key")
    ENROLLMENT_ID_FIELD_NUMBER: _ClassVar[int]
    GRADE_FIELD_NUMBER: _ClassVar[int]
    IDEMPOTENCY_KEY_FIELD_NUMBER: _ClassVar[int]
    enrollment_id: str
    grade: Grade
    idempotency_key: bytes
    def __init__(self, enrollment_id: _Optional[str] = ..., grade: _Optional[_Union[Grade, str]] = ..., idempotency_key: _Optional[bytes] = ...) -> None: ...

class Statement(_message.Message):
    __slots__ = ("file_sha256", "pixels_sha256", "perceptual_hash", "height", "width", "title", "creator", "licence", "captured_at", "camera")
    FILE_SHA256_FIELD_NUMBER: _ClassVar[int]
    PIXELS_SHA256_FIELD_NUMBER: _ClassVar[int]
    PERCEPTUAL_HASH_FIELD_NUMBER: _ClassVar[int]
    HEIGHT_FIELD_NUMBER: _ClassVar[int]
    WIDTH_FIELD_NUMBER: _ClassVar[int]
    TITLE_FIELD_NUMBER: _ClassVar[int]
    CREATOR_FIELD_NUMBER: _ClassVar[int]
    LICENCE_FIELD_NUMBER: _ClassVar[int]
    CAPTURED_AT_FIELD_NUMBER: _ClassVar[int]
    CAMERA_FIELD_NUMBER: _ClassVar[int]
    file_sha256: bytes
    pixels_sha256: bytes
    perceptual_hash: bytes
    height: int
    width: int
    title: str
    creator: str
    licence: str
    captured_at: str
    camera: str
    def __init__(self, file_sha256: _Optional[bytes] = ..., pixels_sha256: _Optional[bytes] = ..., perceptual_hash: _Optional[bytes] = ..., height: _Optional[int] = ..., width: _Optional[int] = ..., title: _Optional[str] = ..., creator: _Optional[str] = ..., licence: _Optional[str] = ..., captured_at: _Optional[str] = ..., camera: _Optional[str] = ...) -> None: ...

class SubmitRegistrationRequest(_message.Message):
    __slots__ = ("session_id", "statement", "statement_signature", "signature", "idempotency_key")
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    STATEMENT_FIELD_NUMBER: _ClassVar[int]
    STATEMENT_SIGNATURE_FIELD_NUMBER: _ClassVar[int]
    SIGNATURE_FIELD_NUMBER: _ClassVar[int]
    IDEMPOTENCY_KEY_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    statement: Statement
    statement_signature: bytes
    signature: bytes
    idempotency_key: bytes
    def __init__(self, session_id: _Optional[str] = ..., statement: _Optional[_Union[Statement, _Mapping]] = ..., statement_signature: _Optional[bytes] = ..., signature: _Optional[bytes] = ..., idempotency_key: _Optional[bytes] = ...) -> None: ...

class Competing(_message.Message):
    __slots__ = ("registration_id", "registered_at", "grade", "distance")
    REGISTRATION_ID_FIELD_NUMBER: _ClassVar[int]
    REGISTERED_AT_FIELD_NUMBER: _ClassVar[int]
    GRADE_FIELD_NUMBER: _ClassVar[int]
    DISTANCE_FIELD_NUMBER: _ClassVar[int]
    registration_id: str
    registered_at: int
    grade: Grade
    distance: int
    def __init__(self, registration_id: _Optional[str] = ..., registered_at: _Optional[int] = ..., grade: _Optional[_Union[Grade, str]] = ..., distance: _Optional[int] = ...) -> None: ...

class Registration(_message.Message):
    __slots__ = ("registration_id", "registered_at", "grade", "competing", "receipt")
    REGISTRATION_ID_FIELD_NUMBER: _ClassVar[int]
    REGISTERED_AT_FIELD_NUMBER: _ClassVar[int]
    GRADE_FIELD_NUMBER: _ClassVar[int]
    COMPETING_FIELD_NUMBER: _ClassVar[int]
    RECEIPT_FIELD_NUMBER: _ClassVar[int]
    registration_id: str
    registered_at: int
    grade: Grade
    competing: _containers.RepeatedCompositeFieldContainer[Competing]
    receipt: Receipt
    def __init__(self, registration_id: _Optional[str] = ..., registered_at: _Optional[int] = ..., grade: _Optional[_Union[Grade, str]] = ..., competing: _Optional[_Iterable[_Union[Competing, _Mapping]]] = ..., receipt: _Optional[_Union[Receipt, _Mapping]] = ...) -> None: ...

class BeginClaimRequest(_message.Message):
    __slots__ = ("claim_token", "idempotency_key")
    CLAIM_TOKEN_FIELD_NUMBER: _ClassVar[int]
    IDEMPOTENCY_KEY_FIELD_NUMBER: _ClassVar[int]
    claim_token: str
    idempotency_key: bytes
    def __init__(self, claim_token: _Optional[str] = ..., idempotency_key: _Optional[bytes] = ...) -> None: ...

class SubmitClaimRequest(_message.Message):
    __slots__ = ("session_id", "copy_size", "registration_id", "seen_at", "match_map", "signature", "idempotency_key")
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    COPY_SIZE_FIELD_NUMBER: _ClassVar[int]
    REGISTRATION_ID_FIELD_NUMBER: _ClassVar[int]
    SEEN_AT_FIELD_NUMBER: _ClassVar[int]
    MATCH_MAP_FIELD_NUMBER: _ClassVar[int]
    SIGNATURE_FIELD_NUMBER: _ClassVar[int]
    IDEMPOTENCY_KEY_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    copy_size: int
    registration_id: str
    seen_at: int
    match_map: bool
    signature: bytes
    idempotency_key: bytes
    def __init__(self, session_id: _Optional[str] = ..., copy_size: _Optional[int] = ..., registration_id: _Optional[str] = ..., seen_at: _Optional[int] = ..., match_map: bool = ..., signature: _Optional[bytes] = ..., idempotency_key: _Optional[bytes] = ...) -> None: ...

class Claim(_message.Message):
    __slots__ = ("claim_id", "certificate", "enrollment_receipt", "registration_receipt")
    CLAIM_ID_FIELD_NUMBER: _ClassVar[int]
    CERTIFICATE_FIELD_NUMBER: _ClassVar[int]
    ENROLLMENT_RECEIPT_FIELD_NUMBER: _ClassVar[int]
    REGISTRATION_RECEIPT_FIELD_NUMBER: _ClassVar[int]
    claim_id: str
    certificate: bytes
    enrollment_receipt: Receipt
    registration_receipt: Receipt
    def __init__(self, claim_id: _Optional[str] = ..., certificate: _Optional[bytes] = ..., enrollment_receipt: _Optional[_Union[Receipt, _Mapping]] = ..., registration_receipt: _Optional[_Union[Receipt, _Mapping]] = ...) -> None: ...

class GetCheckpointRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class Checkpoint(_message.Message):
    __slots__ = ("note",)
    NOTE_FIELD_NUMBER: _ClassVar[int]
    note: bytes
    def __init__(self, note: _Optional[bytes] = ...) -> None: ...

class GetInclusionProofRequest(_message.Message):
    __slots__ = ("index", "leaf_hash", "size")
    INDEX_FIELD_NUMBER: _ClassVar[int]
    LEAF_HASH_FIELD_NUMBER: _ClassVar[int]
    SIZE_FIELD_NUMBER: _ClassVar[int]
    index: int
    leaf_hash: bytes
    size: int
    def __init__(self, index: _Optional[int] = ..., leaf_hash: _Optional[bytes] = ..., size: _Optional[int] = ...) -> None: ...

class InclusionProof(_message.Message):
    __slots__ = ("index", "hashes")
    INDEX_FIELD_NUMBER: _ClassVar[int]
    HASHES_FIELD_NUMBER: _ClassVar[int]
    index: int
    hashes: _containers.RepeatedScalarFieldContainer[bytes]
    def __init__(self, index: _Optional[int] = ..., hashes: _Optional[_Iterable[bytes]] = ...) -> None: ...

class GetConsistencyProofRequest(_message.Message):
    __slots__ = ("old_size", "new_size")
    OLD_SIZE_FIELD_NUMBER: _ClassVar[int]
    NEW_SIZE_FIELD_NUMBER: _ClassVar[int]
    old_size: int
    new_size: int
    def __init__(self, old_size: _Optional[int] = ..., new_size: _Optional[int] = ...) -> None: ...

class ConsistencyProof(_message.Message):
    __slots__ = ("hashes",)
    HASHES_FIELD_NUMBER: _ClassVar[int]
    hashes: _containers.RepeatedScalarFieldContainer[bytes]
    def __init__(self, hashes: _Optional[_Iterable[bytes]] = ...) -> None: ...
