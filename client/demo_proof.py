"""The demo's claim proof: made without the service, verified by the log's key, refused.

It is of the copy; where that lost the noise, as small copies of real photos do, of the registered
photo. What it must not be good for is tried as anybody could: shown for another photo, and made out
to it.
"""

import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from grainseal.crypto.receipts import Receipt

from .demo_checks import PublicKeys
from .demo_claim_photos import ClaimPlan, web_copy
from .errors import NotProvable
from .photos import PhotoFile, Stages, developed_file
from .vault import Vault

COPY, REGISTERED = "the copy", "the registered photo"
_PURPOSE: Final = "to verify a proof of it"


def meaning(photo: str, camera: str) -> str:
    """What a proof of the photo shows, and what it does not."""
    return (
        f"that {photo} matches the code that {camera} committed to in the log, "
        "but neither the score nor a sign of the code"
    )


@dataclass(frozen=True)
class Refusal:
    """What the proof was tried for, and the check that refused it, with the reason.

    `check` is "" where it was not refused.
    """

    what: str
    check: str
    why: str


@dataclass(frozen=True)
class ProofShown:
    """A claim proof, with what became of it.

    `photo`: what it is of, `COPY` or `REGISTERED`. `file`: its content. `made`, `verified`:
    seconds, reading the photo included. `passed`: the checks. `problem`: why it is not valid.
    """

    photo: str
    file: bytes = field(repr=False)
    made: float
    verified: float
    passed: tuple[str, ...]
    problem: str | None
    refusals: tuple[Refusal, ...]

    @property
    def as_expected(self) -> bool:
        """Whether it is valid, and for its own photo only."""
        return self.problem is None and all(each.check for each in self.refusals)


def show_proof(
    vault: Vault,
    receipt: Receipt,
    plan: ClaimPlan,
    copy: Path,
    keys: PublicKeys,
    proving: Stages,
) -> ProofShown:
    """A proof of the copy, or else of the registered photo, verified, and tried for another photo.

    `receipt`: of the vault's enrolment. `NotProvable` if neither matches.
    """
    from .proof_checks import verify_proof  # Python 3.11: see `require_proofs`
    from .proving import prove_claim

    of, photo, started = COPY, copy, time.perf_counter()
    try:
        proof = prove_claim(vault, copy, receipt, original=plan.original, proving=proving)
    except NotProvable:
        of, photo, started = REGISTERED, plan.photo, time.perf_counter()
        proof = prove_claim(vault, photo, receipt, proving=proving)
    made, file = time.perf_counter() - started, proof.to_json().encode()

    started = time.perf_counter()
    done = verify_proof(file, keys.log, developed_file(photo, _PURPOSE).photo)
    verified = time.perf_counter() - started

    # On the web as the copy is, so that it could lie on the frame where the copy does.
    other = web_copy(plan.unrelated, copy.with_name("unrelated.jpg"))
    shown = developed_file(other.path, _PURPOSE)
    made_out = replace(proof, statement=replace(proof.statement, photo_sha256=shown.sha256))
    tried = {"shown for another photo": file, "made out to it": made_out.to_json().encode()}
    return ProofShown(
        of,
        file,
        made,
        verified,
        tuple(step.check for step in done.steps if step.problem is None),
        None if done.valid else f"{done.failed}: {done.problem}",
        tuple(_refusal(what, data, keys, shown) for what, data in tried.items()),
    )


def _refusal(what: str, proof: bytes, keys: PublicKeys, photo: PhotoFile) -> Refusal:
    from .proof_checks import verify_proof  # Python 3.11: see `require_proofs`

    done = verify_proof(proof, keys.log, photo.photo)
    return Refusal(what, done.failed or "", done.problem or "")
