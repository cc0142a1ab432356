"""A network is trained, exported and used: a small one, in seconds. Skipped without torch."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs torch: pip install grainseal[train]")

from click.testing import CliRunner  # noqa: E402 - after the skip

from grainseal.models.neural import NeuralExtractor, session  # noqa: E402
from grainseal.models.photo import Photo  # noqa: E402
from grainseal.models.training import data, losses, run  # noqa: E402
from grainseal.models.training.command import train  # noqa: E402
from grainseal.models.training.config import (  # noqa: E402
    TRIM,
    ConfigError,
    Stage,
    TrainingConfig,
    read_config,
)
from grainseal.models.training.export import onnx_bytes  # noqa: E402
from grainseal.models.training.network import ResidualNetwork  # noqa: E402
from grainseal.models.training.trainer import Phase, Schedule, Trainer, TrainingError  # noqa: E402

CONFIG = TrainingConfig(
    name="small",
    domain="developed",
    seed=3,
    channels=8,
    wide=16,
    depth=1,
    shots=4,
    validation_shots=2,
    side=192,
    crop=64,
    batch=2,
    stages=(Stage("denoise", 80, 1e-3), Stage("pattern", 8, 1e-3)),
)


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> Path:
    """Folder of a finished run by the command line."""
    folder = tmp_path_factory.mktemp("training")
    path = folder / "small.json"
    path.write_text(CONFIG.to_json())
    command = ["extractor", "--config", str(path), "--out", str(folder / "run"), "--threads", "1"]
    done = CliRunner().invoke(train, command)
    assert done.exit_code == 0, done.output
    return folder / "run"


def metrics(folder):
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]


def test_a_run_learns_logs_and_ships(trained):
    lines = metrics(trained)
    assert [line["step"] for line in lines] == [80, 88]
    torch.manual_seed(CONFIG.seed)
    untrained = ResidualNetwork(3, CONFIG.channels, CONFIG.wide, CONFIG.depth)
    unseen = data.load_shots(trained / "shots", CONFIG, validation=True, workers=1)
    before = run.validate(unseen, untrained)["denoising_loss"]
    assert lines[0]["denoising_loss"] < 0.98 * before
    manifest = json.loads((trained / "small-developed.json").read_text())
    assert manifest["config"]["seed"] == 3
    assert manifest["scores"]["ncc"] == pytest.approx(lines[-1]["ncc"], abs=1e-4)
    pixels = np.random.default_rng(0).integers(0, 256, (96, 128, 3), np.uint8)
    observed = list(NeuralExtractor("small", trained).observe(Photo(pixels, "developed", "p", "")))
    assert [o.residual.shape for o in observed] == [(96, 128)] * 3


def test_an_interrupted_run_ends_where_an_uninterrupted_one_does(trained, tmp_path):
    config = replace(CONFIG, stages=(Stage("denoise", 6, 1e-3), Stage("pattern", 6, 1e-3)))
    whole, halves = tmp_path / "whole", tmp_path / "halves"
    for folder in (whole, halves):
        folder.mkdir()
        (folder / "shots").symlink_to(trained / "shots")

    def half_way(step, loss):
        if step == 9:
            raise KeyboardInterrupt

    at_once = run.train(config, whole, threads=1)
    with pytest.raises(KeyboardInterrupt):
        run.train(config, halves, threads=1, stepped=half_way)
    assert metrics(halves)[-1]["step"] == 6
    again = run.train(config, halves, threads=1)
    assert again.metrics["ncc"] == pytest.approx(at_once.metrics["ncc"], abs=1e-6)


def test_a_folder_keeps_to_one_configuration(trained):
    with pytest.raises(TrainingError, match="another configuration"):
        run.train(replace(CONFIG, seed=4), trained, threads=1)


@pytest.mark.parametrize("planes", [1, 3])
def test_onnxruntime_computes_what_torch_does(planes):
    torch.manual_seed(1)
    network = ResidualNetwork(planes, channels=8, wide=16, depth=2).eval()
    rng = np.random.default_rng(1)
    side = 2 * network.margin
    sizes = (2, planes, side + 64, side + 48)
    fed = rng.random(sizes, dtype=np.float32), np.array([0, 0.02], np.float32)
    with torch.no_grad():
        expected = network(*map(torch.from_numpy, fed)).numpy()
    (found,) = session(onnx_bytes(network, planes), "network").run(
        ["residual"], {"planes": fed[0], "level": fed[1]}
    )
    assert found.shape == (2, planes, 64, 48)
    assert expected.std() > 1e-5
    np.testing.assert_allclose(found, expected, atol=1e-6)


@pytest.mark.parametrize("place", [(8, 8), (11, 14), (15, 9)])
def test_nothing_beyond_the_margin_is_seen(place):
    """Wherever in its blocks a value lies: what was padded cannot have reached it."""
    torch.manual_seed(1)
    network = ResidualNetwork(3, channels=4, wide=4, depth=2).eval()
    side = 2 * network.margin + 32
    planes = torch.rand(1, 3, side, side, requires_grad=True)
    row, column = place
    network(planes, torch.tensor([0.01]))[0, :, row, column].sum().backward()
    assert planes.grad is not None
    seen = planes.grad.abs().sum(dim=(0, 1)).nonzero()
    assert seen.min() > 0
    reach = seen.float() - torch.tensor([row, column]) - network.margin
    assert network.margin / 2 < reach.abs().max() <= network.margin


def test_training_twice_gives_the_same(trained, tmp_path):
    """On one machine to the last bit, but for the order in which threads add."""
    config = replace(CONFIG, stages=(Stage("pattern", 6, 1e-3),))

    def metrics_of(name):
        (tmp_path / name).mkdir()
        (tmp_path / name / "shots").symlink_to(trained / "shots")
        return run.train(config, tmp_path / name, threads=1).metrics

    one, two = metrics_of("a"), metrics_of("b")
    assert one == pytest.approx(two, abs=1e-6)


def test_truth_is_the_best_answer():
    """The pattern loss is lower for I*K than for I*K in noise, and for that than for noise."""
    torch.manual_seed(1)
    pattern = 0.006 * torch.randn(2, 64, 64)
    intensity = (torch.rand(2, 3, 64, 64) * 0.5 + 0.2).repeat(2, 1, 1, 1)
    truth = intensity * torch.cat((pattern, -pattern))[:, None]
    noise = 0.01 * torch.randn(2, 3, 64, 64).repeat(2, 1, 1, 1)
    values = [
        float(losses.pattern_loss(intensity, residual, pattern))
        for residual in (truth, truth + noise, noise)
    ]
    assert values == sorted(values)
    fingerprint = losses.single_photo_fingerprint(intensity, truth)
    assert float(losses.correlation(fingerprint[:2], pattern).min()) > 0.8


def test_twins_take_the_noise_out_of_a_correlation():
    torch.manual_seed(2)
    pattern, noise = torch.randn(8, 64, 64), 30 * torch.randn(8, 64, 64)
    patches = torch.cat((noise + pattern, noise - pattern))
    alone = losses.correlation(patches[:8], pattern)
    paired = losses.paired_correlation(patches, pattern)
    assert float(paired.std()) < 0.2 * float(alone.std())
    assert float(paired.mean()) == pytest.approx(1 / 30, rel=0.1)


def test_what_all_patches_share_is_penalised():
    own = torch.randn(64, 3, 64, 64)
    shared = torch.randn(8, 8).repeat(8, 8)
    assert float(losses.common_share(own)) < 0.01
    assert float(losses.common_share(own + shared)) > 0.3


def test_batches_repeat_and_carry_their_truth(trained):
    shots = data.load_shots(trained / "shots", CONFIG, validation=False, workers=1)
    one, two = (list(data.batches(shots, CONFIG, 5, 2)) for _ in range(2))
    assert torch.equal(one[1].planes, two[1].planes)
    assert not torch.equal(one[0].planes, one[1].planes)
    assert one[0].planes.shape == (4, 3, 64 + 2 * TRIM, 64 + 2 * TRIM)
    assert torch.equal(one[0].planes[:, :, TRIM:-TRIM, TRIM:-TRIM], one[0].intensity)
    assert one[0].pattern.shape == (2, 64, 64)
    assert 0.003 < float(one[0].pattern.std()) < 0.012


def test_a_diverging_run_says_so(tmp_path):
    module = torch.nn.Linear(1, 1)
    schedule = Schedule(
        phases=(Phase("p", 1, 1.0, lambda m, batch: m(batch).sum() * float("nan")),),
        batches=lambda first, count: iter([torch.ones(1, 1)] * count),
        validate=lambda module: {},
    )
    with pytest.raises(TrainingError, match="lower learning_rate"):
        Trainer(module, schedule, tmp_path).run()


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"domain": "film"}, "developed or raw"),
        ({"crop": 190}, "multiples of 8"),
        ({"crop": 184}, "do not fit"),
        ({"batch": 0}, "batch must be positive"),
        ({"stages": []}, "stages are a list"),
        ({"colour": 1}, "no training configuration"),
    ],
)
def test_configurations_that_make_no_sense_are_refused(tmp_path, entry, message):
    path = tmp_path / "c.json"
    path.write_text(json.dumps({**json.loads(CONFIG.to_json()), **entry}))
    with pytest.raises(ConfigError, match=message):
        read_config(path)
