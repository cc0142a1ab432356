"""Keys of real cameras: of three Nikons each gets its own back, and no other's."""

from dataclasses import replace
from itertools import permutations

import numpy as np
import pytest
from tests.real_photos import CAMERAS, ENROLLED, RealPhotos

from grainseal.client.errors import CameraNotRecognised, PhotosRefused
from grainseal.client.key_coding import NewKey, new_key, same_key
from grainseal.crypto.profiles import FUZZY_MAX_V1, FUZZY_V1, FuzzyProfile
from grainseal.models.fingerprint import Fingerprint

SECRET = bytes(range(32))

pytestmark = pytest.mark.photos


@pytest.fixture(scope="module")
def fingerprints(real_photos: RealPhotos) -> dict[str, tuple[Fingerprint, Fingerprint]]:
    """Of each camera the first six flats and the last four."""

    def of(camera: str, part: slice) -> Fingerprint:
        return real_photos.fingerprint(real_photos.flats(camera)[part], "wavelet5")

    return {
        camera: (of(camera, slice(ENROLLED)), of(camera, slice(ENROLLED, None)))
        for camera in CAMERAS
    }


def keys(
    fingerprints: dict[str, tuple[Fingerprint, Fingerprint]], profile: FuzzyProfile
) -> dict[str, NewKey]:
    return {camera: new_key(six, profile, SECRET) for camera, (six, _) in fingerprints.items()}


@pytest.mark.parametrize("profile", [FUZZY_V1, FUZZY_MAX_V1], ids=lambda profile: profile.name)
def test_the_own_camera_gets_its_key_back(fingerprints, profile):
    made = keys(fingerprints, profile)
    for camera in CAMERAS:
        _, four = fingerprints[camera]
        assert same_key(four, made[camera].helper, SECRET) == made[camera].key


@pytest.mark.parametrize("profile", [FUZZY_V1, FUZZY_MAX_V1], ids=lambda profile: profile.name)
def test_no_other_camera_gets_the_key(fingerprints, profile):
    """On the part of the frame that all have, so that it is the noise that must tell."""
    height, width = np.min([six.shape for six, _ in fingerprints.values()], axis=0)
    common = {
        camera: tuple(replace(each, values=each.values[:height, :width]) for each in both)
        for camera, both in fingerprints.items()
    }
    made = keys(common, profile)
    crossings = list(permutations(CAMERAS, 2))
    assert len(crossings) == 6
    for mine, other in crossings:
        with pytest.raises(CameraNotRecognised):
            same_key(common[other][1], made[mine].helper, SECRET)


def test_another_frame_is_named(fingerprints):
    made = new_key(fingerprints["Nikon_D70_0"][0], FUZZY_V1, SECRET)
    with pytest.raises(PhotosRefused, match="3872x2592, the enrolled ones 3008x2000"):
        same_key(fingerprints["Nikon_D200_0"][1], made.helper, SECRET)


def test_another_device_does_not_get_the_key_from_the_right_camera(fingerprints):
    six, four = fingerprints["Nikon_D70_1"]
    made = new_key(six, FUZZY_V1, SECRET)
    with pytest.raises(CameraNotRecognised):
        same_key(four, made.helper, SECRET[::-1])
