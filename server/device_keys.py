"""Which device keys the service takes: points under which a signature proves a secret.

`cryptography` takes any 32 bytes for a public key. Under one of small order, signatures that
anybody can write down are true: an enrolment would be bound to nobody's secret.
"""

from grainseal.crypto.signing import PUBLIC_KEY_BYTES

from .errors import Reason, Refused

# The curve −x² + y² = 1 + D·x²·y² modulo P (RFC 8032, section 5.1).
P = 2**255 - 19
D = -121665 * pow(121666, -1, P) % P
# A root of 2y² = 1 − D·y⁴: the points of order 8 have y = ±Y8.
Y8 = 2707385501144840649318225287225658788936804267575313519463743609750303402022
# Orders 4, 1, 2, 8 and 8; x only has another sign (Chalkias, Garillot and Nikolaenko, "Taming the
# many EdDSAs", 2020, table 1).
SMALL_ORDER = frozenset({0, 1, P - 1, Y8, P - Y8})


def require_usable_key(key: bytes) -> None:
    """B3: `Refused` (MALFORMED) unless a key encodes a point of the curve, not of small order."""
    if len(key) != PUBLIC_KEY_BYTES:
        raise Refused(Reason.MALFORMED, f"a device key has {PUBLIC_KEY_BYTES} bytes")
    # The top bit is the sign of x, which changes neither property.
    y = int.from_bytes(key, "little") % 2**255
    if y in SMALL_ORDER or not _is_on_curve(y):
        raise Refused(Reason.MALFORMED, "the device key is no Ed25519 public key: make another")


def _is_on_curve(y: int) -> bool:
    # x² = (y² − 1) / (D·y² + 1) has a root if the product of both is a square: Euler's criterion.
    square = (y * y - 1) * (D * y * y + 1) % P
    return y < P and pow(square, (P - 1) // 2, P) == 1
