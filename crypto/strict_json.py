"""JSON of files that are verified: read so that no two readers see different things in it.

A member stands once, there are no others, every value is of its type, bytes are lower-case
hexadecimal, and floating point numbers have no place. What is signed is the form of RFC 8785.
"""

import json
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import fields, is_dataclass
from itertools import repeat
from types import UnionType
from typing import Any, TypeVar, Union, get_args, get_origin

from .errors import MalformedMessage

MAX_NUMBER = (1 << 63) - 1
# From here on an IEEE double, which is what RFC 8785 writes numbers as, leaves integers out.
MAX_EXACT = (1 << 53) - 1

T = TypeVar("T")


def load(data: bytes, limit: int, what: str) -> Any:
    """What a file of at most `limit` bytes says; `MalformedMessage` if it is no JSON of ours."""
    if len(data) > limit:
        raise MalformedMessage(f"{what} has at most {limit} bytes")
    try:
        return json.loads(data.decode(), object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:
        raise MalformedMessage(f"{what} is not JSON: {error}") from None


def members_of(
    value: Any, members: Collection[str], what: str, optional: Collection[str] = ()
) -> dict[str, Any]:
    """An object with exactly these members, and any of the optional ones."""
    if not isinstance(value, dict) or not set(members) <= set(value) <= {*members, *optional}:
        also = f", and may have {', '.join(sorted(optional))}" if optional else ""
        raise MalformedMessage(f"{what} has the members {', '.join(sorted(members))}{also}")
    return value


def bytes_of(value: Any, what: str, length: int | None = None) -> bytes:
    """Bytes of lower-case hexadecimal, so that no two files say the same."""
    text = text_of(value, what)
    try:
        data = bytes.fromhex(text)
    except ValueError:
        data = b""
    if data.hex() != text or (length is not None and len(data) != length):
        wanted = "hexadecimal" if length is None else f"{length} bytes in hexadecimal"
        raise MalformedMessage(f"{what} is not {wanted}")
    return data


def text_of(value: Any, what: str) -> str:
    """Text that has UTF-8: a lone surrogate is valid in JSON and has none."""
    if not isinstance(value, str) or any("\ud800" <= each <= "\udfff" for each in value):
        raise MalformedMessage(f"{what} is not text")
    return value


def number_of(value: Any, what: str) -> int:
    """An integer in [0, 2⁶³)."""
    if type(value) is not int or not 0 <= value <= MAX_NUMBER:  # a bool is an int too
        raise MalformedMessage(f"{what} is not a number from 0 to 2^63 - 1")
    return value


def flag_of(value: Any, what: str) -> bool:
    """True or false."""
    if type(value) is not bool:
        raise MalformedMessage(f"{what} is not true or false")
    return value


def list_of(value: Any, what: str) -> list[Any]:
    """A list."""
    if not isinstance(value, list):
        raise MalformedMessage(f"{what} is not a list")
    return value


def record_of(form: type[T], value: Any, what: str) -> T:
    """The dataclass `form` that an object says, member by member, nested ones too.

    Its fields are of type str, bytes, int, bool, a dataclass, a tuple of those, or one of these
    `| None`. Types are checked and nothing else.
    """
    kinds = {field.name: field.type for field in fields(form)}  # type: ignore[arg-type]
    content = members_of(value, kinds, what)
    return form(**{name: _value(kinds[name], content[name], f"{what}.{name}") for name in kinds})


def plain(value: Any) -> Any:
    """What `record_of` reads back: objects, lists, texts, integers, booleans and null."""
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, tuple):
        return [plain(each) for each in value]
    if is_dataclass(value):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    return value


def canonical_json(value: Any) -> bytes:
    """The form of RFC 8785 of objects, lists, texts, integers, booleans and null.

    `json` writes that form for these values: strings with the same short escapes, lower-case
    hexadecimal for other control characters and nothing else escaped (section 3.2.2.2), integers
    as digits (3.2.2.3, exact up to 2⁵³ - 1), no blanks (3.2.1), members sorted (3.2.3, by UTF-16,
    which for ASCII names is Python's order). What would differ is a `MalformedMessage`.
    """
    _check_canonical(value)
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return text.encode()


def _check_canonical(value: Any) -> None:
    if isinstance(value, dict):
        if not all(name.isascii() for name in value):
            raise MalformedMessage("names of members are ASCII")
        _check_all(value.values())
    elif isinstance(value, list):
        _check_all(value)
    elif isinstance(value, str):
        text_of(value, "a signed text")
    elif isinstance(value, int):
        if abs(value) > MAX_EXACT:
            raise MalformedMessage("signed numbers are at most 2^53 - 1")
    elif value is not None:
        raise MalformedMessage("numbers that are signed are integers")


def _check_all(values: Iterable[Any]) -> None:
    for each in values:
        _check_canonical(each)


def _once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    # Of a member that stands twice one reader shows the first value and another takes the last.
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a member stands twice")
    return found


_READERS: dict[Any, Callable[[Any, str], Any]] = {
    bytes: bytes_of,
    str: text_of,
    int: number_of,
    bool: flag_of,
}


def _value(kind: Any, value: Any, what: str) -> Any:
    if get_origin(kind) in (Union, UnionType):
        return None if value is None else _value(get_args(kind)[0], value, what)
    if get_origin(kind) is tuple:
        return _tuple(get_args(kind), list_of(value, what), what)
    if is_dataclass(kind):
        return record_of(kind, value, what)  # type: ignore[arg-type]
    return _READERS[kind](value, what)


def _tuple(kinds: tuple[Any, ...], values: list[Any], what: str) -> tuple[Any, ...]:
    if kinds[-1] is Ellipsis:
        each: Iterable[Any] = repeat(kinds[0], len(values))
    elif len(values) == len(kinds):
        each = kinds
    else:
        raise MalformedMessage(f"{what} has {len(kinds)} values")
    return tuple(_value(kind, value, what) for kind, value in zip(each, values, strict=True))
