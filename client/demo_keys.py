"""The demo's other scheme: a camera enrolled by a key that only its photos give again.

The first camera with developed photos, tried with its own later ones and, with the same vault,
with another camera's.
"""

import secrets
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from grainseal.crypto.profiles import FUZZY_V1, Scheme
from grainseal.models.codes import code_for

from .demo import RELYING_PARTY, Done, Fingerprints, fitted
from .demo_photos import PhotoSet, Plan
from .demo_service import LocalService
from .sdk import Client
from .vault import Vault

PROFILE: Final = FUZZY_V1


@dataclass(frozen=True)
class KeyTry:
    """Photos of `probe` against the key of `enrolled`; `accepted` is the service's word."""

    enrolled: str
    probe: str
    accepted: bool
    seconds: float
    bytes_sent: int

    @property
    def surprising(self) -> bool:
        """Whether it is not what one would wish: an own camera rejected, another one accepted."""
        return self.accepted != (self.enrolled == self.probe)


def run_keys(
    service: LocalService,
    api_key: str,
    plan: Plan,
    prints: Fingerprints,
    folder: Path,
    done: Done,
) -> list[KeyTry]:
    """What becomes of the tries; none if there is no camera with photos of that kind."""
    camera = _camera(plan)
    if camera is None:
        return []
    name, tried = camera.camera, _probes(plan, camera.camera)
    enrolled, tries = prints.enrolled[name].load(), list[KeyTry]()
    with (
        Vault.create(folder / f"{name}.key", secrets.token_urlsafe(16)) as vault,
        Client(service.address, service.ca, vault) as client,
    ):
        subject = f"{name} by key"
        ticket = service.ticket(subject, api_key)
        client.enroll(
            subject, ticket, enrolled, scheme=Scheme.FUZZY_EXTRACTOR.value, profile=PROFILE.name
        )
        for probe in tried:
            taken = fitted(prints.probes[probe].load(), enrolled)
            before, started = client.bytes_sent, time.perf_counter()
            result = client.authenticate(RELYING_PARTY, taken)
            seconds, sent = time.perf_counter() - started, client.bytes_sent - before
            tries.append(KeyTry(name, probe, result.accepted, seconds, sent))
            done("Authenticating by key", len(tries), len(tried))
    return tries


def sentence(each: KeyTry) -> str:
    """What became of a try, for people."""
    verdict = "accepted" if each.accepted else "rejected"
    whose = "its own photos" if each.probe == each.enrolled else f"{each.probe}'s photos"
    odd = "NOT as it should be: " if each.surprising else ""
    return f"{odd}{each.enrolled}, with {whose}: {verdict} ({each.seconds:.2f} s)"


def _camera(plan: Plan) -> PhotoSet | None:
    """The first that the profile serves and that is probed, too."""
    spec, probed = code_for(PROFILE.name), {each.camera for each in plan.probes}
    fitting = (
        each
        for each in plan.enrolled
        if each.camera in probed and code_for(each.profile.name).extractor == spec.extractor
    )
    return next(fitting, None)


def _probes(plan: Plan, own: str) -> list[str]:
    others = [each.camera for each in plan.probes if each.camera != own]
    return [own, *others[:1]]
