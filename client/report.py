"""The demo's HTML report: one self-contained page with pictures.

Drawn with matplotlib, the [report] extra. Scores in it are the demo's own: it holds every vault and
every fingerprint. A service sees none of what is drawn here.
"""

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any, Final

import jinja2
import numpy as np
import numpy.typing as npt

from grainseal.crypto.profiles import Profile, profile_named
from grainseal.models.codes import code_for
from grainseal.models.extractor import get_extractor
from grainseal.models.photo import Photo, read_photo

from .demo import Decision, Fingerprints
from .demo_checks import LOG_KEY
from .demo_claim_photos import PROFILE, WEB_QUALITY
from .demo_claims import ClaimStory
from .demo_keys import PROFILE as FUZZY
from .demo_keys import KeyTry
from .demo_photos import PhotoSet, Plan
from .demo_proof import meaning
from .errors import ClientError
from .evidence import REPORT
from .evidence_checks import COPY, PROOF

PAGE: Final = "index.html"
_TEMPLATES: Final = Path(__file__).parent / "templates"
_THUMBNAIL_WIDTH: Final = 480  # pixels
_DETAIL: Final = 160  # pixels a side of the patch of residual and fingerprint that is shown
_MARGIN: Final = 80  # pixels around it; a RAW patch under 320 pixels is too small to denoise
_ACCEPT, _REJECT, _INK = "#1a7f5a", "#b3403a", "#2b2f36"

Picture = npt.NDArray[Any]


@dataclass(frozen=True)
class CameraPictures:
    """One enrolled camera's pictures as data URLs, and what they show."""

    name: str
    photos: int
    width: int
    height: int
    profile: str
    photo: str
    residual: str
    fingerprint: str


@dataclass(frozen=True)
class ScorePlot:
    """Scores of one profile against its window."""

    profile: Profile
    deviations: float
    picture: str


@dataclass(frozen=True)
class ClaimsShown:
    """The claims, with the photo and its copy as data URLs ("": there is none).

    `page`: the evidence's own page, from the report's folder, or "". `meaning`: what a proof shows.
    `command`: what verifies it in the report's folder, or "".
    """

    story: ClaimStory
    profile: str
    photo: str
    copy: str
    quality: int
    page: str
    meaning: str
    command: str


def require_matplotlib() -> None:
    """`ClientError` that says how to install it, before any work is done."""
    try:
        import matplotlib  # noqa: F401
    except ImportError:
        raise ClientError(
            "--report draws with matplotlib: run `pip install grainseal[report]`"
        ) from None


def write_report(
    folder: Path,
    plan: Plan,
    prints: Fingerprints,
    decisions: Sequence[Decision],
    story: ClaimStory | None = None,
    keys: Sequence[KeyTry] = (),
) -> Path:
    """Write the page into `folder`, made if missing; its path."""
    names = sorted({each.profile for each in decisions})
    return write_page(
        folder,
        "report.html.j2",
        cameras=[_camera_pictures(each, prints) for each in plan.enrolled],
        probes=[each.camera for each in plan.probes],
        rows=_rows(plan, decisions),
        plots=[_score_plot(profile_named(name), decisions) for name in names],
        decisions=decisions,
        seconds=median(each.seconds for each in decisions),
        kilobytes=median(each.bytes_sent for each in decisions) / 1000,
        detail=_DETAIL,
        notes=plan.notes,
        claims=claims_shown(story, folder) if story is not None else None,
        keys=keys,
        keys_profile=FUZZY.name,
    )


def write_page(folder: Path, template: str, **shown: Any) -> Path:
    """Render a template into `folder`, made if missing; the page's path.

    What a name has that UTF-8 has not becomes a question mark.
    """
    page = environment().get_template(template).render(**shown)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / PAGE).write_text(page, encoding="utf-8", errors="replace")
    except OSError as error:
        raise ClientError(f"cannot write the report to {folder}: {error.strerror}") from None
    return folder / PAGE


def environment() -> jinja2.Environment:
    """Where the pages' templates are; whatever goes into one is escaped."""
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _rows(plan: Plan, decisions: Sequence[Decision]) -> list[tuple[str, list[Decision]]]:
    by_pair = {(each.enrolled, each.probe): each for each in decisions}
    return [
        (camera.camera, [by_pair[camera.camera, probe.camera] for probe in plan.probes])
        for camera in plan.enrolled
    ]


def claims_shown(story: ClaimStory, folder: Path) -> ClaimsShown:
    """What a page shows of them; `folder`: where the page is."""
    copy, page = story.copy, story.evidence / REPORT
    return ClaimsShown(
        story=story,
        profile=PROFILE.name,
        photo=png(thumbnail(read_photo(story.plan.photo))),
        copy=png(thumbnail(read_photo(copy.path))) if copy is not None else "",
        quality=WEB_QUALITY,
        page=page.relative_to(folder).as_posix() if page.is_file() else "",
        meaning=meaning(story.proof.photo, story.plan.owner.camera)
        if story.proof is not None
        else "",
        command=_verifying(story.evidence.relative_to(folder).as_posix())
        if (story.evidence / PROOF).is_file()
        else "",
    )


