"""The demo's second part: a registered photo, a copy of it on the web, and two who claim it.

Both have a camera of their own enrolled, and both have the original file, which proves nothing:
everybody can have it. The owner also proves the claim in zero knowledge. Then everything is
verified the way somebody else would, with public keys.
"""

import secrets
import shutil
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from grainseal.crypto.errors import VerificationFailed
from grainseal.crypto.monitoring import Sighting

from .claiming import ClaimOutcome
from .demo import Done, Fingerprints
from .demo_checks import Check, PublicKeys, check_evidence, check_log, check_receipt, published
from .demo_claim_photos import PROFILE, Claimant, ClaimPlan, WebCopy, web_copy
from .demo_proof import COPY, ProofShown, show_proof
from .demo_service import LocalService
from .errors import CameraNotRecognised, ClientError, NotProvable
from .evidence import write_evidence
from .evidence_checks import CERTIFICATE
from .photos import Stages
from .registering import RegistrationInfo
from .sdk import Client
from .transport import Transport
from .vault import Vault
from .watching import get_checkpoint

PROVEN, REJECTED = "proven", "rejected"
NOT_RECOGNISED: Final = "not recognised"
_STAGE: Final = "Claiming a photo"
_STEPS: Final = 8


@dataclass(frozen=True)
class ClaimMade:
    """One claim of the copy. `reasons`: the service's, in words, the weightiest first."""

    camera: str
    expected: str
    verdict: str
    reasons: tuple[str, ...]

    @property
    def surprising(self) -> bool:
        """Whether another verdict was due."""
        return self.verdict != self.expected


@dataclass
class ClaimStory:
    """What came of it, as far as it came: `problem` says what stopped it.

    `no_proof`: why the owner's photos allow no proof.
    """

    plan: ClaimPlan
    evidence: Path
    copy: WebCopy | None = None
    registration: RegistrationInfo | None = None
    claims: list[ClaimMade] = field(default_factory=list)
    proof: ProofShown | None = None
    no_proof: str | None = None
    checks: list[Check] = field(default_factory=list)
    problem: str | None = None

    @property
    def as_expected(self) -> bool:
        """Whether every verdict was the one due and everything was verified."""
        wrong = any(each.surprising for each in self.claims)
        if self.proof is not None:
            wrong = wrong or not self.proof.as_expected
        return not (wrong or self.problem or any(each.problem for each in self.checks))


@dataclass(frozen=True)
class _Device:
    """A claimant's."""

    vault: Vault
    client: Client


@dataclass(frozen=True)
class _Told:
    """Who is told how far it is: step by step, or by a proof's own stages."""

    done: Done
    count: Iterator[int] = field(default_factory=lambda: iter(range(_STEPS + 1)))

    def step(self) -> None:
        self.done(_STAGE, next(self.count, _STEPS), _STEPS)

    def stages(self, what: str) -> Stages:
        return lambda stage, finished, total: self.done(f"{what}: {stage}", finished, total)


def make_room(folder: Path) -> None:
    """Remove the evidence of an earlier demo; `ClientError` if the folder has something else."""
    if (folder / CERTIFICATE).is_file():
        shutil.rmtree(folder, ignore_errors=True)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ClientError(
            f"{folder} has no evidence of a demo: choose another folder with --report"
        )


def run_claims(
    service: LocalService,
    api_key: str,
    plan: ClaimPlan,
    prints: Fingerprints,
    work: Path,
    evidence: Path,
    done: Done,
) -> ClaimStory:
    """Enrol, register, claim, prove, verify.

    The evidence of the owner's claim goes into the folder `evidence`, the service's public keys
    beside it.
    """
    story = ClaimStory(plan, evidence)
    told = _Told(done)
    told.step()
    try:
        keys = published(service, evidence.parent)
        with Transport(service.address, service.ca) as anybody, ExitStack() as open_clients:
            before = get_checkpoint(anybody, keys.log)
            devices = []
            for claimant in plan.claimants:
                proofs = told.stages("Enrolling") if claimant is plan.prover else None
                device = _enrolled(service, api_key, claimant, prints, work, proofs)
                devices.append(open_clients.enter_context(device))
                told.step()
            _claim_all(story, devices, prints, work, keys, told)
            _verify(story, keys, anybody, before)
            told.step()
    except (ClientError, VerificationFailed) as error:
        story.problem = str(error)
    return story


