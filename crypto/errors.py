"""The three ways in which something can be wrong, never mixed.

`MalformedMessage`: the peer sent bytes that no honest implementation sends.
`VerificationFailed`: the message was well formed and what it claims is not true.
`MisuseError`: our own caller passed something that the function cannot work with.
"""


class MalformedMessage(ValueError):  # noqa: N818 - the name says what happened
    """The peer sent nonsense; nothing was computed from it."""


class VerificationFailed(Exception):  # noqa: N818 - the name says what happened
    """A signature, proof or opening did not match what it speaks of."""


class MisuseError(ValueError):
    """The caller passed a value outside a function's contract."""
