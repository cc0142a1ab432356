"""Which device keys are taken: honest ones, and none that would make a forgery true."""

import pytest
from tests.server.device import refused

from grainseal.crypto.signing import SigningKey, verify
from grainseal.server.device_keys import SMALL_ORDER, Y8, D, P, require_usable_key
from grainseal.server.errors import Reason, Refused

SIGN_OF_X = 1 << 255


def encoded(y):
    return y.to_bytes(32, "little")


# Each small order's points, with the other sign of x, and the same ones written modulo P: y = 0 and
# y = 1 alone leave room for it below 2²⁵⁵.
SMALL = [y | sign for y in (*sorted(SMALL_ORDER), P, P + 1) for sign in (0, SIGN_OF_X)]


@pytest.mark.parametrize("y", SMALL, ids=hex)
def test_key_of_small_order_is_refused(y):
    with pytest.raises(Refused) as caught:
        require_usable_key(encoded(y))
    assert caught.value.reason is Reason.MALFORMED


@pytest.mark.parametrize("y", [2, P + 3, 2**255 - 1, 2 | SIGN_OF_X], ids=hex)
def test_key_that_is_no_point_is_refused(y):
    with pytest.raises(Refused):
        require_usable_key(encoded(y))


@pytest.mark.parametrize("length", [0, 31, 33])
def test_key_of_another_length_is_refused(length):
    with pytest.raises(Refused):
        require_usable_key(SigningKey().public[:1] * length)


def test_every_honest_key_is_taken():
    for seed in range(50):
        require_usable_key(SigningKey(bytes([seed]) * 32).public)


def test_the_listed_points_of_order_8_are_such():
    # Twice such a point has y = 0: x² = −y², which the curve's equation turns into this.
    assert (2 * Y8**2 - 1 + D * Y8**4) % P == 0
    assert pow(-(Y8**2) % P, (P - 1) // 2, P) == 1


def test_a_service_that_took_the_identity_would_believe_anybody(world):
    identity = encoded(1)
    verify(identity, b"whatever is asked", identity + bytes(32))  # no secret was needed
    device = world.device()
    refused("MALFORMED", device.begin_enrollment, world.ticket(), device_key=identity)
