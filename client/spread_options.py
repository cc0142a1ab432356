"""A click option that takes several values, as in `--fresh a.jpg b.jpg c.jpg`."""

from collections.abc import Sequence
from typing import Any

import click


class SpreadCommand(click.Command):
    """A command whose option named `spread` takes every word up to the next option.

    click gives an option a fixed number of values, so each word gets the option's name before it.
    `--` ends the options as usual: what follows are arguments.
    """

    def __init__(self, *args: Any, spread: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._spread = spread

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the words with the option's name repeated."""
        try:
            return super().parse_args(ctx, spread(args, self._spread))
        except click.MissingParameter as error:
            if self._spread not in args:
                raise
            taken = f"what follows {self._spread} is taken for its values, so name it before"
            raise click.UsageError(f"{error.format_message()} ({taken})", ctx) from None


def spread(words: Sequence[str], option: str) -> list[str]:
    """`option a b` as `option a option b`; `option=a` takes that one word alone."""
    end = words.index("--") if "--" in words else len(words)
    done: list[str] = []
    named = taking = False  # the word before was the option; its values go on
    for word in words[:end]:
        if word == option or (word.startswith("-") and len(word) > 1):
            named = taking = word == option
            done.append(word)
            continue
        done += [option, word] if taking and not named else [word]
        named = False
    return [*done, *words[end:]]
