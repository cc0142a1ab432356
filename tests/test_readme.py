"""The README's examples, run as they stand."""

import re
from pathlib import Path

import pytest
from PIL import Image

from grainseal.client.demo_service import LocalService
from grainseal.models.simulator import VirtualCamera, take_burst
from grainseal.server import admin

README = Path(__file__).resolve().parent.parent / "README.md"


def test_the_readme_s_examples(tmp_path, monkeypatch):
    on_the_device, in_the_backend, of_the_photographer = re.findall(
        r"```python\n(.*?)```", README.read_text(), re.DOTALL
    )
    camera = VirtualCamera(7, 2560, 1920)
    photos = take_burst(camera, 8, tmp_path / "photos", seed=7)
    photo = take_burst(camera, 1, tmp_path / "scene", flat=False, seed=8)[0]
    copy = tmp_path / "copy.jpg"
    with Image.open(photo) as image:
        image.save(copy, quality=85)
    monkeypatch.chdir(tmp_path)
    data = tmp_path / "service"
    with LocalService(data, "--workers", "1") as service:
        names = {
            "server": service.address,
            "ca": service.ca,
            "passphrase": "four words of mine",
            "ticket": service.ticket("ann", admin.add_relying_party(data, "shop")),
            "enrolment_photos": photos[:6],
            "fresh_photos": photos[6:],
            "photo": photo,
            "copy": copy,
        }
        exec(on_the_device, names)
        exec(of_the_photographer, names)
    assert names["verdict"] == "proven"
    assert names["token"]
    names["key_set"] = (data / "jwks.json").read_text()
    exec(in_the_backend, names)
    assert names["who"] == "ann"


@pytest.mark.parametrize("command", ["make demo", "make test"])
def test_the_readme_begins_with_the_two_commands(command):
    first_block = re.search(r"(?:^    .*\n)+", README.read_text(), re.MULTILINE)
    assert first_block is not None
    assert command in first_block.group()
