"""Whether claim proofs can be made and checked: here at all, and by this vault.

Their curve arithmetic wants Python 3.11; everything else works without it, and so does this file.
"""

from .errors import ClientError
from .vault_state import StoredClaims, StoredProofs


def require_proofs() -> None:
    """`ClientError` where they cannot be made and checked."""
    try:
        import grainseal.crypto.proof.curve  # noqa: F401 - whether it is there is the question
    except ImportError as error:
        raise ClientError(f"claim proofs cannot be made or checked here: {error}") from None


def proofs_of(claims: StoredClaims) -> StoredProofs:
    """What the vault keeps to make proofs of; `ClientError` if that was not asked for."""
    if claims.proofs is None:
        raise ClientError(
            "the vault keeps nothing to make proofs of: add it with `renew --claims --proofs` and "
            "six or more photos"
        )
    return claims.proofs
