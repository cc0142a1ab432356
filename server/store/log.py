"""The transparency log's rows: its size, its leaves, the tree's hashes, and what opens leaves."""

from collections.abc import Mapping, Sequence

from sqlalchemy import and_, delete, false, or_, select, update
from sqlalchemy.orm import Session

from grainseal.crypto.leaves import Leaf, Opening
from grainseal.crypto.merkle import Node, append, read_frontier

from .changes import changed
from .log_tables import LogHeadRow, LogLeafRow, LogNodeRow, LogOpeningRow

HEAD = 0


class Log:
    """The log within one transaction; a `crypto.merkle.NodeStore`."""

    def __init__(self, sql: Session) -> None:
        self._sql = sql

    def size(self, *, lock: bool = False) -> int:
        """Number of leaves; with `lock` nobody else appends until the commit."""
        query = select(LogHeadRow.size).where(LogHeadRow.head_id == HEAD)
        return self._sql.scalars(query.with_for_update() if lock else query).one()

    def append(self, leaf: Leaf) -> int:
        """Add a leaf with every hash that it completes; its index."""
        index = self.size(lock=True)
        append(read_frontier(index, self), [leaf.hash], self)
        self._sql.add(
            LogLeafRow(
                leaf_index=index,
                kind=leaf.kind.value,
                commitment=leaf.commitment,
                leaf_hash=leaf.hash,
            )
        )
        self._sql.flush()
        head = update(LogHeadRow).where(LogHeadRow.head_id == HEAD)
        changed(self._sql, head.values(size=index + 1))
        return index

    def index_of(self, leaf_hash: bytes) -> int | None:
        """Index of the leaf with that hash, or None."""
        query = select(LogLeafRow.leaf_index).where(LogLeafRow.leaf_hash == leaf_hash)
        return self._sql.scalars(query).one_or_none()

    def opening(self, enrollment_id: str) -> LogOpeningRow | None:
        """What opens an enrolment's leaf and where that is; None if never logged, or erased."""
        return self._sql.get(LogOpeningRow, enrollment_id)

    def add_opening(self, enrollment_id: str, index: int, opening: Opening) -> None:
        """Keep what opens an enrolment's leaf."""
        self._sql.add(
            LogOpeningRow(
                enrollment_id=enrollment_id,
                leaf_index=index,
                salt=opening.salt,
                entry=opening.entry,
            )
        )
        self._sql.flush()

    def erase_opening(self, enrollment_id: str) -> bool:
        """Forget what opens an enrolment's leaf, for ever; whether it was there. The log stays."""
        erased = delete(LogOpeningRow).where(LogOpeningRow.enrollment_id == enrollment_id)
        return bool(changed(self._sql, erased))

    def read(self, nodes: Sequence[Node]) -> Mapping[Node, bytes]:
        """Hashes of those of the nodes that are stored."""
        # A look into the index for each: for a list of pairs SQLite walks through the whole table.
        wanted = [
            and_(LogNodeRow.level == node.level, LogNodeRow.node_index == node.index)
            for node in nodes
        ]
        query = select(LogNodeRow.level, LogNodeRow.node_index, LogNodeRow.hash)
        rows = self._sql.execute(query.where(or_(false(), *wanted)))
        return {Node(level, index): each for level, index, each in rows}

    def write(self, level: int, first: int, hashes: Sequence[bytes]) -> None:
        """Keep the hashes of consecutive nodes of a level."""
        self._sql.add_all(
            LogNodeRow(level=level, node_index=first + i, hash=each)
            for i, each in enumerate(hashes)
        )
        self._sql.flush()
