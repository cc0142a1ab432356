"""Copies brought back onto the frame: by size alone, and by looking at the original."""

import io

import numpy as np
import pytest
from PIL import Image

from grainseal.models.alignment import (
    AlignmentError,
    Placement,
    copy_features,
    to_frame,
    uncropped,
    upright,
)
from grainseal.models.claim_code import claim_for
from grainseal.models.matching import ncc
from grainseal.models.photo import Photo, PhotoError, read_photo
from grainseal.models.registration import register
from grainseal.models.simulator import VirtualCamera, dead_leaves, develop

WIDTH, HEIGHT = 1200, 800
FRAME = (HEIGHT, WIDTH)
SPEC = claim_for("CLAIM_TESTING")


def picture(seed):
    camera = VirtualCamera(seed, WIDTH, HEIGHT)
    return Image.fromarray(develop(camera.photograph(dead_leaves(HEIGHT, WIDTH, seed))))


def saved(image, quality=75):
    data = io.BytesIO()
    image.save(data, "JPEG", quality=quality)
    return read_photo(data.getvalue())


@pytest.fixture(scope="module")
def image():
    return picture(1)


@pytest.fixture(scope="module")
def original(image):
    return saved(image, 92)


def test_whole_copies_are_placed_by_their_size():
    upright_one, upside_down = uncropped((400, 600), FRAME)
    assert upright_one == Placement((0.5, 0.5))
    assert upside_down == Placement((0.5, 0.5), turns=2)
    assert [p.turns for p in uncropped((600, 400), FRAME)] == [1, 3]
    assert uncropped((333, 500), FRAME)[0].scale == (333 / 800, 500 / 1200)
    assert [p.turns for p in uncropped((300, 300), (900, 900))] == [0, 1, 3, 2]


@pytest.mark.parametrize(
    ("size", "reason"),
    [((400, 500), "cropped"), ((1600, 2400), "enlarged"), ((160, 240), r"0\.25")],
)
def test_sizes_that_cannot_be_placed_say_why(size, reason):
    with pytest.raises(AlignmentError, match=reason):
        uncropped(size, FRAME)


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("turns", [0, 1, 2, 3])
def test_orientation_is_undone(turns, mirrored):
    """Numbered pixels: what a tool did to the picture, upright takes back."""
    pixels = np.arange(4 * 6 * 3, dtype=np.uint8).reshape(4, 6, 3)
    done = np.rot90(pixels, -turns)
    done = done[:, ::-1] if mirrored else done
    photo = Photo(np.ascontiguousarray(done), "developed", "copy", "")
    back = upright(photo, Placement((1.0, 1.0), turns=turns, mirrored=mirrored))
    np.testing.assert_array_equal(back.pixels, pixels)
    np.testing.assert_array_equal(photo.pixels, done)


def test_whole_pixels_are_pasted_and_overhang_is_dropped():
    values = np.arange(1, 7, dtype=np.float32).reshape(2, 3)
    placed = to_frame(values, Placement((1.0, 1.0), (1.0, -1.0)), (4, 4))
    expected = np.zeros((4, 4), np.float32)
    expected[1:3, :2] = [[2, 3], [5, 6]]
    np.testing.assert_array_equal(placed, expected)


def test_interpolation_keeps_coordinates():
    """A plane that is linear in the frame's coordinates stays so; outside it is exactly 0."""
    scale, origin = np.array((0.5, 0.4)), np.array((10.3, 20.7))
    rows, columns = ((np.arange(n) + 0.5) / scale[i] + origin[i] for i, n in enumerate((30, 40)))
    values = (100 + rows[:, None] + 2 * columns[None, :]).astype(np.float32)
    placed = to_frame(values, Placement(tuple(scale), tuple(origin)), (100, 150))
    y, x = np.arange(100) + 0.5, np.arange(150) + 0.5
    expected = 100 + y[:, None] + 2 * x[None, :]
    inner = np.s_[12:68, 24:118]
    np.testing.assert_allclose(placed[inner], expected[inner], rtol=1e-5)
    assert np.all(placed[:9] == 0)
    assert np.all(placed[:, 122:] == 0)


