"""What the demo verifies of the claims as anybody could, with what the service publishes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from grainseal.crypto.checkpoint import VerifierKey
from grainseal.crypto.errors import VerificationFailed
from grainseal.crypto.monitoring import Sighting
from grainseal.crypto.receipts import PhotoHashes, Step, verify_receipt
from grainseal.crypto.tokens import keys_of_jwks
from grainseal.models.identity import identity_of

from .demo_service import LocalService
from .errors import ClientError
from .evidence_checks import verify_evidence
from .photos import developed_file
from .registering import RegistrationInfo
from .transport import Transport
from .watching import look, read_log_keys

# As the service's folder names them.
LOG_KEY, SERVICE_KEYS = "log.vkey", "jwks.json"


@dataclass(frozen=True)
class Check:
    """Something verified with public keys only; `found` says what, `problem` why it failed."""

    what: str
    found: str
    problem: str | None = None


@dataclass(frozen=True)
class PublicKeys:
    """What a service publishes for those who verify: its log's keys, its own by key id."""

    log: Sequence[VerifierKey]
    service: Mapping[str, bytes]


def published(service: LocalService, folder: Path) -> PublicKeys:
    """The service's public keys, copied into the folder."""
    files = [folder / name for name in (LOG_KEY, SERVICE_KEYS)]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for file in files:
            file.write_bytes((service.data / file.name).read_bytes())
        jwks = files[1].read_text()
    except OSError as error:
        raise ClientError(f"cannot write to {folder}: {error.strerror or error}") from None
    return PublicKeys(read_log_keys(str(files[0])), keys_of_jwks(jwks))


def check_receipt(registration: RegistrationInfo, photo: Path, keys: PublicKeys) -> Check:
    """L1–L7: the log has the registration of this very photo."""
    identity = identity_of(developed_file(photo, "to compare it").photo)
    hashes = PhotoHashes(identity.file_sha256, identity.pixels_sha256)
    file = registration.receipt.to_json().encode()
    done = verify_receipt(file, keys.log, photo=hashes)
    problem = None if done.valid else done.problem or "not every check was made"
    return Check("receipt of the registration", _passed(done.steps), problem)


def check_log(keys: PublicKeys, anybody: Transport, before: Sighting) -> Check:
    """V1–V4: the log still has what it had before."""
    what = "log"
    try:
        after = look(anybody, keys.log, before)
    except VerificationFailed as error:
        return Check(what, "", str(error))
    grown = after.checkpoint.size, before.checkpoint.size
    return Check(what, f"its {grown[0]} entries begin with the {grown[1]} from before")


def check_evidence(folder: Path, keys: PublicKeys) -> Check:
    """E1–E6 of the evidence in the folder."""
    done = verify_evidence(folder, keys.log, keys.service)
    rest = [f"not {each.check}: {each.why}" for each in done.not_made]
    found = "; ".join([_passed(done.steps), *rest])
    return Check("evidence of the owner's claim", found, done.problem)


def _passed(steps: Sequence[Step]) -> str:
    names = [step.check for step in steps if step.problem is None]
    return f"passed {', '.join(names)}"
