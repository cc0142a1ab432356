"""Signed checkpoints of a log: C2SP tlog-checkpoint in a C2SP signed note, Ed25519 only.

A checkpoint is a text: the log's origin, its size, the root hash in base64, one a line, then
extension lines that we carry and do not interpret. A note is a text, an empty line and one line
per signature:

    — key name, space, base64(key id ‖ signature)

A key is told by its name and its id, the first 4 bytes of SHA-256(name ‖ "\\n" ‖ 0x01 ‖ public
key). A verifier key puts all of it into one line, `name+id+base64(0x01 ‖ public key)`: this, and
nothing else, is what somebody needs who checks a log. Signatures by other keys, such as witnesses
or the next key of a rotation, are carried along and prove nothing.
"""

import base64
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass

from .errors import MalformedMessage, MisuseError, VerificationFailed
from .merkle import EMPTY_ROOT, HASH_BYTES, MAX_SIZE
from .signing import PUBLIC_KEY_BYTES, SigningKey, verify

ED25519 = b"\x01"
KEY_ID_BYTES = 4
# Room for witnesses with post-quantum signatures of 5 kB, and an end to what a peer makes us read.
MAX_NOTE_BYTES = 1 << 18
MAX_SIGNATURES = 64

_SIZE = re.compile(r"0|[1-9][0-9]{0,18}", re.ASCII)
_KEY_ID = re.compile(r"[0-9a-f]{8}", re.ASCII)
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f]")


@dataclass(frozen=True)
class VerifierKey:
    """A log's name and Ed25519 public key (32 bytes); `str` gives the one-line form."""

    name: str
    public: bytes

    def __post_init__(self) -> None:
        if not _is_key_name(self.name) or len(self.public) != PUBLIC_KEY_BYTES:
            raise MisuseError(
                "a verifier key is a name without spaces and '+', and 32 bytes of Ed25519"
            )

    @property
    def key_id(self) -> bytes:
        """4 bytes that tell the keys of one name apart; no protection against collisions."""
        hashed = self.name.encode() + b"\n" + ED25519 + self.public
        return hashlib.sha256(hashed).digest()[:KEY_ID_BYTES]

    def __str__(self) -> str:
        return f"{self.name}+{self.key_id.hex()}+{_base64(ED25519 + self.public)}"


@dataclass(frozen=True)
class NoteSigner:
    """A named key that signs notes."""

    name: str
    key: SigningKey

    @property
    def verifier(self) -> VerifierKey:
        """What to publish."""
        return VerifierKey(self.name, self.key.public)


@dataclass(frozen=True)
class NoteSignature:
    """One signature line: who claims to have signed (name, 4 bytes of key id), and the bytes."""

    name: str
    key_id: bytes
    signature: bytes


@dataclass(frozen=True)
class Note:
    """A text, ending in a newline, with its signatures; nothing in it is verified."""

    text: str
    signatures: tuple[NoteSignature, ...]


