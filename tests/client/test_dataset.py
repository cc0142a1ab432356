"""Published collections are read by their names, on small look-alike trees."""

import json
from pathlib import Path

import pytest

from grainseal.models.dataset_split import Split, divided
from grainseal.models.datasets import (
    DatasetError,
    DatasetPhoto,
    daxing,
    dresden,
    kaggle,
    listed,
    photonecf,
    socrates,
    vision,
)


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


def test_socrates_has_one_phone_for_every_participant(tmp_path):
    root = tree(
        tmp_path,
        "SOCRatES_part1/Eurecom_103_picBG_007.jpg",
        "SOCRatES_part1/Eurecom_103_picFG_001.JPG",
        "more/eurecom_103_picFG_0_30.jpg",
        "more/Eurecom_224_picBG_001.jpg",
        "more/Eurecom_224_vid_001.mp4",
        "more/Eurecom_224_rspnBG_001.jpg",
        "holiday.jpg",
    )
    found = sorted((photo.camera, photo.kind, photo.path.name) for photo in socrates(root))
    assert found == [
        ("Eurecom_103", "background", "Eurecom_103_picBG_007.jpg"),
        ("Eurecom_103", "foreground", "Eurecom_103_picFG_001.JPG"),
        ("Eurecom_103", "foreground", "eurecom_103_picFG_0_30.jpg"),
        ("Eurecom_224", "background", "Eurecom_224_picBG_001.jpg"),
    ]


def test_daxing_has_a_kind_for_every_angle_of_the_phone(tmp_path):
    """A device's folder may lie in one for several devices, or not."""
    root = tree(
        tmp_path,
        "image/1101-1104/1101/0/a.jpg",
        "image/1101-1104/1101/90/b.jpg",
        "image/1101-1104/1102/180/c.jpg",
        "image/1105/90/d.JPG",
        "image/1105/90/desktop.ini",
        "image/1105/45/e.jpg",
        "image/1105/f.jpg",
        "video/1105/90/g.mp4",
    )
    expected = {("1101", "0"), ("1101", "90"), ("1102", "180"), ("1105", "90")}
    for source in (root, root / "image"):
        photos = daxing(source)
        assert len(photos) == 4
        assert {(photo.camera, photo.kind) for photo in photos} == expected


def test_kaggle_has_a_camera_for_every_model_and_none_for_the_test(tmp_path):
    root = tree(
        tmp_path,
        "train/iPhone-4s/(iP4s)1.jpg",
        "train/iPhone-4s/(iP4s)275.jpg",
        "train/Samsung-Galaxy-Note3/(GalaxyN3)40.jpg",
        "train/iPhone-4s/flickr.jpg",
        "test/img_0002a04_manip.tif",
        "test/img_0004596_unalt.tif",
    )
    cameras = {"iPhone-4s": 2, "Samsung-Galaxy-Note3": 1}
    for source in (root, root / "train"):
        photos = kaggle(source)
        assert {photo.kind for photo in photos} == {"natural"}
        found = [photo.camera for photo in photos]
        assert {camera: found.count(camera) for camera in set(found)} == cameras


def test_photonecf_names_paths_from_where_its_data_lies(tmp_path):
    tree(tmp_path, "data/images/ee6fb1120a.dng", "data/images/5a68dd101d.dng", "data/infos/x")
    table = tmp_path / "data" / "infos" / "test_single.csv"
    header = "img_path,device_id,sample_id\n"
    table.write_text(
        f"{header}./data/images/ee6fb1120a.dng,0,0\n./data/images/5a68dd101d.dng,11,1\n"
    )
    found = [(photo.camera, photo.kind, photo.path.resolve()) for photo in photonecf(table)]
    images = tmp_path.resolve() / "data" / "images"
    assert found == [
        ("0", "natural", images / "ee6fb1120a.dng"),
        ("11", "natural", images / "5a68dd101d.dng"),
    ]
    table.write_text(f"{header}./data/images/none.dng,0,0\n")
    with pytest.raises(DatasetError, match=r"line 2: there is no file './data/images/none.dng' in"):
        photonecf(table)
    table.write_text("path,camera\n")
    with pytest.raises(DatasetError, match="no column img_path"):
        photonecf(table)


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
        (f"path,camera\n{300 * 'x'}.jpg,a\n", "line 2: there is no file 'xxx"),
    ],
)
def test_tables_that_do_not_do_are_refused(tmp_path, text, message):
    tree(tmp_path, "1.jpg")
    table = tmp_path / "photos.csv"
    table.write_text(text)
    with pytest.raises(DatasetError) as refused:
        listed(table)
    assert message in str(refused.value)


def test_a_photo_that_a_table_names_twice_is_one(tmp_path):
    tree(tmp_path, "1.jpg", "2.jpg")
    table = tmp_path / "photos.csv"
    table.write_text("path,camera\n1.jpg,a\n1.jpg,a\n2.jpg,a\n")
    photos = listed(table)
    assert [photo.path.name for photo in photos] == ["1.jpg", "2.jpg"]
    assert all(len(part) == 1 for part in divided(photos, Split("image", 0.5)))


