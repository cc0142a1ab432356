"""Which photos made a key: with the same vault none of them may make another one.

Two keys of the same photos give each other away to whoever has the vault and both key files
(docs/THREAT_MODEL.md, "Keys from a camera"). So the vault keeps a mark of each photo, the HMAC of
its pixels under a key of the vault's own: who cannot open the vault learns nothing of the photos,
and rewritten tags of a file do not make it another photo. A photo that was compressed anew is not
recognised. The same goes for photos of which a claim template with proofs was made: the vault keeps
its code, and code and key file give a key of the same photos back.
"""

import hmac
from collections.abc import Iterable, Sequence
from dataclasses import replace

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from grainseal.crypto.canonical import canonical
from grainseal.models.fingerprint import Fingerprint
from grainseal.models.identity import pixels_sha256
from grainseal.models.photo import Photo, PhotoError, read_photo

from .errors import PhotosRefused
from .photos import Photos, photo_files
from .vault import Vault
from .vault_state import VaultState


def marked(state: VaultState, marks: Sequence[bytes]) -> VaultState:
    """The vault's content once a key is made of these photos.

    `PhotosRefused` if another one, or a template with proofs, was made of any since they were read:
    to be asked in the same `Vault.update` that adds them.
    """
    for mark in marks:
        _require_fresh(state, mark, "one of these photos")
    return replace(state, key_photos=(*state.key_photos, *marks))


def with_template(state: VaultState, marks: Sequence[bytes]) -> VaultState:
    """The same once a claim template with proofs is made of them; it may be made of them again."""
    for mark in marks:
        _require_unkeyed(state, mark, "one of these photos")
    new = tuple(mark for mark in marks if mark not in state.proof_photos)
    return replace(state, proof_photos=(*state.proof_photos, *new))


def _require_unkeyed(state: VaultState, mark: bytes, name: str) -> None:
    if mark in state.key_photos:
        raise PhotosRefused(
            f"a key was made of {name}, and with the code that proofs are made of the vault would "
            "give it back: take other photos, and a vault of its own for proofs"
        )


def _require_fresh(state: VaultState, mark: bytes, name: str) -> None:
    if mark in state.proof_photos:
        raise PhotosRefused(
            f"a claim template with proofs was made of {name}: the vault keeps its code, which "
            "gives the key of the same photos back. Take other photos, and another vault for keys"
        )
    if mark in state.key_photos:
        raise PhotosRefused(
            f"a key was made of {name} before, and two keys of one photo are not safe: "
            "take fresh photos for every key, or copy the key file to have it twice"
        )


class UsedPhotos:
    """Those of one vault."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault
        info = canonical("key-photos", [])
        self._key = HKDF(SHA256(), 32, salt=None, info=info).derive(vault.state.device_seed)

    def fresh(self, photo: Photo) -> bytes:
        """The photo's mark, 32 bytes; `PhotosRefused` if a key, or a template, was made of it."""
        mark = self._mark(photo)
        _require_fresh(self._vault.state, mark, photo.name)
        return mark

    def for_proofs(self, photos: Photos) -> tuple[bytes, ...]:
        """The marks of photos for a claim template with proofs; of a fingerprint there are none.

        `PhotosRefused` if a key was made of one of them, or one cannot be read.
        """
        if isinstance(photos, Fingerprint):
            return ()
        marks = []
        try:
            for photo in map(read_photo, photo_files(photos)):
                marks.append(self._mark(photo))
                _require_unkeyed(self._vault.state, marks[-1], photo.name)
        except PhotoError as error:
            raise PhotosRefused(str(error)) from None
        return tuple(marks)

    def add(self, marks: Sequence[bytes]) -> None:
        """Remember these; on the disk before this returns. `PhotosRefused` as in `marked`."""
        self._vault.update(lambda state: marked(state, marks))

    def forget(self, marks: Iterable[bytes]) -> None:
        """The key that they were added for came to nothing."""
        gone = set(marks)
        self._vault.update(
            lambda state: replace(
                state, key_photos=tuple(each for each in state.key_photos if each not in gone)
            )
        )

    def _mark(self, photo: Photo) -> bytes:
        return hmac.digest(self._key, pixels_sha256(photo), "sha256")
