"""Which photos made a key: with the same vault none of them may make another one.

Two keys of the same photos give each other away to whoever has the vault and both key files
(docs/THREAT_MODEL.md, "Keys from a camera"). So the vault keeps a mark of each photo, the HMAC of
its pixels under a key of the vault's own: who cannot open the vault learns nothing of the photos,
and rewritten tags of a file do not make it another photo. A photo that was compressed anew is not
recognised.
"""

import hmac
from collections.abc import Iterable, Sequence
from dataclasses import replace

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from grainseal.crypto.canonical import canonical
from grainseal.models.identity import pixels_sha256
from grainseal.models.photo import Photo

from .errors import PhotosRefused
from .vault import Vault
from .vault_state import VaultState


def marked(state: VaultState, marks: Sequence[bytes]) -> VaultState:
    """The vault's content once a key is made of these photos.

    `PhotosRefused` if another one was made of any since they were read: to be asked in the same
    `Vault.update` that adds them.
    """
    for mark in marks:
        _require_fresh(state, mark, "one of these photos")
    return replace(state, key_photos=(*state.key_photos, *marks))


def _require_fresh(state: VaultState, mark: bytes, name: str) -> None:
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
        """The photo's mark, 32 bytes; `PhotosRefused` if a key was made of it."""
        mark = hmac.digest(self._key, pixels_sha256(photo), "sha256")
        _require_fresh(self._vault.state, mark, photo.name)
        return mark

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
