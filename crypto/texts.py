"""Texts that people read and others sign: one spelling each, and nothing in them unseen.

Two texts that look the same must be the same, or a receipt would say one thing to a reader and
another to a verifier.
"""

import unicodedata

from .errors import MalformedMessage

# Enough for a mail address, a title or a licence's name, short enough for every log line.
MAX_TEXT_LENGTH = 256
# Letters and marks that are drawn as nothing: Unicode's Default_Ignorable_Code_Point, less those
# that `str.isprintable` refuses by their category. Fillers, then variation selectors.
INVISIBLE = frozenset(
    map(
        chr,
        (
            *(0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x3164, 0xFFA0),
            *range(0x180B, 0x1810),
            *range(0xFE00, 0xFE10),
            *range(0xE0100, 0xE01F0),
        ),
    )
)


def is_visible(text: str) -> bool:
    """Whether a text, in whatever script, shows all that it consists of; blanks count as shown."""
    return text.isprintable() and INVISIBLE.isdisjoint(text)


def check_text(text: str, what: str, longest: int = MAX_TEXT_LENGTH) -> None:
    """`MalformedMessage` unless `text` may stand in a statement; empty ones may.

    `what` names it in the message; `longest` in characters.
    """
    if len(text) > longest:
        raise MalformedMessage(f"{what} has at most {longest} characters, not {len(text)}")
    if not is_visible(text):
        raise MalformedMessage(f"{what} has control or invisible characters: leave them out")
    if unicodedata.normalize("NFKC", text) != text:
        raise MalformedMessage(f"{what} must be in Unicode normal form KC")
