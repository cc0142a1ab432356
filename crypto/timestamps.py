"""Time stamps (RFC 3161): an authority outside says that a checkpoint was there at a time.

The log's operator could date its leaves as it likes; an authority that it does not control will
not sign yesterday for it. Stamped is the SHA-256 of the checkpoint's signed note. This is the only
file that imports rfc3161_client.
"""

import hashlib
import re
from datetime import datetime

import rfc3161_client as rfc3161
from cryptography import x509

from .errors import MalformedMessage, MisuseError, VerificationFailed

# A response with the authority's certificate, and often those between it and the root.
MAX_STAMP_BYTES = 1 << 16
_SHA256 = x509.ObjectIdentifier("2.16.840.1.101.3.4.2.1")
_VERIFY_ERROR = re.compile(r"Verify error: ([^\"]+)")


def stamp_request(note: bytes) -> bytes:
    """The request (DER) to stamp a signed note; `MisuseError` for none.

    Without a nonce: an authority that answers with a stamp of the same note from before says
    something true, and more.
    """
    if not note:
        raise MisuseError("there is no note to stamp")
    request = rfc3161.TimestampRequestBuilder(nonce=False, cert_req=True)
    return bytes(request.data(note).hash_algorithm(rfc3161.HashAlgorithm.SHA256).build().as_bytes())


def read_stamp(response: bytes, note: bytes) -> datetime:
    """When the response says that it stamped the note, in UTC; its signature is not looked at.

    `MalformedMessage` if it is no response, `VerificationFailed` if the authority refused or
    stamped something else.
    """
    return _stamped(_decoded(response), note)


def verify_stamp(response: bytes, note: bytes, root_pem: bytes) -> datetime:
    """L8: when an authority under this root stamped the note, in UTC.

    `root_pem`: one or more root certificates (`MisuseError` if there is none). Certificates need
    to be valid at the stamp's time, not now: a stamp outlives its authority. Revocation is not
    looked up. Errors as of `read_stamp`, and `VerificationFailed` for a false signature or one by
    a certificate that is not under the root or not for time stamps.
    """
    verifier = rfc3161.VerifierBuilder(roots=_roots(root_pem)).build()
    decoded = _decoded(response)
    when = _stamped(decoded, note)
    try:
        verifier.verify_message(decoded, note)
    except Exception as error:  # whatever x509 makes of a hostile certificate
        message = f"the time stamp is not by an authority of this root: {_reason(error)}"
        raise VerificationFailed(message) from None
    return when


def _decoded(response: bytes) -> rfc3161.TimeStampResponse:
    if len(response) > MAX_STAMP_BYTES:
        raise MalformedMessage(f"a time stamp has at most {MAX_STAMP_BYTES} bytes")
    try:
        decoded = rfc3161.decode_timestamp_response(response)
        status, said = decoded.status, decoded.status_string
    except Exception as error:  # whatever the parser makes of hostile bytes
        raise MalformedMessage(f"not a time stamp response: {error}") from None
    if status != rfc3161.PKIStatus.GRANTED:
        why = "; ".join(map(str, said)) or "it does not say why"
        raise VerificationFailed(f"the authority did not stamp it (status {status}): {why}")
    return decoded


def _stamped(decoded: rfc3161.TimeStampResponse, note: bytes) -> datetime:
    try:
        imprint, when = decoded.tst_info.message_imprint, decoded.tst_info.gen_time
        algorithm, stamped = imprint.hash_algorithm, imprint.message
    except Exception as error:  # as above: the parts are decoded when they are asked for
        raise MalformedMessage(f"not a time stamp response: {error}") from None
    if algorithm != _SHA256 or stamped != hashlib.sha256(note).digest():
        raise VerificationFailed("the time stamp is over something else than this checkpoint")
    return when


def _reason(error: Exception) -> str:
    """What OpenSSL says of the certificates, out of its stack of errors."""
    said = _VERIFY_ERROR.search(str(error))
    return said[1] if said else str(error)


def _roots(root_pem: bytes) -> list[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(root_pem)
    except ValueError as error:
        raise MisuseError(f"not a root certificate in PEM form: {error}") from None
