"""Which registered photos look like a given one: the service's index of perceptual hashes.

The index lives in memory and follows the store: before each search it takes in the registrations
that are newer than the last one it knows, so that several processes over one store agree. What was
erased since stays in the index and is not found in the store any more.
"""

from array import array
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice

from grainseal.models.perceptual import NEAR, HashIndex

from .authority import Authority
from .store.store import Transaction
from .store.tables import RegistrationRow


@dataclass(frozen=True)
class Neighbour:
    """A registration whose hash is `distance` bits from the nearest hash that was asked for."""

    row: RegistrationRow
    distance: int


class NearIndex:
    """All registrations by what they look like. For one thread: that of the store."""

    def __init__(self) -> None:
        self._index = HashIndex()
        self._numbers = array("q")  # of the registrations, in the order of the index

    def search(
        self, tx: Transaction, hashes: Iterable[bytes], within: int = NEAR
    ) -> list[Neighbour]:
        """Registrations at most `within` bits from one of the hashes: the nearest first, then the
        oldest. Search before you write: of what is undone later nothing may be remembered."""
        self._follow(tx)
        nearest: dict[int, int] = {}
        for wanted in hashes:
            for hit in self._index.search(wanted, within):
                number = self._numbers[hit.number]
                nearest[number] = min(hit.distance, nearest.get(number, hit.distance))
        rows = tx.registrations.numbered(list(nearest)) if nearest else []
        found = [Neighbour(row, nearest[row.number]) for row in rows]
        return sorted(found, key=lambda each: (each.distance, each.row.number))

    def load(self, tx: Transaction, _authority: Authority) -> None:
        """Take in what is registered, so that no caller waits for it: a million take 8 s."""
        self._follow(tx)

    def _follow(self, tx: Transaction) -> None:
        newer = tx.registrations.after(self._numbers[-1] if self._numbers else 0)
        if newer:
            self._index.add(each for _, each in newer)
            self._numbers.extend(number for number, _ in newer)


def of_others(
    found: Iterable[Neighbour], device_key: bytes, limit: int | None = None
) -> list[Neighbour]:
    """Those that compete with a device's own, at most `limit` of them."""
    return list(islice((each for each in found if each.row.device_key != device_key), limit))


def of_device(found: Iterable[Neighbour], device_key: bytes) -> list[Neighbour]:
    """Those of the device itself."""
    return [each for each in found if each.row.device_key == device_key]
