"""Perceptual hashes: equal to the published ones, stable, and searched exactly and fast."""

import io
import time

import imagehash
import numpy as np
import pytest
from PIL import Image
from threadpoolctl import threadpool_limits

from grainseal.models.perceptual import (
    NEAR,
    HashError,
    HashIndex,
    Near,
    distance,
    hash_orientations,
    perceptual_hash,
)
from grainseal.models.photo import PhotoError, read_photo
from grainseal.models.simulator import VirtualCamera, dead_leaves, develop, write_dng

SEARCH_SECONDS = 0.05


def picture(seed):
    return Image.fromarray(
        develop(VirtualCamera(1, 480, 320).photograph(dead_leaves(320, 480, seed)))
    )


def saved(image, quality=75):
    data = io.BytesIO()
    image.save(data, "JPEG", quality=quality)
    return read_photo(data.getvalue())


def hashes(count, seed=0):
    data = np.random.default_rng(seed).bytes(32 * count)
    return [data[start : start + 32] for start in range(0, len(data), 32)]


def flipped(value, bits):
    changed = bytearray(value)
    for bit in bits:
        changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


def test_the_bytes_are_those_of_imagehash():
    photo = saved(picture(1))
    published = str(imagehash.phash(Image.fromarray(photo.pixels), hash_size=16))
    assert perceptual_hash(photo).hex() == published


def test_copies_are_near_and_other_pictures_far():
    image = picture(1)
    mine = perceptual_hash(saved(image, 92))
    for copy in (image.resize((240, 160)), image.resize((120, 80)), image.point(lambda v: v * 0.8)):
        assert distance(mine, perceptual_hash(saved(copy, 60))) <= 16
    assert distance(mine, perceptual_hash(saved(picture(2)))) > NEAR


@pytest.mark.parametrize("operation", list(Image.Transpose))
def test_turned_copies_are_found_by_one_of_the_eight(operation):
    image = picture(1)
    mine = perceptual_hash(saved(image))
    turned = saved(image.transpose(operation))
    found = list(hash_orientations(turned))
    assert len(found) == 8
    assert found[0] == perceptual_hash(turned)
    assert min(distance(mine, value) for value in found) <= 8


def test_search_is_exact():
    """Against a plain comparison of every bit, over a growing index."""
    stored = hashes(500)
    wanted = flipped(stored[123], range(0, 60, 3))
    stored += [flipped(wanted, range(NEAR)), flipped(wanted, range(NEAR + 1)), wanted]
    index = HashIndex(stored[:10])
    for start in range(10, len(stored), 37):
        index.add(stored[start : start + 37])
    assert len(index) == 503
    bits = np.unpackbits(np.frombuffer(b"".join(stored), np.uint8).reshape(-1, 32), axis=1)
    apart = np.sum(bits != np.unpackbits(np.frombuffer(wanted, np.uint8)), axis=1)
    assert index.search(wanted) == [Near(502, 0), Near(123, 20), Near(500, NEAR)]
    everything = sorted((Near(i, int(d)) for i, d in enumerate(apart)), key=lambda n: n.distance)
    assert index.search(wanted, within=256) == everything
    assert HashIndex().search(wanted) == []


def test_a_million_hashes_are_searched_in_time():
    index = HashIndex(hashes(1_000_000))
    planted = flipped(hashes(1, seed=1)[0], range(NEAR))
    index.add([planted])
    with threadpool_limits(limits=1):
        wanted = hashes(1, seed=1)[0]
        assert index.search(wanted) == [Near(1_000_000, NEAR)]
        seconds = []
        for _ in range(5):
            start = time.process_time()
            index.search(wanted)
            seconds.append(time.process_time() - start)
    assert min(seconds) <= SEARCH_SECONDS


def test_wrong_inputs_are_refused(tmp_path):
    index = HashIndex(hashes(2))
    with pytest.raises(HashError, match="32 bytes"):
        index.add([bytes(32), bytes(31)])
    assert len(index) == 2
    with pytest.raises(HashError, match="32 bytes"):
        index.search(b"")
    camera = VirtualCamera(1, 512, 512)
    raw = read_photo(write_dng(tmp_path / "a.dng", camera.photograph(dead_leaves(512, 512, 1))))
    with pytest.raises(PhotoError, match="RAW"):
        perceptual_hash(raw)
    with pytest.raises(PhotoError, match="RAW"):
        next(hash_orientations(raw))
