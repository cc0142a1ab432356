"""Commit to a claim template's code, and prove once that it is ±1: what later proofs rest on.

The commitment's hash goes into the claim template's, and with it into the log. The vault keeps the
code, for proofs are made of it: that is why nobody's is kept who did not ask for it.
"""

import secrets
from dataclasses import replace

import numpy as np

from grainseal.crypto.proof.commitment import SEED_BYTES, CommittedCode, commit, usual_block
from grainseal.crypto.proof.progress import no_progress
from grainseal.crypto.proof.signs_proof import prove_signs
from grainseal.models.codes import Code

from .claim_coding import NewClaimTemplate
from .enrolling import EncryptedClaims, encrypt_claims
from .photos import Stages
from .vault_state import StoredProofs


def committed_claims(template: NewClaimTemplate, proving: Stages | None = None) -> EncryptedClaims:
    """The claim template, encrypted and committed to; at 2^18 symbols about 16 s.

    `proving` is told how far it is.
    """
    seed, block = secrets.token_bytes(SEED_BYTES), usual_block(template.code.size)
    secret = CommittedCode(template.code, seed, block)
    commitment = commit(secret)
    claims = encrypt_claims(template, commitment.sha256)
    signs = prove_signs(secret, commitment, claims.sha256, proving or no_progress)
    facts = claims.facts
    proofs = StoredProofs(
        code=packed(template.code),
        seed=secret.seed,
        commitment=commitment.encoded,
        signs=signs,
        code_sha256=facts.code_sha256,
        relin_key_sha256=facts.relin_key_sha256,
        zero_key_sha256=facts.zero_key_sha256,
    )
    return replace(claims, stored=replace(claims.stored, proofs=proofs))


def packed(code: Code) -> bytes:
    """int8 (N,) of ±1 as N/8 bytes: 1 for -1, the first in the most significant bit."""
    return np.packbits(code < 0).tobytes()


def unpacked(bits: bytes) -> Code:
    """Inverse of `packed`."""
    code: Code = 1 - 2 * np.unpackbits(np.frombuffer(bits, np.uint8)).view(np.int8)
    return code