def test_folders_of_something_else_are_refused(dresden_tree, vision_tree, tmp_path):
    with pytest.raises(DatasetError, match="Nikon_D70_0_19123"):
        dresden(tree(tmp_path / "mine", "cat.jpg"))
    with pytest.raises(DatasetError, match="D01_Make_Model"):
        vision(dresden_tree)
    for convention, expected in (
        (socrates, "Eurecom_103_picBG_007"),
        (daxing, "image/1101-1104/1101/90"),
        (kaggle, "iP4s"),
    ):
        with pytest.raises(DatasetError, match=expected):
            convention(dresden_tree)
    for convention in (listed, photonecf):
        with pytest.raises(DatasetError, match="cannot read"):
            convention(vision_tree)


def test_the_command_links_photos_by_kind_and_camera(program, dresden_tree, tmp_path):
    out = tmp_path / "out"
    assert program("dataset", "dresden", dresden_tree, "--out", out, "--json") == 0
    assert program.json["kinds"] == {
        "flat": {"photos": 1, "cameras": 1, "folder": str(out / "flat")},
        "natural": {"photos": 4, "cameras": 4, "folder": str(out / "natural")},
    }
    assert program.json["split"] is None
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
    share = ("--split", "device", "--test-share", "nan")
    assert program("dataset", "vision", tmp_path / "empty", "--out", tmp_path / "out", *share) == 2
    assert "not a finite number" in program.err
    assert not (tmp_path / "out").exists()


def collection(cameras: int = 10, photos: int = 10) -> list[DatasetPhoto]:
    return [
        DatasetPhoto(Path(f"{camera}_{kind}_{number}.jpg"), f"camera{camera}", kind)
        for camera in range(cameras)
        for kind in ("flat", "natural")
        for number in range(photos)
    ]


def test_a_split_by_device_shares_no_camera():
    photos = collection()
    train, test = divided(photos, Split("device", 0.3))
    cameras = [{photo.camera for photo in part} for part in (train, test)]
    assert [len(part) for part in cameras] == [7, 3]
    assert not cameras[0] & cameras[1]
    assert (len(train), len(test)) == (140, 60)
    assert sorted(train + test, key=photos.index) == photos


def test_a_split_by_image_has_the_share_of_every_camera_and_kind():
    photos = collection()
    train, test = divided(photos, Split("image", 0.3))
    assert not set(train) & set(test)
    assert sorted(train + test, key=photos.index) == photos
    for camera in range(10):
        for kind in ("flat", "natural"):
            own = [
                photo for photo in test if (photo.camera, photo.kind) == (f"camera{camera}", kind)
            ]
            assert len(own) == 3


@pytest.mark.parametrize("by", ["device", "image"])
def test_a_split_is_drawn_by_its_seed_and_nothing_else(by):
    photos = collection()
    again = [
        DatasetPhoto(Path("elsewhere") / photo.path, photo.camera, photo.kind)
        for photo in reversed(photos)
    ]
    names = [
        {photo.path.name for photo in divided(some, Split(by, 0.3, seed))[1]}
        for some, seed in ((photos, 0), (again, 0), (photos, 1))
    ]
    assert names[0] == names[1]
    assert names[0] != names[2]


def test_both_sides_have_something_or_the_split_is_refused():
    for share in (0.01, 0.99):
        for by in ("device", "image"):
            assert all(divided(collection(2, 2), Split(by, share)))
    with pytest.raises(DatasetError, match="too few to split by device"):
        divided(collection(1, 5), Split("device"))
    with pytest.raises(DatasetError, match="too few to split by image"):
        divided(collection(5, 1), Split("image"))


def test_the_command_writes_a_split_and_says_which(program, dresden_tree, tmp_path):
    out = tmp_path / "out"
    arguments = ("dataset", "dresden", dresden_tree, "--split", "device", "--test-share", "0.5")
    assert program(*arguments, "--seed", "3", "--out", out, "--json") == 0
    split = {"by": "device", "test_share": 0.5, "seed": 3}
    assert program.json["split"] == split == json.loads((out / "split.json").read_text())
    kinds = program.json["kinds"]
    assert sum(found["photos"] for found in kinds.values()) == 5
    parts = {
        part: {folder.name for folder in (out / part).glob("*/*")} for part in ("train", "test")
    }
    assert {len(cameras) for cameras in parts.values()} == {2}
    assert not parts["train"] & parts["test"]
    assert kinds["test/natural"]["folder"] == str(out / "test" / "natural")
    assert len(list((out / "test" / "natural").iterdir())) == kinds["test/natural"]["cameras"]


def test_a_split_of_too_little_writes_nothing(program, tmp_path):
    tree(tmp_path, "a/1.jpg")
    table = tmp_path / "photos.csv"
    table.write_text("path,camera\na/1.jpg,mine\n")
    out = tmp_path / "out"
    assert program("dataset", "csv", table, "--split", "device", "--out", out) == 2
    assert "too few" in program.err
    assert (
        program("dataset", "csv", table, "--split", "image", "--test-share", "1", "--out", out) == 2
    )
    assert "test-share" in program.err
    assert not out.exists()
