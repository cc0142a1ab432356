"""Which scheme and profile an enrolment or a renewal is to have."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from grainseal.crypto.errors import MisuseError
from grainseal.crypto.profiles import (
    AUTH_JPEG_V1,
    AUTH_JPEG_V2,
    FUZZY_MAX_V1,
    FUZZY_TESTING,
    FUZZY_V1,
    TESTING,
    TESTING_V2,
    FuzzyProfile,
    Profile,
    Scheme,
    enrolled_profile_named,
    fuzzy_profile_named,
    scheme_of,
)
from grainseal.models.codes import code_for
from grainseal.proto.v1 import grainseal_pb2 as pb

from .errors import ClientError, PhotosRefused
from .photos import Photos, kind_of, profile_for

SCHEMES: Final = tuple(each.value for each in Scheme)
_MESSAGES: Final = MappingProxyType(
    {
        Scheme.HOMOMORPHIC: pb.SCHEME_HOMOMORPHIC,
        Scheme.FUZZY_EXTRACTOR: pb.SCHEME_FUZZY_EXTRACTOR,
    }
)
# What a renewal in the other scheme takes: the same photos serve both.
_COUNTERPART: Final[Mapping[str, Profile | FuzzyProfile]] = MappingProxyType(
    {
        AUTH_JPEG_V1.name: FUZZY_V1,
        AUTH_JPEG_V2.name: FUZZY_V1,
        TESTING.name: FUZZY_TESTING,
        TESTING_V2.name: FUZZY_TESTING,
        FUZZY_V1.name: AUTH_JPEG_V1,
        FUZZY_MAX_V1.name: AUTH_JPEG_V1,
        FUZZY_TESTING.name: TESTING,
    }
)


def scheme_message(profile: Profile | FuzzyProfile) -> pb.Scheme:
    """The scheme of a profile, as a service is told it."""
    return _MESSAGES[scheme_of(profile.name)]


def profile_to_enroll(photos: Photos, scheme: str, name: str | None) -> Profile | FuzzyProfile:
    """The profile of that name, by default the scheme's for the first photo's kind.

    `ClientError` for a scheme or profile that is unknown, or a profile of the other scheme;
    `PhotosRefused` for a photo that cannot be read, or that the scheme cannot use.
    """
    chosen = _scheme_named(scheme)
    if name is not None and scheme_of(name) is not chosen:
        raise ClientError(f"profile {name} is not one of scheme {scheme}: change one of them")
    if chosen is Scheme.HOMOMORPHIC:
        return profile_for(photos, name)
    try:
        profile = fuzzy_profile_named(name or FUZZY_V1.name)
    except MisuseError as error:
        raise ClientError(str(error)) from None
    if kind_of(photos) != code_for(profile.name).kind:
        raise PhotosRefused(
            "scheme fuzzy takes developed photos and these are RAW: give the camera's JPEGs, or "
            "enrol by scheme homomorphic"
        )
    return profile


def profile_to_renew(enrolled: str, scheme: str | None) -> Profile | FuzzyProfile:
    """The enrolment's own profile, or its counterpart in the scheme that is asked for.

    `ClientError` if there is none.
    """
    if scheme is None or _scheme_named(scheme) is scheme_of(enrolled):
        return enrolled_profile_named(enrolled)
    if enrolled not in _COUNTERPART:
        raise ClientError(
            f"an enrolment of {enrolled} cannot be renewed by scheme {scheme}: revoke it, and "
            "enrol anew with the camera's JPEGs"
        )
    return _COUNTERPART[enrolled]


def require_scheme_with_claims(profile: Profile | FuzzyProfile, claims: bool) -> None:
    """`ClientError` where a claim template is asked for and the scheme has none."""
    if claims and scheme_of(profile.name) is Scheme.FUZZY_EXTRACTOR:
        raise ClientError(
            "scheme fuzzy has no claim template: leave --claims out (renew: --no-claims), or use "
            "scheme homomorphic"
        )


def _scheme_named(name: str) -> Scheme:
    try:
        return Scheme(name)
    except ValueError:
        raise ClientError(f"unknown scheme {name!r}: use one of {', '.join(SCHEMES)}") from None
