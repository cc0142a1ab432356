"""Which photo the demo registers, who claims a copy of it, and what the copy is.

Claims need more of the photos than authentication does. Where they do not suffice, a note says why
the demo goes without claims.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from PIL import Image, ImageOps

from grainseal.crypto.profiles import ClaimProfile, claim_profile_named
from grainseal.models.claim_code import claim_for

from .claim_coding import require_claim_photos, require_frame_for_claims
from .claim_photos import DEFAULT_CLAIM_PROFILE
from .demo_photos import Found, PhotoSet, Plan
from .errors import ClientError, PhotosRefused
from .proof_support import require_proofs

PROFILE: Final[ClaimProfile] = claim_profile_named(DEFAULT_CLAIM_PROFILE)
EXTRACTOR: Final = claim_for(PROFILE.name).extractor
# What a web site makes of a photo.
WEB_SIDE: Final = 1600  # pixels of the longer side
WEB_QUALITY: Final = 75
_SMALLER: Final = 2 / 3  # of a photo that is hardly larger than that
_LEFT_OUT: Final = "no copyright claims:"


@dataclass(frozen=True)
class Claimant:
    """A camera enrolled with a claim template, and the photos that it took just now."""

    enrolled: PhotoSet
    fresh: PhotoSet

    @property
    def camera(self) -> str:
        """Its name."""
        return self.enrolled.camera


@dataclass(frozen=True)
class ClaimPlan:
    """Whose photo is registered, and who else claims the copy: None where nobody could.

    `scene`: whether the photo shows something. Of an even one no picture tells how a copy lies, so
    it is claimed without the original, by its size. `proof`: whether the owner also proves the
    claim in zero knowledge.
    """

    owner: Claimant
    other: Claimant | None
    photo: Path
    scene: bool
    proof: bool

    @property
    def claimants(self) -> tuple[Claimant, ...]:
        """The owner, and the other one if there is one."""
        return (self.owner,) if self.other is None else (self.owner, self.other)

    @property
    def prover(self) -> Claimant | None:
        """Who proves a claim in zero knowledge."""
        return self.owner if self.proof else None

    @property
    def original(self) -> Path | None:
        """What the copy is laid onto, where a picture tells how it lies."""
        return self.photo if self.scene else None

    @property
    def unrelated(self) -> Path:
        """A photo that no proof of the registered one should do for: somebody else's, if any."""
        return (self.other or self.owner).enrolled.paths[-1]


@dataclass(frozen=True)
class WebCopy:
    """The photo as it is found on the web."""

    path: Path
    width: int
    height: int


def plan_claims(plan: Plan) -> ClaimPlan | None:
    """The claims that the plan's photos allow; None with a note of why there are none."""
    able: list[PhotoSet] = []
    why: list[str] = []
    for camera in plan.enrolled:
        problem = _problem(camera, plan)
        if problem is None:
            able.append(camera)
        else:
            why.append(f"{_LEFT_OUT} {camera.camera}: {problem}")
    if not able:
        plan.notes += why[:1]
        return None
    # A photo of another size than the claimant's is refused before any noise is looked at.
    pairs = [
        (one, other)
        for one in able
        for other in able
        if one.camera != other.camera and one.frame == other.frame
    ]
    owner, other = pairs[0] if pairs else (able[0], None)
    if other is None:
        plan.notes.append(
            f"nobody else claims {owner.camera}'s photo: no other camera has photos of "
            f"{owner.frame[1]}x{owner.frame[0]} that a claim template can be made from"
        )
    photo = _to_register(plan.later[owner.camera])
    return ClaimPlan(
        _claimant(owner, plan, photo.path),
        _claimant(other, plan, None) if other is not None else None,
        photo.path,
        photo.scene,
        _provable(plan),
    )


def web_copy(photo: Path, target: Path) -> WebCopy:
    """The photo as a web site shows it: upright, smaller, compressed, without metadata."""
    with Image.open(photo) as opened:
        upright = ImageOps.exif_transpose(opened).convert("RGB")
    longer = max(upright.size)
    share = min(WEB_SIDE / longer, _SMALLER)
    width, height = (round(length * share) for length in upright.size)
    small = upright.resize((width, height), Image.Resampling.LANCZOS)
    small.save(target, "JPEG", quality=WEB_QUALITY)
    return WebCopy(target, width, height)


def _problem(camera: PhotoSet, plan: Plan) -> str | None:
    """Why the camera cannot claim."""
    if camera.profile.name.startswith("AUTH_RAW"):
        return "claims are about developed photos and these are RAW; give JPEGs"
    if not plan.later.get(camera.camera):
        return "no photo of its frame is left to register; add photos"
    try:
        require_claim_photos(len(camera.paths))
        require_frame_for_claims(camera.frame, PROFILE)
    except PhotosRefused as error:
        return str(error)
    return None


def _provable(plan: Plan) -> bool:
    """Whether claim proofs can be made here; a note says why not."""
    try:
        require_proofs()
    except ClientError as error:
        plan.notes.append(f"no zero-knowledge proof of the claim: {error}")
        return False
    return True


def _to_register(later: tuple[Found, ...]) -> Found:
    return next((each for each in later if each.scene), later[-1])


def _claimant(camera: PhotoSet, plan: Plan, registered: Path | None) -> Claimant:
    """Even photos authenticate best, and the registered one should not be among them."""
    later = plan.later[camera.camera]
    others = [each for each in later if each.path != registered] or list(later)
    fresh = [each for each in others if not each.scene] or others
    paths = tuple(each.path for each in fresh[: plan.probe_photos])
    return Claimant(camera, PhotoSet(camera.camera, camera.profile, camera.frame, paths))
