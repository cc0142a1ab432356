"""Helper data: what is kept of a fuzzy extractor's enrolment, and its bytes.

    canonical("fuzzy-helper", profile, seed, box)
    box = AES-256-GCM(wrap key, nonce 0, canonical("fuzzy-sketch", height, width, positions,
                      sketch, tag)), with canonical("fuzzy-helper", profile, seed) authenticated

The wrap key and the code key come from the device secret and the seed, which is fresh for every
enrolment: no key meets the nonce twice, and without the device secret two enrolments of one camera
are two random strings. docs/PROTOCOL.md, "Fuzzy extractor".
"""

from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from .canonical import canonical, fields_of
from .errors import MalformedMessage, MisuseError, VerificationFailed
from .profiles import FuzzyProfile, fuzzy_profile_named

SECRET_BYTES = SEED_BYTES = TAG_BYTES = 32
_HELPER, _SKETCH = "fuzzy-helper", "fuzzy-sketch"
_NONCE = bytes(12)
_BOX_TAG_BYTES = 16


@dataclass(frozen=True)
class EnrolmentKeys:
    """Two keys of one enrolment: for the code's keyed transform, and for the box."""

    code_key: bytes = field(repr=False)
    wrap_key: bytes = field(repr=False)


@dataclass(frozen=True)
class HelperData:
    """`frame`: (height, width) of the photos. `positions`: a bitmap, one bit for each feature.

    `seed`: 32 public random bytes. `sketch`: N/8 bytes. `tag`: 32 bytes that only the enrolled
    code, the device secret and just this helper data give.
    """

    profile: FuzzyProfile
    seed: bytes
    frame: tuple[int, int]
    positions: bytes = field(repr=False)
    sketch: bytes = field(repr=False)
    tag: bytes = field(repr=False)

    @property
    def tagged(self) -> bytes:
        """What the tag is over: all the rest."""
        height, width = self.frame
        return canonical(
            _SKETCH, [self.profile.name, self.seed, height, width, self.positions, self.sketch]
        )

    def to_bytes(self, device_secret: bytes) -> bytes:
        """Sealed under the device secret."""
        height, width = self.frame
        plain = canonical(_SKETCH, [height, width, self.positions, self.sketch, self.tag])
        header = canonical(_HELPER, [self.profile.name, self.seed])
        key = enrolment_keys(self.profile, device_secret, self.seed).wrap_key
        box = AESGCM(key).encrypt(_NONCE, plain, header)
        return canonical(_HELPER, [self.profile.name, self.seed, box])

    @classmethod
    def from_bytes(cls, data: bytes, device_secret: bytes) -> "HelperData":
        """What `to_bytes` sealed.

        `MalformedMessage` if it is no helper data, `VerificationFailed` if it was changed or
        sealed under another device secret.
        """
        # H1
        profile, seed, box = _header(data)
        key = enrolment_keys(profile, device_secret, seed).wrap_key
        try:
            # H2
            plain = AESGCM(key).decrypt(_NONCE, box, canonical(_HELPER, [profile.name, seed]))
        except InvalidTag:
            raise VerificationFailed("changed, or made with another device secret") from None
        # H3
        fields = fields_of(_SKETCH, plain)
        expected = [8, 8, profile.length // 8, TAG_BYTES]
        if [len(each) for each in (*fields[:2], *fields[3:])] != expected:
            raise MalformedMessage("helper data with fields of wrong lengths")
        height, width = (int.from_bytes(each, "big") for each in fields[:2])
        return cls(profile, seed, (height, width), *fields[2:])


def profile_of(data: bytes) -> FuzzyProfile:
    """The profile of helper data, which anybody may read; `MalformedMessage` if it is none."""
    return _header(data)[0]


def helper_data_size(profile: FuzzyProfile, features: int) -> int:
    """Bytes of helper data for a frame with so many features."""
    bitmap, sketch = bytes(-(-features // 8)), bytes(profile.length // 8)
    plain = canonical(_SKETCH, [0, 0, bitmap, sketch, bytes(TAG_BYTES)])
    box = bytes(len(plain) + _BOX_TAG_BYTES)
    return len(canonical(_HELPER, [profile.name, bytes(SEED_BYTES), box]))


def enrolment_keys(profile: FuzzyProfile, device_secret: bytes, seed: bytes) -> EnrolmentKeys:
    """Both keys for a device secret and a seed of 32 bytes each."""
    if len(device_secret) != SECRET_BYTES or len(seed) != SEED_BYTES:
        raise MisuseError("device secret and seed have 32 bytes each")

    def derived(tag: str) -> bytes:
        info = canonical(tag, [profile.name])
        return HKDF(SHA256(), 32, salt=seed, info=info).derive(device_secret)

    return EnrolmentKeys(derived("fuzzy-code"), derived("fuzzy-wrap"))


def device_secret_of(device_seed: bytes) -> bytes:
    """The device secret of a vault, from the seed of its device key; 32 bytes each."""
    return HKDF(SHA256(), SECRET_BYTES, salt=None, info=canonical("fuzzy-device", [])).derive(
        device_seed
    )


def _header(data: bytes) -> tuple[FuzzyProfile, bytes, bytes]:
    fields = fields_of(_HELPER, data)
    if len(fields) != 3 or len(fields[1]) != SEED_BYTES:
        raise MalformedMessage("not helper data of a fuzzy extractor")
    try:
        return fuzzy_profile_named(fields[0].decode("ascii")), fields[1], fields[2]
    except (MisuseError, UnicodeDecodeError):
        raise MalformedMessage("helper data of an unknown profile: a newer version's?") from None
