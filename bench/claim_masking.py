"""What a claim's homomorphic part costs the service, against the products that it contains.

Bare products are what nobody can leave out who multiplies the template's ciphertexts with the
probes' plaintexts: encoding each block, multiplying it, adding it up. They are measured in both
forms that SEAL has for it: on ciphertexts in coefficient form, where it transforms back and forth
for each product, and on ciphertexts that are kept in NTT form, where the plaintext is transformed
once. A claim's work is more: it loads template and keys, takes the sums to the last level,
re-randomises and masks them.
"""

import statistics
import time
from collections.abc import Callable, Sequence

import numpy as np

from bench.table import Row
from grainseal.crypto.claim_masking import (
    MAP_TILES,
    Probe,
    load_claim_template,
    mask_probe,
    mask_tiles,
)
from grainseal.crypto.masking import (
    LoadedKeys,
    PublicKeys,
    load_code,
    mask_comparison,
    mask_template_check,
    unmask_sum,
)
from grainseal.crypto.opening import HomomorphicKey
from grainseal.crypto.profiles import CLAIM_MAX_V1, CLAIM_V1, ClaimProfile
from grainseal.crypto.seal import Ciphertext, ring_for

PIXELS = 6000 * 4000  # of the frame whose bitmap of positions is counted: one bit per 2×2 pixels
PROBES = 3  # copy, original, control


def cpu(work: Callable[[], object]) -> float:
    """Seconds of CPU time of one call."""
    start = time.process_time()
    work()
    return time.process_time() - start


def rows(quick: bool = False) -> list[Row]:
    """Rows for the table; `quick` repeats less."""
    return [
        *_rows(CLAIM_V1, 7 if quick else 21, seconds=0.3),
        *_rows(CLAIM_MAX_V1, 3 if quick else 7, seconds=None),
    ]


class _Case:
    """One claim template with what a claim brings."""

    def __init__(self, profile: ClaimProfile) -> None:
        rng = np.random.default_rng(4)
        self.profile, self.ring = profile, ring_for(profile.ring)
        self.key = HomomorphicKey(profile)
        self.public: PublicKeys = self.key.public_keys()
        self.keys = LoadedKeys.from_wire(profile, self.public)
        self.code = rng.choice(np.array([-1, 1], np.int8), profile.length)
        self.wire = self.key.encrypt(self.code)
        self.template = load_code(profile, self.wire)
        self.template_ntt = load_claim_template(profile, self.wire)
        draws = (rng.normal(0, 3, profile.length) for _ in range(PROBES))
        self.probes = [np.clip(np.rint(each), -7, 7).astype(np.int8) for each in draws]

    def claim(self) -> None:
        """Y10 without a map and with nothing loaded: K sums of copy, original and control."""
        profile = self.profile
        keys = LoadedKeys.from_wire(profile, self.public)
        template = load_claim_template(profile, self.wire)
        for probe in self.probes:
            mask_probe(profile, keys, template, probe, profile.openings)

    def tiles(self) -> None:
        """The match map of one probe."""
        mask_tiles(self.profile, self.keys, self.template_ntt, self.probes[0])

    def bare(self, template: Sequence[Ciphertext]) -> None:
        """Encode, multiply, add: all of the claim's probes, in the form of the template given."""
        ring, n = self.ring, self.profile.ring.degree
        for probe in self.probes:
            total = None
            for block, slots in zip(template, probe.astype(np.int64).reshape(-1, n), strict=True):
                plain = ring.encode(slots)
                if block.is_ntt_form():
                    plain = ring.plain_to_ntt(plain, block)
                total = ring.sum_of(total, ring.times_plain(block, plain))

    def exact(self) -> bool:
        """Whether an encrypted score is the plaintext one."""
        probe: Probe = self.probes[0]
        sums, masks = mask_probe(self.profile, self.keys, self.template_ntt, probe, 2)
        bound = int(np.abs(probe.astype(np.int64)).sum())
        score = unmask_sum(self.profile, masks, self.key.open(sums), bound)
        return score == int(self.code.astype(np.int64) @ probe)


def _rows(profile: ClaimProfile, repetitions: int, seconds: float | None) -> list[Row]:
    section = f"Claims under encryption, {profile.name} (N = {profile.length:,})"
    case = _Case(profile)
    works: tuple[Callable[[], None], ...] = (
        case.claim,
        lambda: case.bare(case.template),
        lambda: case.bare(case.template_ntt),
        case.tiles,
    )
    # In turn, and compared within each turn: the machine's speed drifts.
    turns = [tuple(cpu(w) for w in works) for _ in range(1 + repetitions)][1:]
    claim, coefficient, ntt, tiles = (
        statistics.median(turn[i] for turn in turns) for i in range(4)
    )
    ratios = [statistics.median(turn[0] / turn[i] for turn in turns) for i in (1, 2)]
    private = cpu(lambda: mask_comparison(profile, case.keys, case.template, case.template, 1))
    check = cpu(lambda: mask_template_check(profile, case.keys, case.template))
    limit, ok = ("", None) if seconds is None else (f"≤ {seconds} s", claim <= seconds)
    exact = case.exact()

    def row(name: str, value: str, limit: str = "", ok: bool | None = None) -> Row:
        return Row(section, name, value, limit, ok)

    return [
        row("encrypted score = plaintext score", str(exact), "True", exact),
        row("server CPU per claim: copy, original, control", f"{claim:.3f} s", limit, ok),
        row("bare products of the same, coefficient form", f"{coefficient:.3f} s"),
        row("… claim over them", f"{ratios[0]:.2f}", "≤ 3", ratios[0] <= 3),
        row("bare products of the same, NTT form", f"{ntt:.3f} s"),
        row("… claim over them", f"{ratios[1]:.2f}", "≤ 3", ratios[1] <= 3),
        row(f"match map, {MAP_TILES} sums more", f"{tiles:.3f} s"),
        row("private check of a registration", f"{private:.2f} s"),
        row("check of a template at enrolment", f"{check:.2f} s"),
        *(row(name, value) for name, value in _sizes(case)),
    ]


def _sizes(case: _Case) -> list[tuple[str, str]]:
    profile, public = case.profile, case.public
    code, positions = len(case.wire), PIXELS // 4 // 8
    stored = code + len(public.relin_key) + len(public.zero_key) + positions
    one_sum = 8 * profile.ring.degree + 8
    sums = PROBES * profile.openings
    return [
        ("claim template, stored and uploaded once (24 megapixels)", f"{stored:,} bytes"),
        ("… of which the encrypted code, the upload of a registration", f"{code:,} bytes"),
        ("… of which positions", f"{positions:,} bytes"),
        ("… of a million cameras, computed", f"{stored / 1e6:.1f} TB"),
        ("… loaded, in memory", f"{profile.blocks * 32 * profile.ring.degree:,} bytes"),
        (f"answer to a claim, {sums} sums", f"{sums * one_sum:,} bytes"),
        (f"… with a match map, {sums + MAP_TILES} sums", f"{(sums + MAP_TILES) * one_sum:,} bytes"),
    ]