def _verifying(evidence: str) -> str:
    copy = f"{evidence}/{COPY}.jpg"  # a web copy is one
    return f"grainseal proof verify {evidence}/{PROOF} --photo {copy} --log-key {LOG_KEY}"


def _camera_pictures(camera: PhotoSet, prints: Fingerprints) -> CameraPictures:
    photo = read_photo(camera.paths[0])
    side = min(_DETAIL + 2 * _MARGIN, *(length // 2 * 2 for length in photo.shape))
    extractor = get_extractor(code_for(camera.profile.name).extractor)
    observations = list(extractor.observe(photo.cropped(side)))
    middle = observations[len(observations) // 2]  # green of R, G and B; all there is of RAW
    values = prints.enrolled[camera.camera].load().values
    return CameraPictures(
        name=camera.camera,
        photos=len(camera.paths),
        width=photo.width,
        height=photo.height,
        profile=camera.profile.name,
        photo=png(thumbnail(photo)),
        residual=png(_contrast(_centre(middle.residual))),
        fingerprint=png(_contrast(_centre(values))),
    )


def thumbnail(photo: Photo) -> Picture:
    """(h, w, 3) in [0, 1]: block means, so that nothing flickers; RAW brightened for the eye."""
    step = max(1, photo.width // _THUMBNAIL_WIDTH // 2 * 2)
    rows, columns = photo.height // step, photo.width // step
    small = [
        plane[: rows * step, : columns * step].reshape(rows, step, columns, step).mean(axis=(1, 3))
        for plane in photo.planes()
    ]
    picture = np.stack(small * (3 // len(small)), axis=-1)
    return np.sqrt(picture) if photo.kind == "raw" else picture


def _centre(values: npt.NDArray[np.float32]) -> Picture:
    top, left = ((length - min(length, _DETAIL)) // 2 for length in values.shape)
    return np.asarray(values[top : top + _DETAIL, left : left + _DETAIL])


def _contrast(values: Picture) -> Picture:
    """Two and a half standard deviations around the mean as grey levels, each pixel doubled."""
    spread = float(values.std()) or 1.0
    grey = np.clip(0.5 + (values - values.mean()) / (5 * spread), 0, 1)
    enlarged: Picture = np.kron(np.stack([grey] * 3, axis=-1), np.ones((2, 2, 1)))
    return enlarged


def png(picture: Picture) -> str:
    """(h, w, 3) in [0, 1] as a data URL."""
    from matplotlib.image import imsave

    buffer = io.BytesIO()
    imsave(buffer, picture, format="png")
    return f"data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()}"


def _score_plot(profile: Profile, decisions: Sequence[Decision]) -> ScorePlot:
    """Scores in standard deviations of chance, √N, over the bell curve that chance would give."""
    from matplotlib.figure import Figure

    unit = profile.length**0.5
    own: list[float] = []
    others: list[float] = []
    for each in decisions:
        if each.profile == profile.name:
            (own if each.enrolled == each.probe else others).append(each.score / unit)
    low, high = profile.score_low / unit, profile.score_high / unit
    right = max([2.2 * low, *(1.12 * score for score in own + others)])
    figure = Figure(figsize=(8.6, 3.0), layout="constrained")
    axes = figure.add_subplot()
    x = np.linspace(-5, 5, 401)
    axes.fill_between(x, np.exp(-(x**2) / 2), color="#c9cdd4", lw=0, label="chance")
    axes.axvspan(low, min(high, right), color=_ACCEPT, alpha=0.08, lw=0)
    for limit in (each for each in (low, high) if each < right):
        axes.axvline(limit, color=_INK, lw=1.2, ls=(0, (4, 3)))
    axes.text(low, 1.16, f"  accepted from {low:.1f}", va="center", color=_INK, fontsize=9)
    _strip(axes, others, 0.62, _REJECT, "wrong camera, stolen keys")
    _strip(axes, own, 0.86, _ACCEPT, "own camera")
    axes.set(xlim=(min([-5, *others]), right), ylim=(0, 1.28), yticks=[])
    axes.set_xlabel("score in standard deviations of chance (score / √N)", color=_INK)
    axes.spines[["left", "top", "right"]].set_visible(False)
    axes.legend(loc="upper right", frameon=False, fontsize=9, bbox_to_anchor=(1, 0.62))
    buffer = io.BytesIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None})
    encoded = base64.b64encode(buffer.getvalue()).decode()
    return ScorePlot(profile, low, f"data:image/svg+xml;base64,{encoded}")


def _strip(axes: Any, scores: Sequence[float], height: float, colour: str, label: str) -> None:
    """Scores as dots on one line, spread a little so that equal ones do not hide each other."""
    spread = 0.05 * np.cos(np.arange(len(scores)) * 2.4)
    axes.scatter(
        scores,
        height + spread,
        s=46,
        color=colour,
        alpha=0.85,
        label=label,
        zorder=3,
        edgecolor="white",
        linewidth=0.8,
    )
