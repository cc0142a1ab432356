"""The page says what the certificate says, carries its pictures itself, and runs nothing."""

import base64
import io
import re
import sys
from dataclasses import replace
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from statistics import NormalDist

import numpy as np
import pytest
from PIL import Image
from tests.client import evidence_cases as cases

from grainseal.client.report_claim import Manifest, claim_page
from grainseal.client.report_pictures import LARGEST, pictures_of
from grainseal.client.report_statistic import _least
from grainseal.crypto.certificate import Findings, Placed, Reason
from grainseal.models.claim_code import CLAIMS
from grainseal.models.photo import read_photo

NONE = Manifest("There is no C2PA manifest: for a reason.")


def page_of(case: cases.Case, folder: Path, manifest: Manifest = NONE, **changes) -> str:
    outcome = replace(case.outcome, statement=replace(case.outcome.statement, **changes))
    original = None if case.original is None else read_photo(case.original)
    return claim_page(outcome, read_photo(case.copy), original, manifest, folder)


def text_of(page: str) -> str:
    """What a reader sees, with single blanks."""
    body = re.sub(r"<style>.*?</style>", "", page, flags=re.DOTALL)
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", body)).split())


class Addresses(HTMLParser):
    """Every address in a page, and every tag."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.tags: set[str] = set()
        self.feed(page)

    def handle_starttag(self, tag, attrs) -> None:
        self.tags.add(tag)
        self.addresses += [value for name, value in attrs if name in ("src", "href", "action")]


def picture_in(url: str) -> np.ndarray:
    return np.array(Image.open(io.BytesIO(base64.b64decode(url.split(",", 1)[1]))))


def test_the_page_says_what_the_certificate_says(tmp_path: Path) -> None:
    case = cases.full_case(tmp_path)
    said, page = case.outcome.statement, page_of(case, tmp_path / "my evidence")
    text = text_of(page)
    assert "<h1>Proven</h1>" in page
    for reason in said.reasons:
        assert reason.text in text
    for expected in (
        "one in 1,000,000,000",
        "2026-02-25 06:13:20",
        "the copy was public already",
        said.copy.file_sha256.hex(),
        said.original.pixels_sha256.hex(),
        "12 of 256 bits r9",
        "This page is not evidence.",
        "There is no C2PA manifest: for a reason.",
    ):
        assert expected in text, expected
    command = (
        "grainseal evidence verify './my evidence' --log-key log.vkey --service-keys jwks.json"
    )
    assert command in text
    assert len(re.findall(r'<span class="l[0-3]">', page)) == 16


def test_it_is_self_contained_and_runs_nothing(tmp_path: Path) -> None:
    found = Addresses(page_of(cases.full_case(tmp_path), tmp_path))
    assert len(found.addresses) >= 6
    assert all(each.startswith(("data:image/", "#")) for each in found.addresses)
    assert not found.tags & {"script", "iframe", "object", "link", "form"}


def test_names_are_not_markup(tmp_path: Path) -> None:
    case = cases.bare_case(tmp_path)
    evil = "<script>alert(1)</script>"
    claimant = replace(case.outcome.statement.claimant, subject=evil, issuer='"><img src=x>')
    page = page_of(case, tmp_path / "<b>", claimant=claimant, reasons=(Reason("Z7", evil),))
    assert "script" not in Addresses(page).tags
    assert "x" not in Addresses(page).addresses
    assert evil in text_of(page.replace("&lt;", "\u2039")).replace("\u2039", "<")


def test_what_is_missing_is_said(tmp_path: Path) -> None:
    page = page_of(cases.bare_case(tmp_path), tmp_path)
    text = text_of(page)
    assert "The claim was made without the original." in text
    assert "No other device has registered a photo that looks like this one." in text
    assert "Where it matches" not in text
    assert "None" not in text


@pytest.mark.parametrize(
    ("verdict", "sentence"),
    [
        ("proven", "knows of nobody who registered it earlier"),
        ("supported", "One thing is missing for proof"),
        ("inconclusive", "This photo cannot decide the claim"),
        ("rejected", "This claim does not hold"),
    ],
)
def test_each_verdict_is_explained(tmp_path: Path, verdict: str, sentence: str) -> None:
    text = text_of(page_of(cases.bare_case(tmp_path), tmp_path, verdict=verdict))
    assert sentence in text
    assert "It does not say" in text


@pytest.mark.parametrize(
    "findings", [Findings("too good", None, "no match"), Findings("match", None, "match")]
)
def test_a_chance_that_says_nothing_is_not_told(tmp_path: Path, findings: Findings) -> None:
    page = page_of(cases.bare_case(tmp_path), tmp_path, findings=findings)
    assert "The chance says nothing here" in text_of(page)
    assert "one in 1,000" not in text_of(page)


def test_without_matplotlib(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    page = page_of(cases.bare_case(tmp_path), tmp_path)
    assert "pip install grainseal[report]" in page
    assert "data:image/svg" not in page


def test_a_profile_of_another_version(tmp_path: Path) -> None:
    case = cases.bare_case(tmp_path)
    claimant = replace(case.outcome.statement.claimant, profile="CLAIM_V9")
    assert "does not know CLAIM_V9" in page_of(case, tmp_path, claimant=claimant)


def test_where_the_mark_stands() -> None:
    """At the z that unrelated cameras exceed with the told probability; nowhere for 1."""
    spec = CLAIMS["CLAIM_V1"]
    least = _least(1e-9, spec)
    assert least == pytest.approx(6.5975, abs=1e-3)
    null = NormalDist(spec.null_mean, 1.05)
    assert 1 - null.cdf(_least(1e-4, spec)) == pytest.approx(1e-4, rel=1e-6)
    assert _least(1.0, spec) is None


@pytest.mark.parametrize(("turns", "mirrored"), [(0, False), (1, False), (2, True), (3, True)])
def test_the_copy_is_laid_where_it_belongs(tmp_path: Path, turns: int, mirrored: bool) -> None:
    """A reduced, cropped, turned copy of a smooth picture, back on its original."""
    y, x = np.indices((240, 320)) / 320
    frame = np.stack([200 * x, 200 * y, 120 * (x + y)], axis=-1).astype(np.uint8)
    Image.fromarray(frame).save(tmp_path / "original.png")
    part = Image.fromarray(frame).crop((40, 20, 280, 200)).resize((120, 90), Image.Resampling.BOX)
    pixels = np.rot90(np.array(part), -turns)
    Image.fromarray(pixels[:, ::-1] if mirrored else pixels).save(tmp_path / "copy.png")
    copy, original = read_photo(tmp_path / "copy.png"), read_photo(tmp_path / "original.png")
    placed = Placed(("0.5", "0.5"), ("20", "40"), turns, mirrored, None)
    said = cases.decided(tmp_path / "copy.png", tmp_path / "original.png", placement=placed)
    found = pictures_of(said, copy, original)
    assert found.share == round(100 * 180 * 240 / (240 * 320))
    on_frame = picture_in(found.frame).astype(int)
    inside = (slice(30, 190), slice(50, 270))
    assert np.abs(on_frame[inside] - frame[inside]).mean() < 3
    assert np.abs(on_frame[:15] - (226, 229, 234)).mean() < 3
    squares = picture_in(found.overlay).astype(int)
    assert np.abs(squares[45:75, 45:75] - frame[45:75, 45:75]).mean() < 3  # the original's
    tinted = 0.9 * frame[45:75, 90:110] + 0.1 * np.array((26, 127, 90))
    assert np.abs(squares[45:75, 90:110] - tinted).mean() < 3  # the copy's


def test_pictures_are_bounded(tmp_path: Path) -> None:
    Image.new("RGB", (3000, 40), (9, 99, 200)).save(tmp_path / "wide.png")
    said = cases.decided(tmp_path / "wide.png", None, placement=None)
    found = pictures_of(said, read_photo(tmp_path / "wide.png"), None)
    assert picture_in(found.copy).shape[1] == LARGEST
    assert (found.original, found.overlay, found.frame) == ("", "", "")
