"""What a photographer says of a photo when registering it: texts, licence, the photo's metadata.

Nothing here is checked against the world: a receipt shows who said it and when.
"""

import re
import unicodedata
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from grainseal.crypto.errors import MalformedMessage
from grainseal.crypto.texts import MAX_TEXT_LENGTH, check_text, is_visible
from grainseal.models.photo import Photo

from .errors import ClientError

# SPDX specification, annex "SPDX license expressions": idstring.
_OWN_LICENCE: Final = re.compile(r"(DocumentRef-[A-Za-z0-9.-]+:)?LicenseRef-[A-Za-z0-9.-]+")


@dataclass(frozen=True)
class Description:
    """The texts of a statement, in normal form NFKC; each may be empty."""

    title: str = ""
    creator: str = ""
    licence: str = ""
    captured_at: str = ""
    camera: str = ""


def described(
    photo: Photo, *, title: str = "", creator: str = "", licence: str = "", metadata: bool = False
) -> Description:
    """What the caller says of a photo, and with `metadata` what the photo itself says.

    `ClientError` for texts that are too long or hold what does not print, and for a licence that
    SPDX does not know.
    """
    return Description(
        title=_said("title", title),
        creator=_said("creator", creator),
        licence=checked_licence(licence),
        captured_at=_found(photo.captured_at) if metadata else "",
        camera=_found(f"{photo.make or ''} {photo.model or ''}") if metadata else "",
    )


def checked_licence(text: str) -> str:
    """An SPDX identifier or expression in its own spelling, "" for "".

    `LicenseRef-NAME` stands for a licence of one's own. `ClientError` for anything else.
    """
    from license_expression import ExpressionError

    said = text.strip()
    if not said:
        return ""
    try:
        parsed = _licensing().parse(said, strict=True)
        unknown = [
            key
            for key in _licensing().unknown_license_keys(parsed)
            if not _OWN_LICENCE.fullmatch(key)
        ]
    except ExpressionError:
        raise ClientError(
            f"{said!r} is no licence expression: write it like CC-BY-4.0 or MIT OR Apache-2.0"
        ) from None
    if unknown:
        raise ClientError(
            f"SPDX knows no licence {unknown[0]!r}: see spdx.org/licenses, or call one of your own "
            "LicenseRef-NAME"
        )
    return _said("licence", parsed.render())


@cache
def _licensing() -> Any:
    # Its list of licences takes a moment to read, which only registrations need.
    from license_expression import get_spdx_licensing

    return get_spdx_licensing()


def _said(what: str, text: str) -> str:
    """A text of the caller's; refused rather than changed where it does not fit."""
    normal = unicodedata.normalize("NFKC", text).strip()
    try:
        check_text(normal, f"the {what}")
    except MalformedMessage as error:
        raise ClientError(str(error)) from None
    return normal


def _found(text: str) -> str:
    """A text of the photo's metadata, made to fit: whoever wrote it is not here to be asked."""
    shown = "".join(c for c in unicodedata.normalize("NFKC", text) if is_visible(c))
    return shown.strip()[:MAX_TEXT_LENGTH].strip()
