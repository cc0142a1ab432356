"""Keys from cameras: how often they come back, from how many photos, and what nobody knows of them.

Failure rates on real and simulated photos, and on a hundred thousand sampled codes; impostors;
entropy of the codes (`entropy.py`).
"""

import math
import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from itertools import repeat
from multiprocessing import get_context

import numpy as np
from scipy.optimize import brentq

from bench.accuracy import photos_folder
from bench.entropy import (
    Plane,
    markov,
    most_common_value,
    pair_deficit,
    predictor_deficit,
    t_tuple,
)
from bench.fuzzy_photos import (
    ENROLLED,
    FRESH,
    PROFILES,
    Camera,
    Reading,
    real_cameras,
    simulated_camera,
)
from bench.table import Row
from grainseal.crypto.errors import VerificationFailed
from grainseal.crypto.fuzzy_extractor import generate, reproduce
from grainseal.crypto.helper_data import HelperData, enrolment_keys
from grainseal.crypto.profiles import FUZZY_MAX_V1, FUZZY_V1, FuzzyProfile
from grainseal.crypto.sketch import codeword_ratios, packed
from grainseal.models.bootstrap import share_interval
from grainseal.models.codes import Features, code_for, encode, select_positions, soft_code
from grainseal.models.cores import usable_cores

SECRET = bytes(32)
SEEDS = range(200, 210)
# By ISO, bursts of fresh photos for each of ten cameras.
BURSTS = {100: 10, 200: 2}
# Bit error rates and how many codes are sampled at each.
SAMPLED = {
    FUZZY_V1: {0.43: 10**4, 0.44: 10**5, 0.45: 10**4, 0.46: 10**3},
    FUZZY_MAX_V1: {0.38: 10**3, 0.39: 10**3, 0.40: 10**3, 0.41: 10**3},
}
# Other divisions of the same N between repetition and polar code, at a bit error that tells.
REPETITIONS, TELLING_ERROR, DIVIDED = (1, 4, 16), 0.45, 2 * 10**3
_ROWS_AT_ONCE = 100
# Bursts of each other camera that are tried on a key.
_OTHERS_BURSTS = 4


