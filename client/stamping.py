"""Asking a time stamp authority (RFC 3161) over HTTP, and putting its answer into a receipt.

The authority is somebody else's server that a user names: it is told a hash and nothing more, is
asked over http or https only, without following it elsewhere, and is read up to a bound.
"""

import http.client
import os
import secrets
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Final

from grainseal.crypto.errors import MalformedMessage, MisuseError, VerificationFailed
from grainseal.crypto.receipts import Receipt, parse_receipt
from grainseal.crypto.timestamps import MAX_STAMP_BYTES, read_stamp, stamp_request, verify_stamp

from .errors import ClientError, ServiceError

_SECONDS: Final = 30.0
_HEADERS: Final = {
    "Content-Type": "application/timestamp-query",
    "Accept": "application/timestamp-reply",
}


def stamped(receipt: Receipt, authority: str, root: bytes | None) -> tuple[Receipt, datetime]:
    """The receipt with a time stamp by the authority at this URL, and the time that it says.

    `root`: PEM of the authority's root, to verify the stamp at once; without it only what needs no
    key is checked. `ClientError` if there is a stamp already, or the answer is none for this
    receipt; `ServiceError` (UNAVAILABLE) if the authority cannot be reached.
    """
    if receipt.timestamp is not None:
        raise ClientError("the receipt has a time stamp already: an earlier one says more")
    note = receipt.proof.checkpoint
    answer = _asked(authority, stamp_request(note))
    try:
        when = read_stamp(answer, note) if root is None else verify_stamp(answer, note, root)
    except MisuseError as error:
        raise ClientError(str(error)) from None
    except (MalformedMessage, VerificationFailed) as error:
        raise ClientError(f"no time stamp from {authority}: {error}") from None
    return replace(receipt, timestamp=answer), when


def read_receipt(path: Path) -> Receipt:
    """The receipt in a file, nothing verified; `ClientError` if there is none."""
    try:
        return parse_receipt(path.read_bytes())
    except OSError as error:
        raise ClientError(f"cannot read {path}: {error}") from None
    except MalformedMessage as error:
        raise ClientError(f"{path} is not a receipt: {error}") from None


def write_receipt(path: Path, receipt: Receipt) -> None:
    """Put the receipt in the file's place, whole or not at all; readable by its owner only."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(receipt.to_json().encode())
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        raise ClientError(f"cannot write {path}: {error}") from None
    finally:
        temporary.unlink(missing_ok=True)


def _asked(authority: str, request: bytes) -> bytes:
    _require_web_address(authority)
    post = urllib.request.Request(authority, request, _HEADERS, method="POST")  # noqa: S310
    try:
        with _opener().open(post, timeout=_SECONDS) as answer:
            data: bytes = answer.read(MAX_STAMP_BYTES + 1)
    except urllib.error.HTTPError as error:
        raise ClientError(f"{authority} stamps nothing: HTTP status {error.code}") from None
    except (OSError, http.client.HTTPException, ValueError) as error:
        reason = getattr(error, "reason", error)
        message = f"cannot reach the time stamp authority {authority}: {reason}; try again later"
        raise ServiceError("UNAVAILABLE", message) from None
    return data


def _require_web_address(url: str) -> None:
    try:
        parts = urllib.parse.urlsplit(url)
        fits = parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        fits = False
    if not fits:
        raise ClientError(f"{url!r} is not the http or https address of an authority")


def _opener() -> urllib.request.OpenerDirector:
    """Opens http and https, by a proxy where the environment has one, and nothing else.

    A redirection is an error, so a file or another protocol cannot be reached through one.
    """
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler,
        urllib.request.HTTPHandler,
        urllib.request.HTTPSHandler,
        urllib.request.HTTPErrorProcessor,
        urllib.request.HTTPDefaultErrorHandler,
    ):
        opener.add_handler(handler())
    return opener