@dataclass(frozen=True)
class Checkpoint:
    """A log's state: `root` (32 bytes) of its first `size` leaves."""

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The text that is signed."""
        lines = [self.origin, str(self.size), _base64(self.root), *self.extensions]
        return "".join(line + "\n" for line in lines)


def parse_verifier_key(text: str) -> VerifierKey:
    """The key of its one-line form; `MalformedMessage` if it is none of Ed25519."""
    name, _, rest = text.strip().partition("+")
    key_id, _, encoded = rest.partition("+")
    if not _is_key_name(name) or not _KEY_ID.fullmatch(key_id):
        raise MalformedMessage("a verifier key has the form name+id+base64")
    data = _unbase64(encoded, "the key in a verifier key")
    if data[:1] != ED25519 or len(data) != 1 + PUBLIC_KEY_BYTES:
        raise MalformedMessage(f"the verifier key of {name!r} is not an Ed25519 key")
    key = VerifierKey(name, data[1:])
    if key.key_id.hex() != key_id:
        raise MalformedMessage(f"the verifier key of {name!r} does not have the id {key_id}")
    return key


def sign_note(text: str, signers: Sequence[NoteSigner]) -> bytes:
    """The note, UTF-8, signed by every signer in order; `MisuseError` if it is not a note."""
    try:
        lines = [_signature_line(signer, text.encode()) for signer in signers]
        note = f"{text}\n{''.join(lines)}".encode()
        faithful = parse_note(note).text == text
    except (MalformedMessage, UnicodeEncodeError) as error:
        raise MisuseError(f"this cannot be signed as a note: {error}") from None
    if not faithful:
        raise MisuseError("the text of a note ends in a newline")
    return note


def parse_note(data: bytes) -> Note:
    """Text and signature lines; `MalformedMessage` if it is no note. Nothing is verified."""
    if len(data) > MAX_NOTE_BYTES:
        raise MalformedMessage(f"a note has at most {MAX_NOTE_BYTES} bytes")
    try:
        content = data.decode()
    except UnicodeDecodeError:
        raise MalformedMessage("a note is UTF-8") from None
    if _CONTROL.search(content):
        raise MalformedMessage("a note has no control characters but newlines")
    text, blank, signed = content.rpartition("\n\n")
    if not blank or not text or not signed.endswith("\n"):
        raise MalformedMessage("a note is a text, an empty line, and lines of signatures")
    # only "\n" ends a line here: str.splitlines would also split at other Unicode separators
    lines = signed[:-1].split("\n")
    if len(lines) > MAX_SIGNATURES:
        raise MalformedMessage(f"a note has at most {MAX_SIGNATURES} signatures")
    return Note(text + "\n", tuple(_signature(line) for line in lines))


def verify_note(data: bytes, keys: Sequence[VerifierKey]) -> tuple[Note, tuple[VerifierKey, ...]]:
    """The note, and those of the keys that signed it, at least one.

    `MalformedMessage` if it is no note; `VerificationFailed` if no key signed it, or if a signature
    in the name of a key is false; `MisuseError` if there are no keys or two that nobody could tell
    apart.
    """
    known = {(key.name, key.key_id): key for key in keys}
    if not known or len(known) != len(set(keys)):
        raise MisuseError("a note is verified with keys that differ in name or id")
    note, signed_by = parse_note(data), []
    for each in note.signatures:
        key = known.get((each.name, each.key_id))
        if key is not None:
            verify(key.public, note.text.encode(), each.signature)
            signed_by.append(key)
    if not signed_by:
        raise VerificationFailed(
            f"the note is not signed by {' or '.join(str(key) for key in keys)}"
        )
    return note, tuple(dict.fromkeys(signed_by))


def parse_checkpoint(text: str) -> Checkpoint:
    """The checkpoint that a note's text is; `MalformedMessage` if it is none."""
    lines = text.split("\n")
    if len(lines) < 4 or lines.pop() or not all(lines):
        raise MalformedMessage("a checkpoint is at least three lines, none of them empty")
    origin, size, root, *extensions = lines
    if not _SIZE.fullmatch(size) or int(size) > MAX_SIZE:
        raise MalformedMessage("a checkpoint's second line is the log's size")
    checkpoint = Checkpoint(origin, int(size), _unbase64(root, "the root hash"), tuple(extensions))
    if len(checkpoint.root) != HASH_BYTES:
        raise MalformedMessage(f"a checkpoint's third line is a hash of {HASH_BYTES} bytes")
    if checkpoint.size == 0 and checkpoint.root != EMPTY_ROOT:
        raise MalformedMessage("the root of an empty log is SHA-256 of nothing")
    return checkpoint


def sign_checkpoint(checkpoint: Checkpoint, signers: Sequence[NoteSigner]) -> bytes:
    """The signed note of a checkpoint; `MisuseError` if its fields make no checkpoint."""
    try:
        faithful = parse_checkpoint(checkpoint.text) == checkpoint
    except MalformedMessage as error:
        raise MisuseError(f"not a checkpoint: {error}") from None
    if not faithful:
        raise MisuseError("a checkpoint's origin and extensions are one line each")
    return sign_note(checkpoint.text, signers)


def verify_checkpoint(
    data: bytes, keys: Sequence[VerifierKey], origin: str | None = None
) -> Checkpoint:
    """The checkpoint that one of the log's keys signed.

    `keys` are this log's only, several during a rotation. `origin`: the log's first line where it
    is not the name of the signing key. Errors as of `verify_note` and `parse_checkpoint`.
    """
    # N1: a note, signed by the log; N2: every signature in the log's name is true
    note, signed_by = verify_note(data, keys)
    # N3: its text is a checkpoint
    checkpoint = parse_checkpoint(note.text)
    # N4: of this log
    origins = {key.name for key in signed_by} if origin is None else {origin}
    if checkpoint.origin not in origins:
        raise VerificationFailed(f"the checkpoint is of another log, {checkpoint.origin!r}")
    return checkpoint


def _signature(line: str) -> NoteSignature:
    dash, _, rest = line.partition(" ")
    name, _, encoded = rest.partition(" ")
    data = _unbase64(encoded, "a signature")
    if dash != "—" or not _is_key_name(name) or len(data) <= KEY_ID_BYTES:
        raise MalformedMessage("a signature line is a dash, a key name, and id with signature")
    return NoteSignature(name, data[:KEY_ID_BYTES], data[KEY_ID_BYTES:])


def _signature_line(signer: NoteSigner, text: bytes) -> str:
    signed = signer.verifier.key_id + signer.key.sign(text)
    return f"— {signer.name} {_base64(signed)}\n"


def _is_key_name(name: str) -> bool:
    # lone surrogates come from odd bytes on a command line and have no UTF-8
    return bool(name) and not re.search(r"[\s+\x00-\x1f\ud800-\udfff]", name)


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _unbase64(text: str, what: str) -> bytes:
    """Standard base64 in its one canonical spelling, so that no two notes say the same."""
    try:
        data = base64.b64decode(text, validate=True)
    except ValueError:
        data = b""
    if not data or _base64(data) != text:
        raise MalformedMessage(f"{what} is not canonical base64")
    return data