CROP = (101, 53, 1001, 653)  # left, upper, right, lower
SHARP = Image.Resampling.LANCZOS


@pytest.mark.parametrize(
    ("change", "scale", "origin"),
    [
        (lambda i: i, (1, 1), (0, 0)),
        (lambda i: i.resize((600, 400), SHARP), (0.5, 0.5), (0, 0)),
        (lambda i: i.resize((301, 200), Image.Resampling.BICUBIC), (0.25, 301 / 1200), (0, 0)),
        (lambda i: i.crop(CROP), (1, 1), (53, 101)),
        (lambda i: i.crop(CROP).resize((630, 420), SHARP), (0.7, 0.7), (53, 101)),
        (lambda i: i.crop((400, 300, 760, 540)), (1, 1), (300, 400)),
    ],
    ids=["same", "half", "quarter", "crop", "crop and reduce", "small crop"],
)
def test_registration_finds_scale_and_offset(image, original, change, scale, origin):
    placed = register(saved(change(image)), original)
    assert (placed.turns, placed.mirrored) == (0, False)
    assert placed.similarity > 0.9
    # A quarter of a frame pixel at every corner.
    np.testing.assert_allclose(placed.scale, scale, rtol=2e-4)
    np.testing.assert_allclose(placed.origin, origin, atol=0.25)
    assert placed.whole_pixels == (scale == (1, 1))


@pytest.mark.parametrize(
    ("operation", "turns", "mirrored"),
    [
        (Image.Transpose.ROTATE_90, 3, False),
        (Image.Transpose.ROTATE_180, 2, False),
        (Image.Transpose.FLIP_LEFT_RIGHT, 0, True),
        (Image.Transpose.FLIP_TOP_BOTTOM, 2, True),
    ],
)
def test_registration_finds_the_orientation(image, original, operation, turns, mirrored):
    copy = saved(image.crop(CROP).transpose(operation))
    placed = register(copy, original)
    assert (placed.turns, placed.mirrored) == (turns, mirrored)
    assert placed.origin == (53.0, 101.0)
    assert upright(copy, placed).shape == (600, 900)


def test_a_caption_and_other_brightness_do_not_matter(image, original):
    edited = image.point(lambda v: min(255, int(1.15 * v))).crop(CROP)
    edited.paste((255, 255, 255), (0, 520, 900, 600))
    placed = register(saved(edited), original)
    assert placed.origin == (53.0, 101.0)


def test_another_picture_is_not_placed(original):
    with pytest.raises(AlignmentError, match="does not show"):
        register(saved(picture(2).resize((600, 400))), original)
    blank = Photo(np.full((400, 600, 3), 128, np.uint8), "developed", "blank", "")
    with pytest.raises(AlignmentError, match="does not show"):
        register(blank, original)
    with pytest.raises(AlignmentError, match="enlarged"):
        register(saved(picture(2).resize((2400, 1600))), original)


def test_the_residual_of_a_copy_lands_on_the_original(image, original):
    """A crop of the very picture has nearly its noise where it lies, and zeros elsewhere."""
    whole = copy_features(original, Placement((1.0, 1.0)), FRAME, SPEC)
    copy = saved(image.crop((100, 56, 1001, 653)), 95)
    part = copy_features(copy, register(copy, original), FRAME, SPEC)
    known = part != 0
    assert 0.5 < known.mean() < 0.6
    assert ncc(whole[known], part[known]) > 0.5


def test_blank_and_tiny_copies(image):
    blank = Photo(np.full((400, 600, 3), 128, np.uint8), "developed", "blank", "")
    assert not copy_features(blank, Placement((0.5, 0.5)), FRAME, SPEC).any()
    tiny = saved(image.crop((0, 0, 64, 64)))
    with pytest.raises(PhotoError, match="at least 160 pixels"):
        copy_features(tiny, Placement((1.0, 1.0)), FRAME, SPEC)
