"""`grainseal systems list`: what is listed can be chosen, or says what it lacks."""

import subprocess
import sys

import pytest

from grainseal.client.errors import ClientError
from grainseal.client.photos import extractor_named
from grainseal.models.reference.photonecf import VARIABLE
from grainseal.models.reference.registry import SYSTEMS


@pytest.fixture(autouse=True)
def _no_imported_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)


def listed(program):
    assert program("systems", "list", "--json") == 0
    return {each["id"]: each for each in program.json["systems"]}


def test_classical_and_shipped_systems_are_ready(program):
    found = listed(program)
    for name in ("wavelet", "neural", "neural-best"):
        assert found[name]["available"], name
        assert found[name]["missing"] is None
    assert not found["wavelet"]["needs_weights"]
    assert found["neural"]["needs_weights"]


def test_what_a_system_lacks_is_what_choosing_it_says(program):
    photonecf = listed(program)["photonecf"]
    assert not photonecf["available"]
    assert "import-photonecf" in photonecf["missing"]
    with pytest.raises(ClientError) as refused:
        extractor_named("photonecf")
    assert str(refused.value) == photonecf["missing"]


def test_every_system_has_a_line_for_people(program):
    assert program("systems", "list") == 0
    lines = program.out.splitlines()
    assert [line.split()[0] for line in lines] == [each.id for each in SYSTEMS]
    assert len({each.id for each in SYSTEMS}) == len(SYSTEMS)


def test_looking_the_systems_up_loads_neither_torch_nor_onnxruntime():
    program = (
        "import sys; from grainseal.models.reference import registry; "
        "sys.exit('torch' in sys.modules or 'onnxruntime' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
