"""Why a proof is refused."""

from enum import Enum

from ..errors import VerificationFailed


class Fault(str, Enum):
    """The kinds of refusal, in the order in which they are looked for."""

    LENGTH = "length"
    """Cut off, or longer than a proof of this commitment is."""
    POINT = "point"
    """Not the one encoding of a point of the group of prime order, or the identity."""
    SCALAR = "scalar"
    """Not below the group's order."""
    FALSE = "false"
    """Well formed, and it does not prove what it is shown for."""


class ProofError(VerificationFailed):
    """A proof was refused; `fault` says of which kind the reason is."""

    def __init__(self, fault: Fault, message: str) -> None:
        super().__init__(message)
        self.fault = fault
