"""The weighted statistic: its null, its gain where the answer is known, what must not matter."""

import math

import numpy as np
import pytest
import scipy.fft

from grainseal.models.fingerprint import Fingerprint
from grainseal.models.matching import (
    MatchError,
    compare,
    effective_samples,
    ncc,
    ncc_false_match,
    prepared,
)
from grainseal.models.spectral import BAND_PEAK, FLOOR, coherence, weighted

SHAPE = (64, 96)


def frequencies(shape=SHAPE):
    rows, columns = np.fft.fftfreq(shape[0])[:, None], np.fft.rfftfreq(shape[1])[None, :]
    return np.hypot(rows, columns).astype(np.float32)


def filtered(values, gain):
    return scipy.fft.irfft2(scipy.fft.rfft2(values) * gain, s=values.shape).astype(np.float32)


def low_heavy():
    """Noise amplitude of textures that leak: strong at low frequencies, little at high ones."""
    return 1 / (frequencies() + 0.03)


def white(rng, shape=SHAPE):
    return rng.standard_normal(shape, dtype=np.float32)


@pytest.mark.parametrize("colours", ["white", "textured", "one of each"])
def test_null_scores_have_the_stated_spread(colours):
    """200 unrelated pairs: NCC * sqrt(N_eff) of what `weighted` prepares is standard normal."""
    rng = np.random.default_rng(1)
    scores = []
    for _ in range(200):
        a, b = white(rng), white(rng)
        if colours != "white":
            a = filtered(a, low_heavy())
        if colours == "textured":
            b = filtered(b, low_heavy())
        a, b = weighted(a), weighted(b)
        scores.append(ncc(a, b) * math.sqrt(effective_samples(a, b)))
    assert np.std(scores) == pytest.approx(1, abs=0.15)
    assert abs(np.mean(scores)) < 0.2
    tails = np.array([ncc_false_match(score, 1) for score in scores])
    assert np.mean(tails < 0.1) == pytest.approx(0.1, abs=0.065)


def test_beats_plain_ncc_where_noise_is_coloured():
    """A pattern of the band's own spectrum in textured noise: the deflection must grow by half."""
    rng = np.random.default_rng(2)
    band = np.sqrt(coherence(frequencies()))
    genuine, impostor = ([], []), ([], [])
    for _ in range(50):
        pattern = filtered(white(rng), band)
        one, other = (0.6 * pattern + filtered(white(rng), low_heavy()) / 8 for _ in range(2))
        stranger = filtered(white(rng), low_heavy()) / 8
        for place, change in enumerate((lambda values: values, weighted)):
            genuine[place].append(ncc(change(one), change(other)))
            impostor[place].append(ncc(change(one), change(stranger)))
    plain, better = (np.mean(g) / np.std(i) for g, i in zip(genuine, impostor, strict=True))
    assert better > 1.5 * plain


def test_spectrum_is_the_band_whatever_the_colour():
    """Of white and of textured noise alike, ring by ring, where no floor is in the way."""
    rng = np.random.default_rng(3)
    frequency = frequencies((256, 256))
    for gain in (1, 1 / (frequency + 0.3)):
        values = filtered(white(rng, (256, 256)), gain)
        power = np.square(np.abs(scipy.fft.rfft2(weighted(values), norm="ortho")))
        before = np.square(np.abs(scipy.fft.rfft2(values / values.std(), norm="ortho")))
        for low in (0.1, 0.2, 0.3, 0.4):
            ring = (frequency >= low) & (frequency < low + 0.05)
            own = before[ring].mean()
            expected = np.mean(coherence(frequency[ring])) * own / (own + FLOOR)
            assert power[ring].mean() == pytest.approx(expected, rel=0.08)


def test_band_peaks_where_it_says_and_leaves_out_the_mean():
    curve = coherence(np.array([0, BAND_PEAK / 2, BAND_PEAK, 2 * BAND_PEAK], np.float32))
    assert curve[0] == 0
    assert curve[2] == pytest.approx(1)
    assert max(curve[1], curve[3]) < 0.6
    assert abs(float(weighted(white(np.random.default_rng(4)) + 7).mean())) < 1e-6


def test_scale_offset_and_sign_of_a_side_do_not_matter():
    values = white(np.random.default_rng(5))
    once = weighted(values)
    np.testing.assert_allclose(weighted(5 * values + 3), once, atol=1e-4)
    np.testing.assert_allclose(weighted(-values), -once, atol=1e-6)
    np.testing.assert_allclose(weighted(values[::-1, ::-1]), once[::-1, ::-1], atol=1e-5)


@pytest.mark.parametrize("shape", [(7, 9), (8, 5), (1, 1)])
def test_any_size(shape):
    assert weighted(white(np.random.default_rng(6), shape)).shape == shape


def test_nothing_comes_of_nothing():
    assert not weighted(np.full(SHAPE, 0.25, np.float32)).any()


def test_bad_planes_are_refused():
    values = white(np.random.default_rng(7))
    with pytest.raises(ValueError, match="a plane is needed"):
        weighted(values[0])
    with pytest.raises(ValueError, match="a plane is needed"):
        weighted(values[:0])
    values[3, 4] = np.nan
    with pytest.raises(ValueError, match="not finite"):
        weighted(values)


def test_matchers_by_name():
    values = white(np.random.default_rng(8))
    developed, raw = Fingerprint(values, "developed", 1), Fingerprint(values, "raw", 1)
    assert prepared(developed, "ncc") is values
    assert prepared(raw, "weighted") is values
    np.testing.assert_array_equal(prepared(developed, "weighted"), weighted(values))
    with pytest.raises(MatchError, match="choose one of ncc, weighted"):
        prepared(developed, "nonsense")


def test_compare_by_weighted_fingerprints():
    rng = np.random.default_rng(9)
    pattern = white(rng)
    one, other, stranger = (
        Fingerprint(share * pattern + white(rng), "developed", 1) for share in (0.5, 0.5, 0)
    )
    own, others = (compare(side, one, "weighted") for side in (other, stranger))
    expected = ncc(weighted(other.values), weighted(one.values))
    assert own.ncc == pytest.approx(expected)
    assert own.false_match_probability < 1e-9
    assert others.false_match_probability > 1e-3
