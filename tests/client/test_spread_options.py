"""An option with several values, wherever it stands in the line."""

import click
import pytest
from click.testing import CliRunner

from grainseal.client.spread_options import SpreadCommand, spread


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("", ""),
        ("copy --out d", "copy --out d"),
        ("copy --fresh a", "copy --fresh a"),
        ("copy --fresh a b c --out d", "copy --fresh a --fresh b --fresh c --out d"),
        ("--fresh a b --out d copy", "--fresh a --fresh b --out d copy"),
        ("--fresh a b --json copy", "--fresh a --fresh b --json copy"),
        ("--fresh a --fresh b c copy -x", "--fresh a --fresh b --fresh c --fresh copy -x"),
        ("--fresh=a copy", "--fresh=a copy"),
        ("--fresh a b -- copy --fresh c", "--fresh a --fresh b -- copy --fresh c"),
        ("--fresh - b", "--fresh - --fresh b"),
        ("copy --fresh --json", "copy --fresh --json"),
        ("copy --fresh", "copy --fresh"),
    ],
)
def test_each_value_gets_the_option_s_name(words: str, expected: str) -> None:
    assert spread(words.split(), "--fresh") == expected.split()


@click.command(cls=SpreadCommand, spread="--fresh")
@click.argument("copy")
@click.option("--fresh", multiple=True, required=True)
@click.option("--out")
@click.option("--json", "as_json", is_flag=True)
def command(copy: str, fresh: tuple[str, ...], out: str | None, as_json: bool) -> None:
    click.echo(f"{copy} {' '.join(fresh)} {out} {as_json}")


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("copy --fresh a b", "copy a b None False"),
        ("--fresh a b --out d copy", "copy a b d False"),
        ("--out d --fresh a b --json copy", "copy a b d True"),
        ("--fresh a --fresh b --json copy", "copy a b None True"),
        ("--fresh a b -- copy", "copy a b None False"),
    ],
)
def test_click_understands_it(line: str, told: str) -> None:
    done = CliRunner().invoke(command, line.split())
    assert (done.exit_code, done.output.strip()) == (0, told)


@pytest.mark.parametrize("line", ["--fresh a copy", "copy", "copy --fresh", "a b --fresh c"])
def test_a_line_that_lacks_something_is_refused(line: str) -> None:
    assert CliRunner().invoke(command, line.split()).exit_code == 2
