"""The wheel holds what an installed grainseal needs, and works in a fresh environment."""

import json
import os
import subprocess
import sys
import tarfile
import venv
import zipfile
from collections.abc import Iterator
from importlib import metadata
from importlib.metadata import Distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[2]
SUBPACKAGES = ("client", "crypto", "models", "proto", "server")
DATA = (
    "grainseal/py.typed",
    "grainseal/cli.py",
    "grainseal/proto/v1/grainseal.proto",
    "grainseal/proto/v1/grainseal_pb2.py",
    "grainseal/proto/v1/grainseal_pb2.pyi",
    "grainseal/proto/v1/grainseal_pb2_grpc.py",
    "grainseal/server/store/migrations/env.py",
    "grainseal/client/templates/report.html.j2",
    "grainseal/models/training/configs/csi-cnn.json",
    "grainseal/models/training/configs/neural.json",
    "grainseal/models/weights/neural-developed.json",
    "grainseal/models/weights/neural-developed.onnx",
    "grainseal/models/weights/neural-raw.json",
    "grainseal/models/weights/neural-raw.onnx",
)


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    subprocess.run(command, check=True, capture_output=True)
    return {"wheel": next(folder.glob("*.whl")), "sdist": next(folder.glob("*.tar.gz"))}


def test_wheel_has_every_module_and_data_file(built):
    names = set(zipfile.ZipFile(built["wheel"]).namelist())
    for name in DATA:
        assert name in names
    for package in SUBPACKAGES:
        for source in (ROOT / package).rglob("*.py"):
            assert f"grainseal/{source.relative_to(ROOT).as_posix()}" in names
    assert any(n.startswith("grainseal/server/store/migrations/versions/0") for n in names)
    assert any(n.endswith("licenses/LICENSE") for n in names)


def test_wheel_has_nothing_else(built):
    names = zipfile.ZipFile(built["wheel"]).namelist()
    assert all(n.startswith(("grainseal/", "grainseal-")) for n in names)
    forbidden = (".pyc", ".db", ".jpg", ".dng", ".pem", ".pth")
    assert not [n for n in names if n.endswith(forbidden)]


def test_sdist_can_be_tested(built):
    with tarfile.open(built["sdist"]) as archive:
        names = {"/".join(n.split("/")[1:]) for n in archive.getnames()}
    for name in ("Makefile", "README.md", "LICENSE", "CHANGELOG.md", "docs/PROTOCOL.md"):
        assert name in names
    assert "tests/conftest.py" in names
    assert "bench/__main__.py" in names
    assert "proto/v1/grainseal.proto" in names


def required(distribution: str, extras: frozenset[str] = frozenset()) -> Iterator[Distribution]:
    """What an installation of it would fetch, as far as it is there: all that it declares."""
    for line in metadata.requires(distribution) or ():
        needed = Requirement(line)
        marker = needed.marker
        if marker is None or any(marker.evaluate({"extra": e}) for e in ("", *extras)):
            yield metadata.distribution(needed.name)
            yield from required(needed.name, frozenset(needed.extras))


def link_dependencies(wheel: Path, packages: Path) -> None:
    """Put what the wheel declares, and nothing else, beside it: links to the files of this venv."""
    [own] = metadata.distributions(name="grainseal", path=[str(wheel)])
    for line in own.requires or ():
        needed = Requirement(line)
        if needed.marker is not None and not needed.marker.evaluate({"extra": ""}):
            continue
        extras = frozenset(needed.extras)
        for found in (metadata.distribution(needed.name), *required(needed.name, extras)):
            for top in {file.parts[0] for file in found.files or ()} - {"..", "__pycache__"}:
                link = packages / top
                if not link.exists():
                    link.symlink_to(found.locate_file(top))


@pytest.mark.timeout(600)
def test_installed_wheel_runs_outside_the_repository(built, tmp_path):
    venv.create(tmp_path / "env")
    python = tmp_path / "env" / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--python", str(python)]
    install = [*pip, "install", "--quiet", "--no-deps", "--no-index", str(built["wheel"])]
    subprocess.run(install, check=True, cwd=tmp_path)
    [package] = (tmp_path / "env" / "lib").glob("python*/site-packages/grainseal")
    link_dependencies(built["wheel"], package.parent)
    clean = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "VIRTUAL_ENV")}

    def grainseal(*arguments: str) -> str:
        command = [str(tmp_path / "env" / "bin" / "grainseal"), *arguments]
        done = subprocess.run(command, check=True, cwd=tmp_path, env=clean, capture_output=True)
        return done.stdout.decode()

    assert "enroll" in grainseal("--help")
    # The migrations run from the wheel when a service is made.
    grainseal("admin", "init", "--data", str(tmp_path / "data"))
    ticket = json.loads(
        grainseal("admin", "ticket", "--data", str(tmp_path / "data"), "--subject", "ann", "--json")
    )
    assert ticket["ticket"]
    where = [python, "-c", "import grainseal, grainseal.server as s; print(grainseal, s)"]
    found = subprocess.run(where, check=True, cwd=tmp_path, env=clean, capture_output=True)
    assert found.stdout.decode().count(f"'{package}/") == 2
    # Nothing but what the wheel declares was there to be imported.
    search = [python, "-c", "import sys, pytest"]
    assert subprocess.run(search, cwd=tmp_path, env=clean, capture_output=True).returncode == 1
