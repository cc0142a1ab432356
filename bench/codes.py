"""What the product's codes score with each extractor: bursts to authenticate, copies to claim.

Lengths, positions and statistics are the profiles'; the extractor alone differs. Six flat photos
are enrolled. Scores are z: in standard deviations of the null, so that unrelated cameras are close
to N(0, 1). Differences are paired: both extractors get the same photos and the same draws.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from bench.accuracy import WINDOWS, photos_folder
from bench.code_figures import Resampling, compared, spread
from bench.code_photos import COPIES, SimulatedCamera
from bench.code_scores import (
    ENROLLED,
    FRESH,
    Burst,
    Claims,
    Clock,
    Grid,
    Template,
    burst_score,
    observed,
    together,
)
from bench.extractors import with_extractor
from bench.table import Row
from grainseal.models.bootstrap import CameraBootstrap, UnitBootstrap
from grainseal.models.claim_code import claim_for
from grainseal.models.codes import CodeSpec, code_for
from grainseal.models.evaluation import Comparisons, across
from grainseal.models.leakage_camera import measured_code
from grainseal.models.photo import read_photo

NEURAL: Final = "neural"
AUTH, CLAIM, CLAIM_MAX = "AUTH_JPEG_V1", "CLAIM_V1", "CLAIM_MAX_V1"


@dataclass(frozen=True)
class Plan:
    """How much is simulated; sides in pixels."""

    auth_models: int = 2
    auth_siblings: int = 2
    auth_side: int = 1280
    claim_models: int = 5
    claim_siblings: int = 3
    claim_side: int = 1024
    scenes: int = 2


QUICK: Final = Plan(auth_models=1, claim_models=2, claim_siblings=2, scenes=1)


def rows(quick: bool = False) -> list[Row]:
    """All tables; those of real photos are left out when there are none."""
    plan, clock = QUICK if quick else Plan(), Clock()
    table = [*_simulated_bursts(plan, clock), *_simulated_copies(plan, clock)]
    folder = photos_folder()
    if folder is None:
        table.append(Row("codes", "real photos", "none: set GRAINSEAL_PHOTOS"))
    elif not quick:
        table += _real_rows(folder / "nikon", clock)
    return [*table, *clock.rows()]


def _simulated_bursts(plan: Plan, clock: Clock) -> list[Row]:
    # A frame with room for the whole code takes a minute a camera: both get the same shorter one.
    spec = measured_code(AUTH, (plan.auth_side, plan.auth_side))
    names = (spec.extractor, NEURAL)
    found: dict[str, list[Burst]] = {name: [] for name in names}
    for model in range(plan.auth_models):
        for sibling in range(plan.auth_siblings):
            camera = SimulatedCamera(model, sibling, plan.auth_siblings, plan.auth_side)
            photos = camera.flats(ENROLLED + FRESH)
            for name in names:
                found[name].append(
                    Burst.of(observed(photos, name, clock), with_extractor(spec, name))
                )
    section = (
        f"{AUTH}, {plan.auth_models * plan.auth_siblings} simulated cameras "
        f"({plan.auth_models} models of {plan.auth_siblings}), "
        f"{plan.auth_side}x{plan.auth_side}, {spec.length} symbols"
    )
    return _burst_rows(section, found, spec, CameraBootstrap)


def _simulated_copies(plan: Plan, clock: Clock) -> list[Row]:
    spec = claim_for(CLAIM)
    names = (spec.extractor, NEURAL)
    claims: dict[str, Claims] = {name: Claims(with_extractor(spec, name)) for name in names}
    for model in range(plan.claim_models):
        for sibling in range(plan.claim_siblings):
            camera = SimulatedCamera(model, sibling, plan.claim_siblings, plan.claim_side)
            flats, scenes = camera.flats(ENROLLED), camera.scenes(plan.scenes)
            for name in names:
                whole = together(observed(flats, name, clock)).finish()
                claims[name].enrol(whole)
                claims[name].add_copies(scenes, clock)
    section = (
        f"{CLAIM}, {plan.claim_models * plan.claim_siblings} simulated cameras "
        f"({plan.claim_models} models of {plan.claim_siblings}), "
        f"{plan.claim_side}x{plan.claim_side}"
    )
    return _copy_rows(section, claims, CameraBootstrap, plan.claim_siblings)


def _real_rows(folder: Path, clock: Clock) -> list[Row]:
    """Three Nikons; draws are over photos, for three cameras are too few to draw."""
    auth, claim, largest = code_for(AUTH), claim_for(CLAIM), claim_for(CLAIM_MAX)
    bursts: dict[str, list[Burst]] = {auth.extractor: [], NEURAL: []}
    names = (claim.extractor, NEURAL)
    claims = {name: Claims(with_extractor(claim, name)) for name in names}
    long = {name: Claims(with_extractor(largest, name)) for name in names}
    for camera in sorted((folder / "flat").iterdir()):
        flats = sorted(camera.iterdir())
        scenes = [read_photo(p) for p in sorted((folder / "natural" / camera.name).iterdir())]
        for name in (auth.extractor, *names):
            count = ENROLLED + FRESH if name in bursts else ENROLLED
            single = observed(map(read_photo, flats[:count]), name, clock)
            if name in bursts:
                bursts[name].append(Burst.of(single, with_extractor(auth, name)))
            if name in claims:
                whole = together(single[:ENROLLED]).finish()
                claims[name].enrol(whole)
                long[name].enrol(whole)
                claims[name].add_copies(scenes, clock)
    for name in names:  # the same features, at more positions
        long[name].copies = claims[name].copies
    return [
        *_burst_rows(f"{AUTH}, three Nikons", bursts, auth, UnitBootstrap),
        *_copy_rows(f"{CLAIM}, three Nikons", claims, UnitBootstrap, 1),
        *_copy_rows(f"{CLAIM_MAX}, three Nikons", long, UnitBootstrap, 1),
    ]


def _burst_rows(
    section: str,
    found: Mapping[str, Sequence[Burst]],
    spec: CodeSpec,
    resampling: Resampling,
) -> list[Row]:
    table = []
    kinds: dict[str, Callable[[Burst], Sequence[Grid]]] = {
        f"{ENROLLED} flats, {FRESH} flats": lambda burst: [burst.four],
        f"{ENROLLED} flats, 1 flat": lambda burst: burst.one,
    }
    for kind, probes_of in kinds.items():
        pairs = {}
        for name, bursts in found.items():
            probes = [(owner, probe) for owner, b in enumerate(bursts) for probe in probes_of(b)]
            scores = [[burst_score(b.enrolled, p, spec) for _, p in probes] for b in bursts]
            owners = np.array([owner for owner, _ in probes])
            pairs[name] = across(np.array(scores), np.arange(len(bursts)), owners)
        table += compared(section, kind, pairs, WINDOWS[spec.name], resampling)
    return table


def _copy_rows(
    section: str, claims: Mapping[str, Claims], resampling: Resampling, siblings: int
) -> list[Row]:
    table, spec = [], next(iter(claims.values())).spec
    templates = {name: each.templates() for name, each in claims.items()}
    for kind in COPIES:
        pairs = {}
        for name, each in claims.items():
            probes = each.copies[kind]
            scores = [[t.z(p, each.spec) for _, p in probes] for t in templates[name]]
            owners = np.array([owner for owner, _ in probes])
            pairs[name] = across(np.array(scores), np.arange(len(scores)), owners)
        table += compared(section, kind, pairs, (spec.low, spec.high), resampling)
        if siblings > 1:
            table += _related_rows(section, kind, pairs, siblings)
    for name, each in claims.items():
        table += _null_rows(section, name, each, templates[name])
    return table


def _related_rows(
    section: str, kind: str, pairs: Mapping[str, Comparisons], siblings: int
) -> Iterator[Row]:
    """Impostors of the same model, whose mean `null_mean` allows for, and of others."""
    for name, each in pairs.items():
        models = each.cameras // siblings
        same = models[each.references] == models[each.probes]
        for who, chosen in (("siblings", same & ~each.genuine), ("strangers", ~same)):
            value = spread(each.scores[chosen])
            yield Row(section, f"{kind}: {name}, {who}", value)


def _null_rows(
    section: str, name: str, claims: Claims, templates: Sequence[Template]
) -> Iterator[Row]:
    """The control of the cameras' own copies, and the null by millions."""
    spec, own = claims.spec, [pair for probes in claims.copies.values() for pair in probes]
    controls = np.array([templates[owner].control_z(grid, spec) for owner, grid in own])
    worst = float(controls.max())
    value = spread(controls)
    yield Row(section, f"{name}: control", value, f"< {spec.low}", worst < spec.low)
    first = dict(reversed(claims.copies["as is"]))
    nulls = [templates[owner].null(grid, spec) for owner, grid in first.items()]
    spreads, tails = zip(*nulls, strict=True)
    value = f"sd {min(spreads):.3f} to {max(spreads):.3f}, 1e-4 quantile up to {max(tails):.2f}"
    ok = max(tails) < spec.low
    yield Row(section, f"{name}: one probe at every shift", value, f"< {spec.low}", ok)
