"""`grainseal systems`: which systems can be compared, and what the others lack."""

import click

from grainseal.models.reference.registry import SYSTEMS

from .iso_command import estimate_iso
from .terminal import json_option, show


@click.group()
def systems() -> None:
    """The systems that can be compared, by their ids."""


systems.add_command(estimate_iso)


@systems.command(name="list")
@json_option
def list_systems(as_json: bool) -> None:
    """List every system: what it does, the command that uses it, or what it lacks."""
    found = [(each, each.missing()) for each in SYSTEMS]
    listed = [
        {
            "id": each.id,
            "kind": each.kind,
            "paper": each.paper,
            "use": each.use,
            "needs_weights": each.needs_weights,
            "available": missing is None,
            "missing": missing,
        }
        for each, missing in found
    ]
    widest = max(len(each.id) for each in SYSTEMS)
    lines = [
        f"{each.id:{widest}}  {each.kind:12}  {each.use if missing is None else missing}"
        for each, missing in found
    ]
    show(as_json, {"systems": listed}, "\n".join(lines))
