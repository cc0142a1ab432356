"""The table `photonecf-single`, by the published network with weights drawn at random."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="importing needs torch: pip install grainseal[train]")

from grainseal.client.reproduction import photonecf  # noqa: E402 - after the skip
from grainseal.client.reproduction.photos import Wanted, simulated  # noqa: E402
from grainseal.client.reproduction.work import Settings  # noqa: E402
from grainseal.models.extractor import get_extractor  # noqa: E402
from grainseal.models.fingerprint import estimate  # noqa: E402
from grainseal.models.matching import ncc  # noqa: E402
from grainseal.models.reference.photonecf import VARIABLE  # noqa: E402
from grainseal.models.reference.published.photonecf import SINGLE_PHOTO  # noqa: E402
from grainseal.models.training.photonecf import PhotoNecf, import_checkpoint  # noqa: E402

SIDE = 64
SCENES = 2


@pytest.fixture(autouse=True)
def _random_network(tmp_path, monkeypatch):
    torch.manual_seed(5)
    network = PhotoNecf()
    state = {f"module.{name}": value for name, value in network.state_dict().items()}
    torch.save(state, tmp_path / "model.pth")
    import_checkpoint(tmp_path / "model.pth", tmp_path / "imported", "")
    monkeypatch.setenv(VARIABLE, str(tmp_path / "imported"))
    monkeypatch.setattr(photonecf, "_SCENES", SCENES)


def test_every_photo_is_compared_with_every_other():
    found = photonecf.single(Settings(None, 3, SIDE, lambda *_: None))
    extractor = get_extractor("photonecf")
    cameras = simulated(Wanted(3, SCENES, raw=True), SIDE).cameras
    photos = [shot.photo() for camera in cameras for shot in camera.scenes]
    assert {photo.kind for photo in photos} == {"raw"}
    prints = [estimate([photo], extractor).values for photo in photos]
    genuine, impostor = [], []
    for later in range(len(prints)):
        for earlier in range(later):
            pairs = genuine if later // SCENES == earlier // SCENES else impostor
            pairs.append(ncc(prints[later], prints[earlier]))
    (line,) = found.lines
    auc, eer = line.cells
    assert auc.ours == pytest.approx(np.mean(np.greater.outer(genuine, impostor)))
    assert eer.ours == pytest.approx(crossing(np.array(genuine), np.array(impostor)))
    assert auc.ours not in (0, 0.5, 1)
    assert (auc.published, eer.published) == (SINGLE_PHOTO.auc, SINGLE_PHOTO.eer)
    assert found.measured[0].startswith("3 genuine and 12 impostor pairs")
    assert f"{SIDE}x{SIDE} RAW" in found.photos


def crossing(genuine, impostor):
    """Where the shares of accepted impostors and of refused genuine pairs meet."""
    limits = [np.inf, *sorted((*genuine, *impostor), reverse=True)]
    accepted = np.array([np.mean(impostor >= limit) for limit in limits])
    refused = np.array([np.mean(genuine < limit) for limit in limits])
    return np.interp(0, accepted - refused, accepted)
