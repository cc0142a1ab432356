"""What workers do with photos, step by step: the control, the placement, the refusals."""

import io

import numpy as np
import pytest
from PIL import Image

from grainseal.models.claim_code import claim_for, claim_positions
from grainseal.models.codes import features
from grainseal.models.fingerprint import Fingerprint
from grainseal.models.perceptual import hash_orientations, perceptual_hash
from grainseal.models.photo import read_photo
from grainseal.server.photo_work import (
    CONTROL_SHIFT,
    Frame,
    PhotoUnusable,
    cut_claim,
    look,
    moved_aside,
    orientation_of,
)

SPEC = claim_for("CLAIM_TESTING")
SHAPE = (322, 386)  # neither side a multiple of 8
RNG = np.random.default_rng(3)


@pytest.fixture(scope="module")
def frame():
    strengths = RNG.standard_normal(SPEC.feature_count(SHAPE)).astype(np.float32)
    chosen = np.zeros(strengths.size, np.bool_)
    chosen[claim_positions(strengths, SHAPE, SPEC)] = True
    return Frame("CLAIM_TESTING", *SHAPE, bytes(32), np.packbits(chosen).tobytes())


def noisy_picture(shape=SHAPE):
    small = Image.fromarray(RNG.integers(40, 210, (9, 9, 3)).astype(np.uint8))
    wide = np.asarray(small.resize(shape[::-1], Image.Resampling.BICUBIC), np.float32)
    noise = RNG.normal(0, 3, (*shape, 3))
    return Image.fromarray(np.clip(wide + noise, 0, 255).astype(np.uint8))


def jpeg(image, quality=90):
    data = io.BytesIO()
    image.save(data, "JPEG", quality=quality)
    return data.getvalue()


def test_moving_features_is_moving_pixels(frame):
    plane = RNG.standard_normal(SHAPE).astype(np.float32)
    moved = np.zeros_like(plane)
    moved[CONTROL_SHIFT:, CONTROL_SHIFT:] = plane[:-CONTROL_SHIFT, :-CONTROL_SHIFT]
    of_plane, of_moved = (features(Fingerprint(p, "developed", 1), SPEC) for p in (plane, moved))
    np.testing.assert_array_equal(moved_aside(of_plane, frame), of_moved)


def test_a_copy_is_cut_once_for_each_way_that_it_may_lie(frame):
    cut = cut_claim(frame, jpeg(noisy_picture(), 77), None, None)
    assert [placement.turns for placement in cut.placements] == [0, 2]
    assert len(cut.copies) == 2
    assert cut.original is None
    assert cut.jpeg_quality == 77
    assert all(p.shape == (SPEC.length,) and p.dtype == np.int8 for p in cut.copies)
    assert not np.array_equal(cut.control, cut.copies[0])
    assert 0 < np.count_nonzero(cut.control) < np.count_nonzero(cut.copies[0])


def test_a_registered_hash_tells_the_orientation(frame):
    image = noisy_picture()
    registered = perceptual_hash(read_photo(jpeg(image)))
    turned = jpeg(image.transpose(Image.Transpose.FLIP_LEFT_RIGHT).rotate(90, expand=True))
    seen = look(turned, None)
    assert list(seen.orientations) == list(hash_orientations(read_photo(turned)))
    orientation = orientation_of(seen, registered)
    cut = cut_claim(frame, turned, None, orientation)
    assert [(p.turns, p.mirrored) for p in cut.placements] == [orientation]
    assert orientation[1]
    with pytest.raises(PhotoUnusable, match="give the original too"):
        cut_claim(frame, turned, None, (0, False))


def test_messages_name_the_photo(frame):
    image = noisy_picture()
    good, small = jpeg(image), jpeg(image.resize((300, 200)))
    with pytest.raises(PhotoUnusable, match=r"^the original is damaged"):
        look(good, good[:500])
    with pytest.raises(PhotoUnusable, match=r"^the copy is damaged"):
        look(good[:500], None)
    with pytest.raises(PhotoUnusable, match=r"^the original is 300x200, the enrolled frame is"):
        cut_claim(frame, good, small, None)
    with pytest.raises(PhotoUnusable, match="the copy does not show the original"):
        cut_claim(frame, good, jpeg(noisy_picture()), None)
