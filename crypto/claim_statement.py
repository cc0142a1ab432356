"""What a claim's certificate says, member by member, and in which ranges.

A relying party shows these words to people and lets programs act on them, so nothing is in them
that a certificate does not need: texts of bounded length, integers, and decimals as text.
"""

import re
from dataclasses import dataclass

from .entries import MAX_SIDE, PERCEPTUAL_HASH_BYTES, Grade
from .errors import MalformedMessage
from .merkle import HASH_BYTES
from .signing import PUBLIC_KEY_BYTES
from .texts import check_text, is_visible

VERDICTS = ("proven", "supported", "inconclusive", "rejected")
FINDINGS = ("match", "no match", "too good")
MAP_TILES = 16
MAX_LEVEL = 3
MAX_LISTED = 64
"""Most reasons, and most competing registrations."""
MAX_REASON_LENGTH = 1024

_CODE = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)
_DECIMAL = re.compile(r"-?(0|[1-9][0-9]{0,8})(\.[0-9]{1,8})?", re.ASCII)
_PROBABILITY = re.compile(r"1|1e-([1-9]|1[0-2])", re.ASCII)


@dataclass(frozen=True)
class PhotoFacts:
    """What identifies a photo, as `models.identity` makes it: hashes of 32 bytes, pixels."""

    file_sha256: bytes
    pixels_sha256: bytes
    perceptual_hash: bytes
    height: int
    width: int


@dataclass(frozen=True)
class Claimant:
    """Whose camera: the enrolment, its device key (32 bytes), and the claim template's profile."""

    enrollment_id: str
    subject: str
    issuer: str
    device_key: bytes
    profile: str
    enrolled_at: int


@dataclass(frozen=True)
class OwnRegistration:
    """The claimant's registration of the photo; `grade` is a `Grade`'s value."""

    registration_id: str
    grade: str
    registered_at: int


@dataclass(frozen=True)
class CompetingRegistration:
    """Another device's registration of what looks the same; `distance` in bits of 256."""

    registration_id: str
    grade: str
    registered_at: int
    distance: int


@dataclass(frozen=True)
class Placed:
    """Where the copy lies on the enrolled frame; decimals as text.

    `scale` and `origin`: rows, columns. `turns`: quarter turns, 0..3. `similarity` of the pictures,
    None without one to compare with.
    """

    scale: tuple[str, str]
    origin: tuple[str, str]
    turns: int
    mirrored: bool
    similarity: str | None


@dataclass(frozen=True)
class Reason:
    """Why the verdict is what it is: a code for programs, a sentence for people."""

    code: str
    text: str


@dataclass(frozen=True)
class Findings:
    """What each probe scored: "match", "no match" or "too good"; `original` None without one."""

    copy: str
    original: str | None
    control: str


@dataclass(frozen=True)
class ClaimStatement:
    """What the service says of one claim. Times are Unix seconds.

    `verdict`: one of `VERDICTS`. `false_match_probability`: "1", or "1e-1" to "1e-12". `seen_at`:
    when the copy is said to have been public. `match_map`: 16 levels row by row, 0..3, for z below
    2, below 4, below 8, and above.
    """

    claim_id: str
    service_key: bytes
    decided_at: int
    verdict: str
    reasons: tuple[Reason, ...]
    false_match_probability: str
    claimant: Claimant
    registration: OwnRegistration | None
    competing: tuple[CompetingRegistration, ...]
    copy: PhotoFacts
    original: PhotoFacts | None
    placement: Placed | None
    findings: Findings
    seen_at: int | None
    match_map: tuple[int, ...] | None


def check_claim(statement: ClaimStatement) -> None:
    """`MalformedMessage` unless everything in it is in its range."""
    _require(statement.verdict in VERDICTS, f"a verdict is one of {', '.join(VERDICTS)}")
    _require(
        bool(_PROBABILITY.fullmatch(statement.false_match_probability)),
        "a false match probability is 1, or 1e-1 to 1e-12",
    )
    _require(len(statement.service_key) == PUBLIC_KEY_BYTES, "a service key has 32 bytes")
    _check_name(statement.claim_id, "a claim's id")
    _check_claimant(statement.claimant)
    _check_reasons(statement.reasons)
    _check_findings(statement.findings)
    _check_registrations(statement)
    for photo in filter(None, (statement.copy, statement.original)):
        _check_photo(photo)
    if statement.placement is not None:
        _check_placement(statement.placement)
    if statement.match_map is not None:
        levels = statement.match_map
        fits = len(levels) == MAP_TILES and all(0 <= each <= MAX_LEVEL for each in levels)
        _require(fits, f"a match map has {MAP_TILES} levels from 0 to {MAX_LEVEL}")


def _check_claimant(claimant: Claimant) -> None:
    _require(len(claimant.device_key) == PUBLIC_KEY_BYTES, "a device key has 32 bytes")
    for name in ("enrollment_id", "subject", "issuer", "profile"):
        _check_name(getattr(claimant, name), f"a claimant's {name}")


def _check_reasons(reasons: tuple[Reason, ...]) -> None:
    _require(1 <= len(reasons) <= MAX_LISTED, f"a verdict has 1 to {MAX_LISTED} reasons")
    for reason in reasons:
        shown = 0 < len(reason.text) <= MAX_REASON_LENGTH and is_visible(reason.text)
        _require(bool(_CODE.fullmatch(reason.code)) and shown, "a reason is a code and a sentence")


def _check_findings(findings: Findings) -> None:
    said = (findings.copy, findings.original, findings.control)
    fits = all(each in FINDINGS for each in said if each is not None)
    _require(fits, f"a finding is one of {', '.join(FINDINGS)}")


def _check_registrations(statement: ClaimStatement) -> None:
    if statement.registration is not None:
        _check_registration(statement.registration)
    _require(
        len(statement.competing) <= MAX_LISTED,
        f"at most {MAX_LISTED} competing registrations are listed",
    )
    for each in statement.competing:
        _check_registration(each)
        bits = 8 * PERCEPTUAL_HASH_BYTES
        _require(each.distance <= bits, f"a distance is at most {bits} bits")


def _check_registration(said: OwnRegistration | CompetingRegistration) -> None:
    _check_name(said.registration_id, "a registration's id")
    grades = [grade.value for grade in Grade]
    _require(said.grade in grades, f"a registration's grade is one of {', '.join(grades)}")


def _check_photo(photo: PhotoFacts) -> None:
    hashes = (photo.file_sha256, photo.pixels_sha256, photo.perceptual_hash)
    _require(all(len(each) == HASH_BYTES for each in hashes), "a photo's hashes have 32 bytes")
    sides = all(1 <= side <= MAX_SIDE for side in (photo.height, photo.width))
    _require(sides, f"a photo has 1 to {MAX_SIDE} rows and columns")


def _check_placement(placed: Placed) -> None:
    similarity = () if placed.similarity is None else (placed.similarity,)
    decimals = (*placed.scale, *placed.origin, *similarity)
    _require(all(map(_DECIMAL.fullmatch, decimals)), "a placement's numbers are decimals")
    _require(placed.turns <= MAX_LEVEL, "a placement has 0 to 3 quarter turns")


def _check_name(text: str, what: str) -> None:
    check_text(text, what)
    _require(bool(text), f"{what} is empty")


def _require(fits: bool, message: str) -> None:
    if not fits:
        raise MalformedMessage(message)
