"""O9: whether a claim proof that holds was made for what its reader asks, and not in the future.

O1-O8 bind a proof to its purpose and time; which of them are good is the reader's to say.
docs/PROTOCOL.md, "Zero-knowledge claim proof".
"""

from typing import Final

from grainseal.crypto.claim_proof_statement import ClaimProofStatement
from grainseal.crypto.receipts import Step

SKEW_SECONDS: Final = 300  # the claimant's clock may be ahead of ours
CHECK: Final = "O9"
WHAT: Final = "it is for what was asked, and not of the future"


def acceptance(said: ClaimProofStatement, purpose: str | None, now: float) -> Step:
    """O9 of a proof that passed O1-O8; `purpose`: None takes any. `now`: Unix seconds."""
    problem = None
    if purpose is not None and said.purpose != purpose:
        problem = f"the claim proof is for {said.purpose!r}, not for {purpose!r}"
    elif said.made_at > now + SKEW_SECONDS:
        problem = f"the claim proof was made {said.made_at - int(now)} s later than now"
    return Step(CHECK, WHAT, problem)