@contextmanager
def _enrolled(
    service: LocalService,
    api_key: str,
    claimant: Claimant,
    prints: Fingerprints,
    work: Path,
    proving: Stages | None,
) -> Iterator[_Device]:
    """The camera enrolled once more, now with a claim template; committed to, if `proving`."""
    camera = claimant.enrolled
    with (
        Vault.create(work / f"{camera.camera}.claims", secrets.token_urlsafe(16)) as vault,
        Client(service.address, service.ca, vault) as client,
    ):
        client.enroll(
            camera.camera,
            service.ticket(camera.camera, api_key),
            prints.enrolled[camera.camera].load(),
            profile=camera.profile.name,
            claims=True,
            claim_photos=prints.claims[camera.camera].load(),
            claim_profile=PROFILE.name,
            proofs=proving is not None,
            proving=proving,
        )
        yield _Device(vault, client)


def _claim_all(
    story: ClaimStory,
    devices: Sequence[_Device],
    prints: Fingerprints,
    work: Path,
    keys: PublicKeys,
    told: _Told,
) -> None:
    plan = story.plan
    story.registration = devices[0].client.register(plan.photo)
    told.step()
    story.copy = web_copy(plan.photo, work / "copy.jpg")
    for claimant, device in zip(plan.claimants, devices, strict=True):
        owner = claimant is plan.owner
        outcome = _claim(story, claimant, device.client, prints, PROVEN if owner else REJECTED)
        told.step()
        if owner and outcome is not None:
            if claimant is plan.prover:
                outcome = _proven(story, outcome, device.vault, keys, told.stages("Proving"))
                told.step()
            vault = work / f"{claimant.camera}.claims"
            write_evidence(
                story.evidence, outcome, story.copy.path, plan.original, vault_folder=vault
            )
            told.step()


def _proven(
    story: ClaimStory, outcome: ClaimOutcome, vault: Vault, keys: PublicKeys, proving: Stages
) -> ClaimOutcome:
    """With a claim proof of the copy; as it was, if there can be none of that."""
    if story.copy is None:
        return outcome
    receipt, copy = outcome.enrollment_receipt, story.copy.path
    try:
        story.proof = show_proof(vault, receipt, story.plan, copy, keys, proving)
    except NotProvable as error:
        story.no_proof = str(error)
        return outcome
    # evidence is about the copy
    return replace(outcome, proof=story.proof.file) if story.proof.photo == COPY else outcome


def _claim(
    story: ClaimStory, claimant: Claimant, device: Client, prints: Fingerprints, expected: str
) -> ClaimOutcome | None:
    """One claim, with fresh photos of the claimant's own camera; None if they are not accepted."""
    if story.copy is None or story.registration is None:
        raise ClientError("nothing is registered, so nothing can be claimed")
    plan, camera = story.plan, claimant.camera
    fresh = prints.fresh.get(camera) or prints.probes[camera]
    registered = story.registration.registration_id if claimant is plan.owner else ""
    try:
        outcome = device.claim(
            story.copy.path,
            fresh.load(),
            original=plan.original,
            registration_id=registered,
        )
    except CameraNotRecognised as error:
        story.claims.append(ClaimMade(camera, expected, NOT_RECOGNISED, (str(error),)))
        return None
    said = outcome.statement
    reasons = tuple(reason.text for reason in said.reasons)
    story.claims.append(ClaimMade(camera, expected, said.verdict, reasons))
    return outcome


def _verify(story: ClaimStory, keys: PublicKeys, anybody: Transport, before: Sighting) -> None:
    """What somebody else can check, with what the service publishes."""
    if story.registration is not None:
        story.checks.append(check_receipt(story.registration, story.plan.photo, keys))
    story.checks.append(check_log(keys, anybody, before))
    if story.evidence.exists():
        story.checks.append(check_evidence(story.evidence, keys))
