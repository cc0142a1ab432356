"""Run the benchmarks, every section or those named, and print their tables."""

import argparse
import importlib
import json
import sys
from dataclasses import asdict
from pathlib import Path

from rich.console import Console

from bench.table import machine, show

SECTIONS = (
    "homomorphic",
    "extraction",
    "accuracy",
    "neural",
    "eight_bits",
    "losses",
    "cameras",
    "systems",
    "matching",
    "claims",
    "codes",
    "load",
    "log",
    "proofs",
    "fuzzy",
    "bursts",
    "isonet",
    "splitting",
)


def main() -> int:
    """Exit code 1 if a figure misses its limit."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("sections", nargs="*", choices=[*SECTIONS, []], help="default: all")
    parser.add_argument("--quick", action="store_true", help="fewer repetitions")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the rows to a file too")
    arguments = parser.parse_args()
    console = Console(width=120)
    console.print(machine())
    rows = []
    for section in arguments.sections or SECTIONS:
        console.print(f"[dim]{section} …")
        found = importlib.import_module(f"bench.{section}").rows(quick=arguments.quick)
        show(found, console)
        rows += found
    if arguments.json:
        arguments.json.write_text(json.dumps([asdict(row) for row in rows], indent=2))
    missed = [row.name for row in rows if row.ok is False]
    if missed:
        console.print("[bold red]missed:", "; ".join(missed))
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
