"""Published collections are read by their names, on small look-alike trees."""

import json
from pathlib import Path

import pytest

from grainseal.models.datasets import DatasetError, dresden, listed, vision


def tree(root: Path, *paths: str) -> Path:
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(path.encode())
    return root


@pytest.fixture
def dresden_tree(tmp_path) -> Path:
    return tree(
        tmp_path / "dresden",
        "natural/Nikon_D70_0_19123.JPG",
        "natural/Nikon_D70_1_19124.JPG",
        "natural/more/Nikon_D70s_0_1.jpg",
        "natural/Sony_DSC-T77_0_42001.JPG",
        "flatfield/Nikon_D70_0_30001.JPG",
        "Dark frames/Nikon_D70_0_30002.JPG",
        "natural/readme_1.txt",
        "natural/holiday.JPG",
    )


@pytest.fixture
def vision_tree(tmp_path) -> Path:
    device = "D01_Samsung_GalaxyS3Mini"
    return tree(
        tmp_path / "vision",
        f"{device}/images/flat/D01_I_flat_0001.jpg",
        f"{device}/images/nat/D01_I_nat_0001.jpg",
        f"{device}/images/natFBH/D01_I_natFBH_0001.jpg",
        f"{device}/images/natFBL/D01_I_natFBL_0001.jpg",
        f"{device}/images/natWA/D01_I_natWA_0001.jpg",
        f"{device}/videos/flat/D01_V_flat_still_0001.mp4",
        f"{device}/videos/flat/cover.jpg",
        "D02_Apple_iPhone4s/images/nat/D02_I_nat_0001.jpg",
        "baseline.jpg",
    )


def test_dresden_tells_devices_and_flat_photos_by_name(dresden_tree):
    found = {photo.path.name: (photo.camera, photo.kind) for photo in dresden(dresden_tree)}
    assert found == {
        "Nikon_D70_0_19123.JPG": ("Nikon_D70_0", "natural"),
        "Nikon_D70_1_19124.JPG": ("Nikon_D70_1", "natural"),
        "Nikon_D70s_0_1.jpg": ("Nikon_D70s_0", "natural"),
        "Sony_DSC-T77_0_42001.JPG": ("Sony_DSC-T77_0", "natural"),
        "Nikon_D70_0_30001.JPG": ("Nikon_D70_0", "flat"),
    }


def test_vision_has_a_kind_for_every_folder_of_images(vision_tree):
    found = sorted((photo.camera, photo.kind) for photo in vision(vision_tree))
    first = "D01_Samsung_GalaxyS3Mini"
    kinds = ("flat", "nat", "natFBH", "natFBL", "natWA")
    assert found == [*((first, kind) for kind in kinds), ("D02_Apple_iPhone4s", "nat")]


def test_a_table_names_photos_cameras_and_kinds(tmp_path):
    tree(tmp_path, "a/1.jpg", "b/1.jpg")
    table = tmp_path / "photos.csv"
    table.write_text('path,camera,kind\na/1.jpg,"Pixel 6, mine",flat\nb/1.jpg,other,\n')
    found = [(photo.camera, photo.kind, photo.path.name) for photo in listed(table)]
    assert found == [("Pixel 6, mine", "flat", "1.jpg"), ("other", "natural", "1.jpg")]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("file,camera\n", "no column path"),
        ("path,camera\n", "named as expected: path,camera,kind"),
        ("path,camera\n1.jpg,../up\n", "line 2: camera '../up' cannot name a folder"),
        ("path,camera,kind\n1.jpg,a,..\n", "line 2: kind '..' cannot"),
        ("path,camera\n1.jpg,\n", "line 2: camera '' cannot"),
        ("path,camera\n1.jpg,a\n2.jpg,a\n", "line 3: there is no file '2.jpg'"),
    ],
)
def test_tables_that_do_not_do_are_refused(tmp_path, text, message):
    tree(tmp_path, "1.jpg")
    table = tmp_path / "photos.csv"
    table.write_text(text)
    with pytest.raises(DatasetError) as refused:
        listed(table)
    assert message in str(refused.value)


def test_folders_of_something_else_are_refused(dresden_tree, vision_tree, tmp_path):
    with pytest.raises(DatasetError, match="Nikon_D70_0_19123"):
        dresden(tree(tmp_path / "mine", "cat.jpg"))
    with pytest.raises(DatasetError, match="D01_Make_Model"):
        vision(dresden_tree)
    with pytest.raises(DatasetError, match="cannot read"):
        listed(vision_tree)


def test_the_command_links_photos_by_kind_and_camera(program, dresden_tree, tmp_path):
    out = tmp_path / "out"
    assert program("dataset", "dresden", dresden_tree, "--out", out, "--json") == 0
    assert program.json["kinds"] == {
        "flat": {"photos": 1, "cameras": 1, "folder": str(out / "flat")},
        "natural": {"photos": 4, "cameras": 4, "folder": str(out / "natural")},
    }
    link = out / "natural" / "Nikon_D70_0" / "Nikon_D70_0_19123.JPG"
    assert link.resolve() == dresden_tree / "natural" / "Nikon_D70_0_19123.JPG"
    assert program("dataset", "dresden", dresden_tree, "--out", out) == 2
    assert "not empty" in program.err


def test_photos_of_one_name_are_all_there(program, tmp_path):
    tree(tmp_path, "a/1.jpg", "b/1.jpg")
    table = tmp_path / "photos.csv"
    table.write_text("path,camera\na/1.jpg,mine\nb/1.jpg,mine\n")
    assert program("dataset", "csv", table, "--out", tmp_path / "out") == 0
    links = sorted((tmp_path / "out" / "natural" / "mine").iterdir())
    assert [link.read_bytes() for link in links] == [b"a/1.jpg", b"b/1.jpg"]


def test_errors_are_one_line(program, tmp_path):
    (tmp_path / "empty").mkdir()
    status = program("dataset", "vision", tmp_path / "empty", "--out", tmp_path / "out", "--json")
    assert status == 2
    assert "D01_Make_Model" in json.loads(program.out)["error"]
    assert not (tmp_path / "out").exists()
