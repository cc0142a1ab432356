"""A proof's bytes, which are points and scalars one after the other and nothing else.

How many there are follows from the commitment, so there are no lengths in them. Writer and reader
both feed the transcript: what is in the proof is absorbed, always and in its order.
"""

from collections.abc import Sequence

from .curve import POINT_BYTES, Point, decode_point, encode_point
from .errors import Fault, ProofError
from .fiat_shamir import Transcript
from .field import SCALAR_BYTES, Scalar, decode_scalar, encode_scalar


class ProofWriter:
    """The prover's side: what is sent is absorbed."""

    def __init__(self, transcript: Transcript) -> None:
        self.transcript = transcript
        self._data = bytearray()

    def points(self, label: str, points: Sequence[Point]) -> None:
        """Send points."""
        self._send(label, b"".join(map(encode_point, points)))

    def scalar(self, label: str, value: Scalar) -> None:
        """Send a scalar."""
        self._send(label, encode_scalar(value))

    def finished(self) -> bytes:
        """The proof."""
        return bytes(self._data)

    def _send(self, label: str, data: bytes) -> None:
        self._data += data
        self.transcript.absorb(label, data)


class ProofReader:
    """The verifier's side: what is read is absorbed. `ProofError` for what cannot be read."""

    def __init__(self, transcript: Transcript, proof: bytes) -> None:
        self.transcript = transcript
        self._rest = proof

    def points(self, label: str, count: int) -> list[Point]:
        """The next points."""
        data = self._take(label, count * POINT_BYTES)
        starts = range(0, len(data), POINT_BYTES)
        return [decode_point(data[start : start + POINT_BYTES]) for start in starts]

    def scalar(self, label: str) -> Scalar:
        """The next scalar."""
        return decode_scalar(self._take(label, SCALAR_BYTES))

    def _take(self, label: str, size: int) -> bytes:
        data, self._rest = self._rest[:size], self._rest[size:]
        self.transcript.absorb(label, data)
        return data


def require_length(proof: bytes, points: int, scalars: int) -> None:
    """J2: `ProofError` unless the proof has exactly so many points and scalars."""
    size = points * POINT_BYTES + scalars * SCALAR_BYTES
    if len(proof) != size:
        raise ProofError(Fault.LENGTH, f"this proof has {size} bytes, not {len(proof)}")
