"""Names that nobody mistakes for another's: those of relying parties, and of their subjects."""

import re
import unicodedata

from .errors import Reason, Refused

# Domains, URLs and short words fit; letters of other scripts, some of which look the same, do not.
PARTY_NAME = re.compile(r"[A-Za-z0-9._:/-]{1,64}")
# Enough for a mail address or a domain, short enough for every transcript and log line.
MAX_SUBJECT_LENGTH = 256
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


def check_party_name(name: str) -> None:
    """`Refused` (MALFORMED) unless a relying party may bear the name."""
    if not PARTY_NAME.fullmatch(name):
        message = "a relying party's name has 1 to 64 ASCII letters, digits and . _ : / -"
        raise Refused(Reason.MALFORMED, message)


def are_alike(name: str, other: str) -> bool:
    """Whether two names differ by upper and lower case at most."""
    return name.casefold() == other.casefold()


def check_subject(subject: str) -> None:
    """`Refused` (MALFORMED) unless a subject, in whatever script, shows all that it consists of."""
    shown = subject.isprintable() and INVISIBLE.isdisjoint(subject)
    if not shown or not 0 < len(subject) <= MAX_SUBJECT_LENGTH or subject != subject.strip():
        message = (
            f"a subject has 1 to {MAX_SUBJECT_LENGTH} printable characters, none invisible "
            "and none blank at its ends"
        )
        raise Refused(Reason.MALFORMED, message)
    if unicodedata.normalize("NFKC", subject) != subject:
        raise Refused(Reason.MALFORMED, "a subject must be in Unicode normal form KC")
