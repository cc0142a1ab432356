"""What an encrypted comparison costs: server CPU, message sizes, against TenSEAL's own `.dot`.

And what a claim costs, see `claim_masking`.
"""

import statistics
from collections.abc import Callable

import numpy as np
import tenseal

from bench import claim_masking
from bench.claim_masking import cpu
from bench.table import Row
from grainseal.crypto.masking import LoadedKeys, load_code, mask_comparison, unmask_score
from grainseal.crypto.opening import HomomorphicKey
from grainseal.crypto.profiles import AUTH_JPEG_V1
from grainseal.crypto.seal import ring_for
from grainseal.proto.v1 import grainseal_pb2 as pb

SECTION = "Encrypted comparison, AUTH_JPEG_V1 (N = 16,384)"
DOT_LENGTH = 4096  # the longest that TenSEAL's dot product takes at n = 8192


def rows(quick: bool = False) -> list[Row]:
    """Rows for the table; `quick` repeats less."""
    return [*_authentication(quick), *claim_masking.rows(quick)]


def _authentication(quick: bool) -> list[Row]:
    repetitions = 7 if quick else 41
    profile, rng = AUTH_JPEG_V1, np.random.default_rng(2)
    key = HomomorphicKey(profile)
    public = key.public_keys()
    keys = LoadedKeys.from_wire(profile, public)
    codes = [rng.choice(np.array([-1, 1], np.int8), profile.length) for _ in range(2)]
    template, wire = load_code(profile, key.encrypt(codes[0])), key.encrypt(codes[1])
    probe = load_code(profile, wire)
    ring = ring_for(profile.ring)

    def bare() -> None:
        for t, p in zip(template, probe, strict=True):
            ring.product(t, p)
            ring.square(p)

    def verification() -> None:
        mask_comparison(profile, keys, template, load_code(profile, wire))

    verification()
    dot_product = _tenseal_dot()
    # In turn, and compared within each turn: the machine's speed drifts.
    turns = [tuple(cpu(w) for w in (verification, bare, dot_product)) for _ in range(repetitions)]
    ours, dot = (statistics.median(turn[i] for turn in turns) for i in (0, 2))
    ratio = statistics.median(v / b for v, b, _ in turns)
    per_dimension = statistics.median(d / v for v, _, d in turns) * profile.length / DOT_LENGTH
    sums, masks = mask_comparison(profile, keys, template, probe)
    exact = unmask_score(profile, masks, key.open(sums)) == int(codes[0].astype(int) @ codes[1])
    answer = pb.MaskedSums(sums=[pb.MaskedSum(c1=s.c1, c0=s.c0) for s in sums])
    request = pb.SubmitProbeRequest(
        session_id="s" * 32, probe=wire, signature=b"s" * 64, idempotency_key=b"i" * 32
    )
    opening = statistics.median(cpu(lambda: key.open(sums)) for _ in range(repetitions))
    encryption = statistics.median(cpu(lambda: key.encrypt(codes[1])) for _ in range(repetitions))
    return [
        Row(SECTION, "encrypted score = plaintext score", str(exact), "True", exact),
        Row(SECTION, "server CPU per verification", f"{ours * 1e3:.1f} ms"),
        Row(SECTION, "… over bare products and squares", f"{ratio:.2f}", "≤ 2.2", ratio <= 2.2),
        Row(SECTION, "device CPU to encrypt a probe", f"{encryption * 1e3:.1f} ms"),
        Row(SECTION, "device CPU to open an answer", f"{opening * 1e3:.1f} ms"),
        _size("probe message", request.ByteSize(), 280_000),
        _size("answer message", answer.ByteSize(), 210_000),
        _size("relinearisation key", len(public.relin_key), 800_000),
        Row(SECTION, "TenSEAL .dot of 4,096", f"{dot * 1e3:.1f} ms"),
        Row(
            SECTION,
            "TenSEAL .dot over ours, per dimension",
            f"{per_dimension:.1f}",
            "≥ 5",
            per_dimension >= 5,
        ),
    ]


def _size(name: str, size: int, limit: int) -> Row:
    return Row(SECTION, name, f"{size:,} bytes", f"≤ {limit:,}", size <= limit)


def _tenseal_dot() -> Callable[[], object]:
    context = tenseal.context(
        tenseal.SCHEME_TYPE.BFV, poly_modulus_degree=8192, plain_modulus=1032193
    )
    context.generate_galois_keys()
    rng = np.random.default_rng(3)
    a, b = (tenseal.bfv_vector(context, rng.choice([-1, 1], DOT_LENGTH).tolist()) for _ in range(2))
    return lambda: a.dot(b)
