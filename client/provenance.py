"""A registered photo with a C2PA manifest that carries the registration's receipt.

The only file that imports c2pa (the [c2pa] extra). The manifest says that the photo was opened and
published, with the photo itself as its parent, so that a manifest of the camera's own stays in it;
the assertion `org.grainseal.registration` is the receipt as docs/PROTOCOL.md, "The log", has it.
Nothing goes over a network: no time stamp is asked for, and no manifest, revocation list or
certificate is fetched, whatever the photo names.

A manifest shows who signed it, if a reader knows that signer. What shows the registration is the
receipt in it, which takes the log's key to verify.
"""

import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from grainseal import __version__
from grainseal.crypto.errors import MalformedMessage, VerificationFailed
from grainseal.crypto.receipts import Receipt
from grainseal.models.photo import HEIF_BRANDS

from .errors import ClientError
from .provenance_keys import Credential

if TYPE_CHECKING:
    import c2pa

ASSERTION: Final = "org.grainseal.registration"
HOW_TO_GET_IT: Final = "run `pip install grainseal[c2pa]`"
VALID: Final = frozenset({"Valid", "Trusted"})
_MAGIC: Final = {
    b"\xff\xd8\xff": "image/jpeg",
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"II*\0": "image/tiff",
    b"MM\0*": "image/tiff",
}
_SUFFIXES: Final = {
    "image/jpeg": ".jpg",
    "image/png": ".png",
    "image/tiff": ".tif",
    "image/heic": ".heic",
}
_UNKNOWN_SIGNER: Final = "signingCredential.untrusted"
_NOT_IN_TIME: Final = frozenset({"signingCredential.expired", "claimSignature.outsideValidity"})
_NO_NETWORK: Final = {
    "version": 1,
    "verify": {"remote_manifest_fetch": False, "ocsp_fetch": False},
    "core": {"allowed_network_hosts": []},
    "builder": {"thumbnail": {"enabled": False}},
}


@dataclass(frozen=True)
class Provenance:
    """What a valid manifest of a registration says.

    `receipt` is the receipt's file, not verified. `state` is C2PA's own word: "Valid", or "Trusted"
    where the reader knows the signer, whose name is `signer`.
    """

    receipt: bytes
    state: str
    signer: str

    @property
    def trusted(self) -> bool:
        """Whether the signer is on the reader's list of trusted ones."""
        return self.state == "Trusted"

    @property
    def sentence(self) -> str:
        """What is known of the signer, for people."""
        if self.trusted:
            return f"C2PA manifest: valid, signed by {self.signer}, whom C2PA's reader trusts."
        return (
            f"C2PA manifest: valid, but C2PA's reader does not know its signer ({self.signer}): "
            "what shows the registration is the receipt in it."
        )


def media_type_of(photo: bytes) -> str | None:
    """The kind of a photo's file by its first bytes; None for one that carries no manifest."""
    if photo[4:8] == b"ftyp" and photo[8:12] in HEIF_BRANDS:
        return "image/heic"
    return next((kind for magic, kind in _MAGIC.items() if photo.startswith(magic)), None)


def suffix_of(photo: bytes) -> str:
    """The file name's suffix for a photo's bytes."""
    return _SUFFIXES.get(media_type_of(photo) or "", ".bin")


def is_installed() -> bool:
    """Whether manifests can be made and read here."""
    try:
        import c2pa  # noqa: F401
    except ImportError:
        return False
    return True


def with_manifest(
    photo: bytes, media_type: str, receipt: Receipt, title: str, credential: Credential
) -> bytes:
    """The photo's file with a manifest of its registration; its pixels are not touched.

    `ClientError` if the credential or the file does not serve.
    """
    import c2pa

    manifest = {
        "claim_generator_info": [{"name": "grainseal", "version": __version__}],
        "title": title,
        "format": media_type,
        "assertions": [
            {"label": "c2pa.actions.v2", "data": {"actions": [{"action": "c2pa.published"}]}},
            {"label": ASSERTION, "data": json.loads(receipt.to_json()), "kind": "Json"},
        ],
    }
    made = io.BytesIO()
    try:
        with _context() as context, c2pa.Builder(manifest, context=context) as builder:
            # Adds "c2pa.opened" with the photo as parent, which has to come first.
            builder.set_intent(c2pa.C2paBuilderIntent.EDIT)
            algorithm = c2pa.C2paSigningAlg[credential.algorithm]
            chain = credential.chain.decode()
            with c2pa.Signer.from_callback(credential.sign, algorithm, chain) as signer:
                builder.sign(signer, media_type, io.BytesIO(photo), made)
    except (c2pa.C2paError, UnicodeDecodeError) as error:
        raise ClientError(f"cannot put a C2PA manifest on the photo: {error}") from None
    return made.getvalue()


def verify_provenance(photo: bytes, media_type: str) -> Provenance:
    """The registration in a photo's manifest, which C2PA's own reader finds valid.

    `MalformedMessage` if there is no manifest or it names no registration, `VerificationFailed` if
    it does not fit the photo or its signature is false. Needs c2pa (`is_installed`).
    """
    import c2pa

    try:
        with _context() as context, c2pa.Reader(media_type, io.BytesIO(photo), None, context) as it:
            report = json.loads(it.json())
    except c2pa.C2paError.ManifestNotFound:
        raise MalformedMessage("the photo has no C2PA manifest") from None
    except (c2pa.C2paError, ValueError) as error:
        raise MalformedMessage(f"the photo's C2PA manifest cannot be read: {error}") from None
    state = str(report.get("validation_state"))
    if state not in VALID:
        raise VerificationFailed(_why(report))
    manifest = report["manifests"][report["active_manifest"]]
    signer = str(manifest.get("signature_info", {}).get("common_name", ""))
    return Provenance(_receipt(manifest), state, signer)


@contextmanager
def _context() -> "Iterator[c2pa.Context]":
    import c2pa

    with c2pa.Context.from_dict(_NO_NETWORK) as context:
        yield context


def _why(report: dict[str, Any]) -> str:
    """Why C2PA's reader does not call it valid: its own codes, and what the commonest one means."""
    codes = [str(each.get("code")) for each in report.get("validation_status", [])]
    codes = [code for code in dict.fromkeys(codes) if code != _UNKNOWN_SIGNER]
    said = f"C2PA's reader says {report.get('validation_state')}: {', '.join(codes)}"
    if _NOT_IN_TIME.intersection(codes):
        return f"{said} (its certificate has run out, and it carries no time stamp)"
    if "assertion.dataHash.mismatch" in codes:
        return f"{said} (the file was changed after it was signed)"
    return said


def _receipt(manifest: dict[str, Any]) -> bytes:
    # A label that stands twice has "__1" behind it; two registrations would be an ambiguity.
    named = [
        each
        for each in manifest.get("assertions", [])
        if str(each.get("label", "")).split("__")[0] == ASSERTION
    ]
    if len(named) != 1:
        raise MalformedMessage(f"the C2PA manifest names {len(named)} registrations, not one")
    return json.dumps(named[0].get("data")).encode()
