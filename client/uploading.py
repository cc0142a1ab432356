"""Send what is longer than a message, piece by piece, and go on after a lost line.

docs/PROTOCOL.md, "Uploads". A piece that was sent twice does no harm, so the transport repeats it;
when that gave up, an empty piece asks the service how much has arrived.
"""

from collections.abc import Callable
from typing import Final

from grainseal.crypto.signing import SigningKey
from grainseal.crypto.transcript import upload_transcript
from grainseal.proto.v1 import grainseal_pb2 as pb

from .errors import ServiceError, UntrustedService
from .sessions import context_of
from .transport import Transport

Sending = Callable[[int, int], None]
"""Told how many bytes have arrived and how many there are."""

PIECE_BYTES: Final = 786_432
# Calls in a row that bring nothing further; each is several attempts of the transport's.
MAX_LOSSES: Final = 4
_LOST: Final = frozenset({"UNAVAILABLE", "DEADLINE_EXCEEDED"})


class Upload:
    """One session's upload: `data`, signed piece by piece with the device's key."""

    def __init__(
        self, transport: Transport, session: pb.Session, device: SigningKey, data: bytes
    ) -> None:
        """`session` has passed C1–C4."""
        self._transport, self._session, self._device = transport, session, device
        self._data = data

    def send(self, sending: Sending | None = None) -> None:
        """All of it; `ServiceError` if the service refuses it or stays away."""
        arrived = furthest = losses = 0
        asking = False
        self._tell(sending, 0)
        while arrived < len(self._data):
            try:
                reached = self._asked() if asking else self._sent(arrived)
            except ServiceError as error:
                losses += 1
                if error.reason not in _LOST or losses == MAX_LOSSES:
                    raise
                asking = True
                continue
            if reached > furthest:
                furthest, losses = reached, 0
            arrived, asking = reached, False
            self._tell(sending, arrived)

    def _sent(self, offset: int) -> int:
        piece = self._data[offset : offset + PIECE_BYTES]
        reached = self._call(offset, piece)
        if reached < offset + len(piece):
            raise UntrustedService("the service lost a part of what was sent: try again")
        return reached

    def _asked(self) -> int:
        return self._call(0, b"")

    def _call(self, offset: int, piece: bytes) -> int:
        """How many bytes have arrived, after this piece."""
        transcript = upload_transcript(context_of(self._session), offset, piece)
        request = pb.UploadChunk(
            session_id=self._session.session_id,
            offset=offset,
            data=piece,
            signature=self._device.sign(transcript),
        )
        reached = self._transport.upload(request).received
        if reached > len(self._data):
            raise UntrustedService("the service says that it has more than was sent")
        return reached

    def _tell(self, sending: Sending | None, arrived: int) -> None:
        if sending is not None:
            sending(arrived, len(self._data))
