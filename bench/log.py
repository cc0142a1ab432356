"""How fast and in how much memory a transparency log grows, and what a proof costs."""

import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from bench.table import Row
from grainseal.crypto.merkle import (
    HASH_BYTES,
    Frontier,
    Node,
    append,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    node_hash,
    read_frontier,
    verify_consistency,
    verify_inclusion,
)

SECTION = "transparency log"
LEAVES = 1_000_000
QUICK_LEAVES = 100_000
BATCH = 1_000
PROOFS = 1_000
# A frontier is 64 hashes and a batch a few hundred kilobytes: growth beyond this is a leak.
MEMORY_LIMIT = 8e6
# What keeping books may cost beside the two hashes of a leaf.
OVERHEAD_LIMIT = 3.0


class FileStore:
    """Nodes in one file per level, hash by hash; nothing of them stays in memory."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.files: dict[int, int] = {}
        self.reads = 0

    def read(self, nodes: Sequence[Node]) -> Mapping[Node, bytes]:
        """Hashes of the nodes."""
        self.reads += len(nodes)
        return {
            node: os.pread(self._file(node.level), HASH_BYTES, node.index * HASH_BYTES)
            for node in nodes
        }

    def write(self, level: int, first: int, hashes: Sequence[bytes]) -> None:
        """Keep consecutive nodes of a level."""
        os.pwrite(self._file(level), b"".join(hashes), first * HASH_BYTES)

    def _file(self, level: int) -> int:
        if level not in self.files:
            path = self.folder / f"level{level}"
            self.files[level] = os.open(path, os.O_RDWR | os.O_CREAT)
        return self.files[level]


def rows(quick: bool = False) -> list[Row]:
    """Growth to a million leaves, the memory it takes, and proofs in the log that it leaves."""
    count = QUICK_LEAVES if quick else LEAVES
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "bench.log", str(count), folder]
        grown = subprocess.run(command, check=True, capture_output=True, text=True)
        seconds, bare, memory, root = json.loads(grown.stdout)
        store = FileStore(Path(folder))
        return [*_growth(count, seconds, bare, memory), *_proofs(count, root, store)]


def _growth(count: int, seconds: float, bare: float, memory: float) -> list[Row]:
    ratio = seconds / bare
    return [
        Row(
            SECTION,
            f"appending {count:,} leaves in batches of {BATCH:,}, store in files",
            f"{seconds:.2f} s, {count / seconds:,.0f} leaves/s",
        ),
        Row(
            SECTION,
            "the same over the bare two hashes a leaf",
            f"{ratio:.2f}",
            f"<= {OVERHEAD_LIMIT}",
            ratio <= OVERHEAD_LIMIT,
        ),
        Row(
            SECTION,
            "growth of the process's peak memory from the first batch to the last",
            f"{memory / 1e6:.1f} MB",
            f"<= {MEMORY_LIMIT / 1e6:.0f} MB",
            memory <= MEMORY_LIMIT,
        ),
    ]


def _proofs(count: int, root: str, store: FileStore) -> list[Row]:
    rng, known = random.Random(0), read_frontier(count, store).root
    if known.hex() != root:
        raise RuntimeError("the store gives another root than its growth")
    places = [rng.randrange(1, count) for _ in range(PROOFS)]
    past = [read_frontier(each, store).root for each in places]
    store.reads = 0
    start = time.perf_counter()
    inclusion = [inclusion_proof(each, count, store) for each in places]
    consistency = [consistency_proof(each, count, store) for each in places]
    made = time.perf_counter()
    for each, proof in zip(places, inclusion, strict=True):
        verify_inclusion(_leaf(each), each, count, proof, known)
    for each, proof, old_root in zip(places, consistency, past, strict=True):
        verify_consistency(each, count, proof, old_root, known)
    checked = time.perf_counter()
    total = 2 * PROOFS
    return [
        Row(SECTION, "making a proof", f"{(made - start) / total * 1e6:.0f} us"),
        Row(SECTION, "nodes read for a proof, mean", f"{store.reads / total:.1f}"),
        Row(SECTION, "checking a proof", f"{(checked - made) / total * 1e6:.0f} us"),
    ]


def _leaf(index: int) -> bytes:
    return leaf_hash(b"leaf %d" % index)


def _grow(count: int, folder: Path) -> tuple[float, float, float, str]:
    """Grow a log in a folder: seconds, those of its bare hashes, further peak memory, root.

    Batch and bare hashes take turns, so that both meet the same machine. Bytes of memory count
    from the end of the first batch.
    """
    frontier, store, seconds, bare, before = Frontier(), FileStore(folder), 0.0, 0.0, 0
    for start in range(0, count, BATCH):
        indices = range(start, min(start + BATCH, count))
        began = time.perf_counter()
        frontier = append(frontier, [_leaf(index) for index in indices], store)
        appended = time.perf_counter()
        for index in indices:
            node_hash(_leaf(index), frontier.hashes[0])
        seconds, bare = seconds + appended - began, bare + time.perf_counter() - appended
        before = before or _peak_memory()
    return seconds, bare, _peak_memory() - before, frontier.root.hex()


def _peak_memory() -> int:
    """Bytes of this program; ru_maxrss would count its parent's as well."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) * 1024


if __name__ == "__main__":
    print(json.dumps(_grow(int(sys.argv[1]), Path(sys.argv[2]))))
