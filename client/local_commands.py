"""The commands that need no vault: compare two sets of photos, verify a decision token."""

from dataclasses import asdict
from pathlib import Path
from typing import Final

import click

from grainseal.crypto.errors import MalformedMessage, VerificationFailed
from grainseal.crypto.tokens import keys_of_jwks, verify_decision
from grainseal.models.manifest import WeightsError
from grainseal.models.matching import Match, MatchError
from grainseal.models.matching import compare as match
from grainseal.proto.v1 import grainseal_pb2 as pb

from .errors import ClientError, ServiceError
from .expectation import Expectation, expected_match
from .photos import DEFAULT_EXTRACTOR, EXTRACTOR_HELP, extract_halves
from .sessions import new_idempotency_key
from .terminal import json_option, note, options, progress, show
from .transport import Transport

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
# Refusals that are about the token, not about the call.
_TOKEN_REASONS: Final = frozenset({"MALFORMED", "TOKEN_INVALID", "AUDIENCE_REFUSED"})
PHOTOS = click.Path(exists=True, path_type=Path)
# A chance of one in a million, as for an authentication, and one that does come up among hundreds.
SAME_BELOW: Final = 1e-6
UNDECIDED_BELOW: Final = 1e-3


@click.command()
@click.argument("a", type=PHOTOS)
@click.argument("b", type=PHOTOS)
@click.option("--extractor", default=DEFAULT_EXTRACTOR, show_default=True, help=EXTRACTOR_HELP)
@click.option("--crop", type=click.IntRange(min=2), help="Use the centre N x N pixels only.")
@json_option
def compare(a: Path, b: Path, extractor: str, crop: int | None, as_json: bool) -> None:
    """Compare the cameras behind A and B, each a photo or a folder of photos, on this machine.

    NCC is the normalised correlation of the two noise patterns, PCE the energy of its peak over
    that of the rest. The probability is that of an unrelated camera to match as well by pure
    chance; cameras of one make may share a little more than chance. Developed photos also get the
    NCC that is expected if the two are of one camera: it changes no decision, and says how much a
    weak match means.
    """
    with progress(f"Reading {a.name}") as report:
        one = extract_halves([a], extractor, crop=crop, progress=report)
    with progress(f"Reading {b.name}") as report:
        other = extract_halves([b], extractor, crop=crop, progress=report)
    try:
        found = match(one.fingerprint, other.fingerprint)
    except MatchError as error:
        raise ClientError(f"{error} (--crop N takes the centre of both)") from None
    try:
        expected = expected_match((a, one), (b, other), extractor, crop)
    except WeightsError as error:
        raise ClientError(str(error)) from None
    show(
        as_json,
        {**asdict(found), "expected": asdict(expected) if expected is not None else None},
        f"NCC {found.ncc:.5f}\nPCE {found.pce:.1f}\n"
        f"false match probability {_told(found.false_match_probability)}\n"
        f"{_reading(found.false_match_probability)}{_expectation(found, expected)}",
    )


def _told(probability: float) -> str:
    return f"{probability:.3g}" if probability > 0 else "below 1e-300"


def _reading(probability: float) -> str:
    """What the figures say, for people."""
    if probability < SAME_BELOW:
        return "the same camera, very likely"
    return "undecided" if probability < UNDECIDED_BELOW else "no sign of the same camera"


def _expectation(found: Match, expected: Expectation | None) -> str:
    """What a match means beside what it could be: more lines for people."""
    if expected is None:
        return ""
    how = "by photos of one side" if expected.calibrated else "roughly: no side has two photos"
    line = f"\nexpected of one camera: NCC about {expected.ncc:.5f} ({how})"
    if found.false_match_probability < SAME_BELOW:
        return line
    if expected.tells_below(SAME_BELOW):
        weak = "so weak a match of such photos, unless turned or edited,"
        return f"{line}\n{weak} speaks against one camera"
    return f"{line}\nsuch photos hardly show their camera: a weak match says little"


@click.group()
def token() -> None:
    """Decision tokens, as a relying party sees them."""


@token.command()
@click.argument("token")
@click.option("--audience", required=True, help="Who verifies: the audience it must be for.")
@click.option("--jwks", type=FILE, help="The service's public keys: verify off line.")
@options(
    click.option("--server", metavar="HOST:PORT", help="Or ask the service, which uses it up."),
    click.option("--ca", type=FILE, help="PEM file of the service's authority."),
    click.option(
        "--api-key",
        envvar="GRAINSEAL_API_KEY",
        help="The relying party's; or GRAINSEAL_API_KEY, which ps does not show.",
    ),
)
@json_option
@click.pass_context
def verify(
    context: click.Context,
    token: str,
    audience: str,
    jwks: Path | None,
    server: str | None,
    ca: Path | None,
    api_key: str | None,
    as_json: bool,
) -> None:
    """Verify a decision TOKEN off line by --jwks, or by --server, --ca and --api-key.

    Exit status: 0 valid, 1 not valid, 2 error. Off line a token stays valid until it expires:
    remember its id (jti) until then, or ask the service.
    """
    if (jwks is None) == (server is None) or (server is not None and not (ca and api_key)):
        raise click.UsageError("give either --jwks, or --server, --ca and --api-key")
    try:
        if jwks is not None:
            said = asdict(verify_decision(token, _keys(jwks), audience))
        else:
            said = _ask(str(server), Path(str(ca)), str(api_key), token, audience)
    except (MalformedMessage, VerificationFailed) as error:
        if as_json:
            show(as_json, {"valid": False, "reason": str(error)}, "")
        note(f"not valid: {error}")
        context.exit(1)
    show(as_json, {"valid": True, **said}, "\n".join(f"{k}: {v}" for k, v in said.items()))


def _keys(jwks: Path) -> dict[str, bytes]:
    try:
        return keys_of_jwks(jwks.read_text())
    except (MalformedMessage, OSError, UnicodeDecodeError) as error:
        raise ClientError(f"{jwks} has no keys to verify by: {error}") from None


def _ask(server: str, ca: Path, api_key: str, token: str, audience: str) -> dict[str, object]:
    """What the service says of a token; `VerificationFailed` if it refuses it."""
    request = pb.VerifyDecisionRequest(token=token, idempotency_key=new_idempotency_key())
    with Transport(server, ca, api_key=api_key) as transport:
        try:
            said = transport.verify_decision(request)
        except ServiceError as error:
            if error.reason in _TOKEN_REASONS:
                raise VerificationFailed(str(error)) from None
            raise
    if said.audience != audience:
        raise VerificationFailed(f"the token is for audience {said.audience!r}")
    return {field.name: getattr(said, field.name) for field in said.DESCRIPTOR.fields}
