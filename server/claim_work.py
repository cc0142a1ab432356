"""What worker processes compute for registrations and claims, and what is kept of it.

A claim's sums come in this order: K for the copy in each placement, K for the original, K for the
control, one for each map tile. What the end of the session needs to read them again is kept as
facts, in the form of JSON; the probes are not.
"""

from dataclasses import dataclass
from typing import Any, TypeVar

from grainseal.crypto.certificate import PhotoFacts, Placed
from grainseal.crypto.claim_masking import mask_probe, mask_tiles
from grainseal.crypto.entries import RegistrationStatement
from grainseal.crypto.masking import load_code, mask_comparison
from grainseal.crypto.profiles import claim_profile_named
from grainseal.crypto.strict_json import plain, record_of
from grainseal.models.alignment import Placement
from grainseal.models.claim_code import MAP_TILES, claim_for, map_tile
from grainseal.models.claims import Probe, ProbeSize, probe_size
from grainseal.models.identity import PhotoIdentity

from .claim_upload import ClaimUpload
from .homomorphic import Answer, loaded_claim_template
from .photo_work import Cut, Look

T = TypeVar("T")


@dataclass(frozen=True)
class ClaimFacts:
    """What the end of a claim needs besides its masks.

    `hashes`: the copy's in its eight orientations, then the original's: what to look for among the
    registrations. `registration_id`: the claimant's own, or "". `seen_at`: None if nobody said.
    `copies`, `original_size`, `control`: of the probes. `tiles`: of the first placement's, or none.
    """

    copy: PhotoFacts
    original: PhotoFacts | None
    hashes: tuple[bytes, ...]
    registration_id: str
    seen_at: int | None
    jpeg_quality: int | None
    placements: tuple[Placed, ...]
    copies: tuple[ProbeSize, ...]
    original_size: ProbeSize | None
    control: ProbeSize
    tiles: tuple[ProbeSize, ...]

    @classmethod
    def of(
        cls, look: Look, cut: Cut, profile: str, registration_id: str, seen_at: int, match_map: bool
    ) -> "ClaimFacts":
        """Of the photos, and of what was cut from them. `seen_at` 0: not said."""
        spec, first = claim_for(profile), cut.copies[0]
        tiles = [first[map_tile(spec, j)] for j in range(MAP_TILES**2)] if match_map else []
        found = [] if look.original is None else [look.original.perceptual_hash]
        return cls(
            copy=_photo(look.copy),
            original=None if look.original is None else _photo(look.original),
            hashes=(*look.orientations, *found),
            registration_id=registration_id,
            seen_at=seen_at or None,
            jpeg_quality=cut.jpeg_quality,
            placements=tuple(map(_placed, cut.placements)),
            copies=tuple(map(probe_size, cut.copies)),
            original_size=None if cut.original is None else probe_size(cut.original),
            control=probe_size(cut.control),
            tiles=tuple(map(probe_size, tiles)),
        )

    @property
    def scores(self) -> int:
        """How many scores of public probes the claim tells."""
        original = 0 if self.original_size is None else 1
        return len(self.copies) + original + 1 + len(self.tiles)


@dataclass(frozen=True)
class RegistrationFacts:
    """What the end of a registration needs: the signed statement, and the public probe if any."""

    statement: bytes
    signature: bytes
    probe: ProbeSize | None

    @classmethod
    def of(
        cls, statement: RegistrationStatement, signature: bytes, probe: Probe | None
    ) -> "RegistrationFacts":
        """`probe`: of the photo, None of a device-asserted registration."""
        return cls(statement.encoded, signature, None if probe is None else probe_size(probe))

    @property
    def scores(self) -> int:
        """How many scores of public probes the registration tells."""
        return 0 if self.probe is None else 1


def as_json(facts: ClaimFacts | RegistrationFacts) -> dict[str, Any]:
    """For an exchange's row."""
    found: dict[str, Any] = plain(facts)
    return found


def of_json(form: type[T], value: dict[str, Any]) -> T:
    """From an exchange's row."""
    return record_of(form, value, "facts")


def answer_claim(template: ClaimUpload, cut: Cut, match_map: bool) -> Answer:
    """Y10: the sums of a claim (M8)."""
    profile = claim_profile_named(template.profile)
    loaded = loaded_claim_template(template.profile, template.code, template.keys)
    original = [] if cut.original is None else [cut.original]
    parts = [
        mask_probe(profile, loaded.keys, loaded.template, probe, profile.openings)
        for probe in (*cut.copies, *original, cut.control)
    ]
    if match_map:
        parts.append(mask_tiles(profile, loaded.keys, loaded.template, cut.copies[0]))
    return Answer([s for sums, _ in parts for s in sums], [m for _, masks in parts for m in masks])


def answer_photo(template: ClaimUpload, probe: Probe) -> Answer:
    """X11 of a camera-verified registration: K sums of the public probe (M8)."""
    profile = claim_profile_named(template.profile)
    loaded = loaded_claim_template(template.profile, template.code, template.keys)
    return Answer(*mask_probe(profile, loaded.keys, loaded.template, probe, profile.openings))


def check_code(profile_name: str, code: bytes) -> None:
    """X9: W1–W3 of an encrypted code; `MalformedMessage` if they fail."""
    load_code(claim_profile_named(profile_name), code)


def answer_registered(template: ClaimUpload, code: bytes) -> Answer:
    """X11 of a device-asserted registration: one sum of a code that passed `check_code`."""
    profile = claim_profile_named(template.profile)
    loaded = loaded_claim_template(template.profile, template.code, template.keys)
    enrolled, asked = load_code(profile, template.code), load_code(profile, code)
    return Answer(*mask_comparison(profile, loaded.keys, enrolled, asked, openings=1))


def _photo(identity: PhotoIdentity) -> PhotoFacts:
    return PhotoFacts(**vars(identity))


def _placed(placement: Placement) -> Placed:
    rows, columns = placement.scale
    top, left = placement.origin
    similarity = placement.similarity
    return Placed(
        scale=(f"{rows:.4f}", f"{columns:.4f}"),
        # + 0.0: there is no negative zero
        origin=(f"{round(top, 2) + 0.0:.2f}", f"{round(left, 2) + 0.0:.2f}"),
        turns=placement.turns,
        mirrored=placement.mirrored,
        similarity=None if similarity is None else f"{round(similarity, 2) + 0.0:.2f}",
    )