def rows(quick: bool = False) -> list[Row]:
    """All tables; those of real photos are left out when there are none."""
    with ProcessPoolExecutor(usable_cores(), mp_context=get_context("spawn")) as pool:
        table = _real_rows(1 if quick else 4)
        for iso in (100,) if quick else BURSTS:
            seeds = SEEDS[:3] if quick else SEEDS
            bursts = repeat(2 if quick else BURSTS[iso])
            cameras = list(pool.map(simulated_camera, seeds, repeat(iso), bursts))
            name = f"{len(cameras)} simulated cameras, ISO {iso}"
            table += _outcome_rows(name, [cameras], None)
            if iso == 100:
                table += _entropy_rows(name, [camera.enrolled[ENROLLED] for camera in cameras])
                table += _covariance_rows(name, cameras)
        for profile, counts in SAMPLED.items():
            for error, count in counts.items():
                table.append(_sampled_row(pool, profile, error, count // 100 if quick else count))
        for repetition in REPETITIONS:
            divided = replace(FUZZY_V1, repetition=repetition)
            count = DIVIDED // 100 if quick else DIVIDED
            row = _sampled_row(pool, divided, TELLING_ERROR, count)
            table.append(replace(row, name=f"{row.name}, repetition {repetition}"))
    return table


def _real_rows(splits: int) -> list[Row]:
    folder = photos_folder()
    if folder is None:
        return [Row("keys", "real photos", "none: set GRAINSEAL_PHOTOS")]
    taken = [real_cameras(folder / "nikon", split) for split in range(splits)]
    name = "3 real Nikons"
    table = _outcome_rows(f"{name}, {splits} split(s)", taken, FRESH)
    return table + _entropy_rows(name, [camera.enrolled[ENROLLED] for camera in taken[0]])


def _outcome_rows(name: str, splits: Sequence[Sequence[Camera]], held_to: int | None) -> list[Row]:
    """Own cameras by number of photos, and all others by four; `held_to`: photos that must do."""
    table = []
    for profile in PROFILES:
        section = f"{profile.name}: {name}"
        for count in splits[0][0].enrolled:
            for photos in range(1, FRESH + 1):
                lost, errors = _own_outcomes(profile, splits, count, photos)
                failed = sum(lost)
                value = f"{_rate(failed, len(lost))}; bit error {np.mean(errors):.3f}"
                held = (failed == 0) if photos == held_to else None
                limit = "none" if held is not None else ""
                label = f"{count} photos enrolled, {photos} fresh: key lost"
                table.append(Row(section, label, value, limit, held))
        got = _others_outcomes(profile, splits)
        label = f"{ENROLLED} enrolled, {FRESH} fresh of another: key got"
        table.append(Row(section, label, _rate(sum(got), len(got)), "none", not any(got)))
    return table


def _own_outcomes(
    profile: FuzzyProfile, splits: Sequence[Sequence[Camera]], count: int, photos: int
) -> tuple[list[bool], list[float]]:
    """Was the key lost, and how many signs were wrong: for every burst of the own camera."""
    lost, errors = [], []
    for camera in (camera for cameras in splits for camera in cameras):
        helper = enrolled(profile, camera.enrolled[count])
        for burst in camera.bursts:
            lost.append(not reproduces(helper, burst[photos - 1]))
            errors.append(_bit_error(camera.enrolled[count], burst[photos - 1], profile))
    return lost, errors


def _others_outcomes(profile: FuzzyProfile, splits: Sequence[Sequence[Camera]]) -> list[bool]:
    """Did another camera get the key: every pair, some bursts of each."""
    return [
        reproduces(helper, burst[-1])
        for cameras in splits
        for mine in cameras
        for helper in [enrolled(profile, mine.enrolled[ENROLLED])]
        for other in cameras
        for burst in other.bursts[:_OTHERS_BURSTS]
        if other is not mine
    ]


def enrolled(profile: FuzzyProfile, reading: Reading) -> HelperData:
    """Helper data of a key under a seed that no real one shares."""
    spec, seed = code_for(profile.name), os.urandom(32)
    strengths = reading.features[profile.name]
    positions = select_positions(strengths, spec)
    chosen = np.zeros(strengths.size, np.uint8)
    chosen[positions] = 1
    code = encode(strengths, positions, spec, enrolment_keys(profile, SECRET, seed).code_key)
    return generate(profile, code, SECRET, seed, reading.frame, packed(chosen))[1]


def reproduces(helper: HelperData, reading: Reading) -> bool:
    """Whether these photos give the key; of a larger frame the part that the enrolled one has."""
    spec = code_for(helper.profile.name)
    chosen = np.unpackbits(np.frombuffer(helper.positions, np.uint8))
    positions = np.flatnonzero(chosen).astype(np.uint32)
    key = enrolment_keys(helper.profile, SECRET, helper.seed).code_key
    strengths = _on_frame(reading, helper.profile, helper.frame)
    try:
        reproduce(helper, soft_code(strengths, positions, spec, key), SECRET)
    except VerificationFailed:
        return False
    return True


def _on_frame(reading: Reading, profile: FuzzyProfile, frame: tuple[int, int]) -> Features:
    """Features on another camera's frame, zero where this one has none."""
    step = code_for(profile.name).step
    ours = reading.features[profile.name].reshape(reading.frame[0] // step, -1)
    theirs = np.zeros((frame[0] // step, frame[1] // step), np.float32)
    rows_, columns = np.minimum(ours.shape, theirs.shape)
    theirs[:rows_, :columns] = ours[:rows_, :columns]
    return theirs.ravel()


def _bit_error(enrolled: Reading, fresh: Reading, profile: FuzzyProfile) -> float:
    ours, theirs = (each.features[profile.name] for each in (enrolled, fresh))
    positions = select_positions(ours, code_for(profile.name))
    return float(np.mean((ours[positions] < 0) != (theirs[positions] < 0)))


def _sampled_row(pool: ProcessPoolExecutor, profile: FuzzyProfile, error: float, count: int) -> Row:
    """Normal features of which the strongest are enrolled, and fresh ones that correlate."""
    parts = max(1, count // _ROWS_AT_ONCE)
    each = min(count, _ROWS_AT_ONCE)
    lost = sum(pool.map(_lost, repeat(profile), repeat(error), repeat(each), range(parts)))
    section = f"{profile.name}: sampled codes"
    name = f"bit error {error:.2f}: key lost"
    return Row(section, name, _rate(lost, parts * each))


def _lost(profile: FuzzyProfile, error: float, count: int, seed: int) -> int:
    """How many of `count` sampled codes none of the decoder's proposals fits."""
    rng = np.random.default_rng([seed, round(1000 * error), profile.length])
    strengths = _selected_strengths(profile, rng, count)
    correlation = _correlation_for(error, strengths[0])
    noise = rng.standard_normal(strengths.shape) * math.sqrt(1 - correlation**2)
    message = rng.integers(0, 2, (count, profile.message_bits), np.uint8)
    codewords = profile.outer.encode(message)
    # The code's own signs are as good as all +1: the sketch takes them off again.
    offset = np.repeat(codewords, profile.repetition, axis=-1)
    ratios = codeword_ratios(profile, offset, correlation * strengths + noise)
    open_ = np.ones(count, bool)
    for size in profile.list_sizes:
        found = profile.outer.decode(ratios[open_], size)[0]
        open_[open_] = ~(found == codewords[open_][:, None]).all(axis=2).any(axis=1)
    return int(open_.sum())


def _selected_strengths(profile: FuzzyProfile, rng: np.random.Generator, count: int) -> Plane:
    """Sizes of the strongest N of normal features; M is that of the simulated photos."""
    total = 267_264 // (code_for(profile.name).step // 4) ** 2
    sizes = np.abs(rng.standard_normal((count, total)))
    return np.partition(sizes, total - profile.length, axis=1)[:, total - profile.length :]


def _correlation_for(error: float, strengths: Plane) -> float:
    """Correlation of features at which so many signs of the chosen ones are wrong."""

    def excess(correlation: float) -> float:
        wrong = [
            math.erfc(correlation * x / math.sqrt(2 * (1 - correlation**2))) / 2
            for x in strengths[:: max(1, len(strengths) // 500)]
        ]
        return float(np.mean(wrong)) - error

    return float(brentq(excess, 1e-4, 0.9))


def _entropy_rows(name: str, readings: Sequence[Reading]) -> list[Row]:
    table = []
    for profile in PROFILES:
        section = f"{profile.name}: entropy per bit of the code, {name}"
        planes = [_signs(reading, profile) for reading in readings]
        codes = [((1 - plane[plane != 0]) / 2).astype(np.uint8) for plane in planes]
        everything = np.concatenate(codes)
        for label, estimator in (
            ("most common value (SP 800-90B 6.3.1)", most_common_value),
            ("Markov (6.3.3)", markov),
            ("t-tuple (6.3.5)", t_tuple),
        ):
            alone = [estimator(code) for code in codes]
            value = f"{estimator(everything):.4f} of all codes; each {_span(alone)}"
            table.append(Row(section, label, value))
        pairs = [pair_deficit(plane, 8) for plane in planes]
        table.append(Row(section, "deficit d by pairs within 8 blocks", _span(pairs)))
        predicted = [predictor_deficit(plane, 3) for plane in planes]
        table.append(Row(section, "deficit d by prediction from 24 before", _span(predicted)))
        k, n = profile.message_bits, profile.length
        left = [k - n * max(one, other) for one, other in zip(pairs, predicted, strict=True)]
        value = f"{min(left):.0f} to {max(left):.0f} of k = {k}"
        table.append(Row(section, "k - d N by the larger of the two", value))
    return table


def _covariance_rows(name: str, cameras: Sequence[Camera]) -> list[Row]:
    """Do cameras of one model share signs? If not, their sums of products are N(0, M)."""
    table = []
    for profile in PROFILES:
        signs = np.array([np.sign(c.enrolled[ENROLLED].features[profile.name]) for c in cameras])
        scores = signs @ signs.T / math.sqrt(signs.shape[1])
        pairs = scores[np.triu_indices(len(cameras), 1)]
        value = f"{pairs.size} pairs: mean {pairs.mean():.2f}, sd {pairs.std():.2f}"
        table.append(Row(f"{profile.name}: between cameras, {name}", "correlation", value))
    return table


def _signs(reading: Reading, profile: FuzzyProfile) -> Plane:
    spec = code_for(profile.name)
    strengths = reading.features[profile.name]
    positions = select_positions(strengths, spec)
    signs = np.zeros(strengths.size)
    signs[positions] = np.where(strengths[positions] < 0, -1, 1)
    return signs.reshape(reading.frame[0] // spec.step, -1)


def _span(values: Sequence[float]) -> str:
    return f"{min(values):.4f} to {max(values):.4f}"


def _rate(count: int, trials: int) -> str:
    """Exact 95 % interval (Clopper and Pearson 1934); photos of one camera are not independent."""
    low, high = share_interval(count, trials)
    return f"{count}/{trials}, 95 %: {low:.2g} to {high:.2g}"
