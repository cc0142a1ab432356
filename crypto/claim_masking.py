"""The server's side of a claim: an encrypted template against probes that everybody may know.

The probe is cut from a public photo, so it enters as a plaintext and no product of two ciphertexts
is needed: P = Σ_b T_b∘p_b, and R_k = a_k·P goes the way of every answer (M4–M7). The template is
kept in NTT form, in which a product is coefficient by coefficient. There is no ±1 check here, for
nobody but the server chooses p, and the template was checked when it was enrolled. The step is M8
of docs/PROTOCOL.md.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from .errors import MisuseError
from .masking import Answer, LoadedKeys, answers, check_blocks, fresh_factors, load_code
from .profiles import ClaimProfile
from .seal import Ciphertext, Ring, ring_for

MAP_TILES: Final = 16

Probe = NDArray[np.int8]


def load_claim_template(profile: ClaimProfile, wire: bytes) -> list[Ciphertext]:
    """The ciphertexts of an encrypted code in NTT form; `MalformedMessage` if they are not.

    They take 8·2·2·n bytes of memory each: 8 MiB for N = 2^18, 32 MiB for 2^20.
    """
    ring = ring_for(profile.ring)
    return [ring.to_ntt(block) for block in load_code(profile, wire)]


def mask_probe(
    profile: ClaimProfile,
    keys: LoadedKeys,
    template_ntt: Sequence[Ciphertext],
    probe: Probe,
    openings: int,
) -> Answer:
    """`openings` masked sums of ⟨template, probe⟩ for a probe int8 (N,) within ±7.

    `MisuseError` for another probe, or one that is zero throughout.
    """
    ring = ring_for(profile.ring)
    _check(profile, template_ntt, probe)
    if not probe.any():
        raise MisuseError("a probe of zeros has no score")
    product = _product(ring, keys, template_ntt, probe, slice(0, profile.length))
    # M8
    factors = fresh_factors(ring, openings)
    return answers(ring, keys, factors, (ring.times_constant(product, a) for a in factors))


def mask_tiles(
    profile: ClaimProfile, keys: LoadedKeys, template_ntt: Sequence[Ciphertext], probe: Probe
) -> Answer:
    """One masked sum for each map tile, the sixteenths of the code in their order.

    A tile of which the photo shows nothing, its probe zero, has a sum of zero. `MisuseError` as
    `mask_probe`, but a probe may be zero throughout.
    """
    ring = ring_for(profile.ring)
    _check(profile, template_ntt, probe)
    size = profile.length // MAP_TILES
    tiles = [slice(i * size, (i + 1) * size) for i in range(MAP_TILES)]
    products = (_product(ring, keys, template_ntt, probe, tile) for tile in tiles)
    # M8
    factors = fresh_factors(ring, MAP_TILES)
    sums = (ring.times_constant(p, a) for p, a in zip(products, factors, strict=True))
    return answers(ring, keys, factors, sums)


def _product(
    ring: Ring, keys: LoadedKeys, template: Sequence[Ciphertext], probe: Probe, part: slice
) -> Ciphertext:
    """Σ_b T_b∘p_b, in coefficient form, of that part of the probe.

    SEAL refuses a product with zero, for it would not be encrypted: blocks of zeros are left out,
    and where nothing remains the zero-key is the encryption of zero.
    """
    n, total = ring.parameters.degree, None
    for block in range(part.start // n, -(-part.stop // n)):
        slots = np.zeros(n, np.int64)
        start, stop = max(part.start, block * n), min(part.stop, (block + 1) * n)
        slots[start - block * n : stop - block * n] = probe[start:stop]
        if slots.any():
            plain = ring.plain_to_ntt(ring.encode(slots), template[block])
            total = ring.sum_of(total, ring.times_plain(template[block], plain))
    return ring.from_ntt(keys.zero if total is None else total)


def _check(profile: ClaimProfile, template: Sequence[Ciphertext], probe: Probe) -> None:
    check_blocks(profile, template, ntt=True)
    largest = profile.largest_probe
    if (
        probe.shape != (profile.length,)
        or probe.dtype != np.int8
        or (np.abs(probe.astype(np.int16)) > largest).any()
    ):
        raise MisuseError(f"a probe of {profile.name} is {profile.length} int8 within ±{largest}")
