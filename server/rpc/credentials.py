"""A relying party's API key, as metadata carries it: `authorization: Bearer KEY` (RFC 6750)."""

from typing import Any

SCHEME = "bearer "


def api_key_of(context: Any) -> str:
    """The API key of a call, empty if there is none."""
    for name, value in context.invocation_metadata() or ():
        if name == "authorization" and str(value).lower().startswith(SCHEME):
            return str(value)[len(SCHEME) :].strip()
    return ""
