"""A training that drops parts at random and was interrupted ends as one that was not."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs torch: pip install grainseal[train]")

from grainseal.models.training.config import Stage  # noqa: E402 - after the skip
from grainseal.models.training.systems.config import SystemConfig  # noqa: E402
from grainseal.models.training.systems.run import train_system  # noqa: E402

STAGES = (Stage("classes", 4, 1e-3), Stage("classes", 4, 1e-3))  # the first ends with a checkpoint
CONFIG = SystemConfig("patch-classifier", 1, 2, 0, 2, 1, 0, 32, 32, 8, STAGES)


def write_noise(folder):
    """Photos of noise, as a run keeps its own."""
    folder.mkdir(parents=True)
    (folder / "names.txt").write_text("one\nother")
    rng = np.random.default_rng(2)
    for name, shape in (("scenes", (2, 2, 32, 32, 3)), ("isos", (2, 2)), ("flats", (2, 0))):
        np.save(folder / f"{name}.npy", rng.integers(0, 256, shape, np.uint8))


def test_what_is_dropped_is_the_same_after_an_interruption(tmp_path):
    losses = {"whole": {}, "halves": {}}

    def trained(name, last=None):
        def stepped(step, loss):
            losses[name][step] = loss
            if step == last:
                raise KeyboardInterrupt

        train_system(CONFIG, tmp_path / name, None, threads=1, stepped=stepped)
        return torch.load(tmp_path / name / "checkpoint.pt")

    for name in losses:
        for part in ("training", "validation"):
            write_noise(tmp_path / name / part)
    end = trained("whole")
    with pytest.raises(KeyboardInterrupt):
        trained("halves", 6)
    assert torch.load(tmp_path / "halves" / "checkpoint.pt")["step"] == 4
    again = trained("halves")
    assert (end["step"], again["step"]) == (8, 8)
    assert losses["halves"] == pytest.approx(losses["whole"], abs=1e-6)
    for name, weight in end["module"].items():
        torch.testing.assert_close(again["module"][name], weight, rtol=0, atol=1e-6)
