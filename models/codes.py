"""From fingerprint to code: features, the reliable ones, their keyed signs.

A code is renewable (ISO/IEC 24745): the same fingerprint under a new code key gives an unrelated
code. The positions say where the enrolled fingerprint is strongest, never its sign.

Keystream, for implementers on other platforms. For a 32-byte code key, a code name and a purpose
("mask" or "permutation"), all ASCII:

    stream_key = HMAC-SHA-256(code_key, "grainseal/code/v1/" + name + "/" + purpose)
    stream     = AES-256-CTR(stream_key, initial 16-byte counter block 0) of zero bytes

Mask: bit i of the stream, least significant bit of each byte first; 0 means +1, 1 means -1.
Permutation: N little-endian 64-bit words; `order` lists 0..N-1 by rising word, equal words by
rising index. The code is code[i] = masked[order[i]].
"""

import hashlib
import hmac
from dataclasses import dataclass, field
from typing import Final, TypeVar

import numpy as np
import numpy.typing as npt
import scipy.fft
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from grainseal.models.extractor import Extractor, get_extractor, source_of
from grainseal.models.fingerprint import Fingerprint
from grainseal.models.manifest import WeightsError
from grainseal.models.photo import PhotoKind

Plane = npt.NDArray[np.float32]
Features = npt.NDArray[np.float32]
Positions = npt.NDArray[np.uint32]
Code = npt.NDArray[np.int8]
AnyArray = TypeVar("AnyArray", Features, Code)

CODE_KEY_BYTES: Final = 32
# SHA-256 of the network that the codes of extractor `neural` are defined with. Other weights are
# other codes: they get new names here, and these keep theirs.
NEURAL_V2: Final = "1d8efe9d3f9523d7f4113a256fb25da94eacc1efaee2e8da75ceae49d2388fc0"


class CodeError(ValueError):
    """A code that cannot be formed; the message says what to do."""


@dataclass(frozen=True)
class CodeSpec:
    """How a fingerprint becomes a code of `length` signs.

    `extractor`: name of the residual extractor that the fingerprint must be estimated with;
    `weights`: of a network, the SHA-256 of its file in hex.
    `step`: side in pixels of the blocks that give one feature each. `band`: None to sum a block, or
    the lowest and highest |frequency| kept in each direction, in cycles per pixel of the Bayer
    plane, to take one pixel of it.
    """

    name: str
    kind: PhotoKind
    extractor: str
    length: int
    step: int
    band: tuple[float, float] | None
    weights: str = field(default="", kw_only=True)

    @property
    def source(self) -> str:
        """What its fingerprints are made with, as Fingerprint.source has it."""
        return source_of(self.extractor, self.weights)

    def feature_count(self, shape: tuple[int, int]) -> int:
        """Features that a (height, width) frame gives."""
        return (shape[0] // self.step) * (shape[1] // self.step)


CODES: Final = {
    spec.name: spec
    for spec in (
        CodeSpec("AUTH_JPEG_V1", "developed", "wavelet5", length=16_384, step=16, band=None),
        # Low frequencies survive in the luminance of the camera's own JPEGs, those next to (.5, .5)
        # alias into their chrominance; this square between them is what demosaicing and JPEG leave
        # least of, though not nothing: it shows again, weakly, in the chrominance at 1/16 to 1/8
        # (docs/EVALUATION.md, "What published photos give away"). It is one 64th of the spectrum,
        # so one pixel in 8x8 carries all of it, and [3/8, 7/16] folds onto the whole band of that
        # coarser grid: the features are white.
        CodeSpec("AUTH_RAW_V1", "raw", "wavelet", length=16_384, step=8, band=(3 / 8, 7 / 16)),
        # The same code of a network's residual.
        CodeSpec("AUTH_JPEG_V2", "developed", "neural", 16_384, 16, None, weights=NEURAL_V2),
        # For small simulated photos in tests; a server refuses it anywhere else.
        CodeSpec("TESTING", "developed", "wavelet5", length=8_192, step=4, band=None),
        CodeSpec("TESTING_V2", "developed", "neural", 8_192, 4, None, weights=NEURAL_V2),
        # For keys. The strongest of many small blocks are surer than a few large ones' and lie
        # farther apart, so that they depend less on each other.
        CodeSpec("FUZZY_V1", "developed", "wavelet5", length=16_384, step=16, band=None),
        CodeSpec("FUZZY_MAX_V1", "developed", "wavelet5", length=32_768, step=4, band=None),
        CodeSpec("FUZZY_TESTING", "developed", "wavelet5", length=8_192, step=4, band=None),
    )
}


def code_for(spec_name: str) -> CodeSpec:
    """The code of that name; CodeError lists the names there are."""
    if spec_name not in CODES:
        raise CodeError(f"no code {spec_name!r}: choose one of {', '.join(sorted(CODES))}")
    return CODES[spec_name]


def extractor_for(spec: CodeSpec) -> Extractor:
    """The extractor that the code is defined with.

    CodeError when what is installed under its name is missing or is another network.
    """
    try:
        extractor = get_extractor(spec.extractor)
    except WeightsError as error:
        raise CodeError(f"{spec.name} cannot be made: {error}") from None
    installed = extractor.source(spec.kind)
    if installed != spec.source:
        raise CodeError(
            f"{spec.name} is made with {_short(spec.source)}, installed is {_short(installed)}: "
            "codes of the two cannot be compared, so use the release that enrolled"
        )
    return extractor


def require_source(fingerprint: Fingerprint, spec: CodeSpec) -> None:
    """CodeError for a fingerprint that another extractor made than the code's."""
    if fingerprint.source not in ("", spec.source):
        raise CodeError(
            f"this fingerprint was made with {_short(fingerprint.source)} and {spec.name} is made "
            f"with {_short(spec.source)}: give the photos instead"
        )


def _short(source: str) -> str:
    name, _, weights = source.partition(":")
    return f"the extractor {name}" + (f" (weights {weights[:16]}...)" if weights else "")


def require_frame(shape: tuple[int, int], spec: CodeSpec) -> None:
    """CodeError unless a (height, width) frame has enough features for the code."""
    if spec.feature_count(shape) < spec.length:
        raise CodeError(
            f"photos of {shape[1]}x{shape[0]} are too small for {spec.name}: it needs at least "
            f"{spec.length} blocks of {spec.step}x{spec.step} pixels, that is "
            f"{spec.length * spec.step**2 / 1e6:.1f} megapixels"
        )


def require_same_frame(probe: tuple[int, int], enrolled: tuple[int, int]) -> None:
    """CodeError unless the probe's (height, width) is the enrolled one."""
    if probe == enrolled:
        return
    sizes = f"these photos are {probe[1]}x{probe[0]}, the enrolled ones {enrolled[1]}x{enrolled[0]}"
    if probe == enrolled[::-1]:
        raise CodeError(f"{sizes}: they were rotated, give the files as they left the camera")
    raise CodeError(f"{sizes}: use the enrolled camera at the same, full size")


def features(fingerprint: Fingerprint, spec: CodeSpec) -> Features:
    """One number per block in row-major order, float32 (M,), M = spec.feature_count(shape).

    Raises CodeError for the wrong kind of photo, another extractor's fingerprint or too small a
    frame.
    """
    if fingerprint.kind != spec.kind:
        raise CodeError(f"{spec.name} is made from {spec.kind} photos, not {fingerprint.kind} ones")
    require_source(fingerprint, spec)
    require_frame(fingerprint.shape, spec)
    values = fingerprint.values
    if spec.band is None:
        return block_sums(values, spec.step).ravel()
    rows, columns = (length // spec.step * spec.step for length in values.shape)
    kept = band_pass(values, *spec.band)[: rows : spec.step, : columns : spec.step]
    return kept.ravel()


def block_sums(values: Plane, side: int) -> Plane:
    """Sums over side x side blocks from the top left; incomplete blocks are left out."""
    rows, columns = (length // side for length in values.shape)
    whole = values[: rows * side, : columns * side]
    sums: Plane = whole.reshape(rows, side, columns, side).sum(axis=(1, 3), dtype=np.float32)
    return sums


def band_pass(values: Plane, lowest: float, highest: float) -> Plane:
    """Only the frequencies with lowest <= |f| < highest in both directions, float32 (H, W)."""
    spectrum = scipy.fft.rfft2(values)
    rows = np.abs(np.fft.fftfreq(values.shape[0]))
    columns = np.fft.rfftfreq(values.shape[1])
    spectrum *= ((rows >= lowest) & (rows < highest))[:, None]
    spectrum *= ((columns >= lowest) & (columns < highest))[None, :]
    band: Plane = scipy.fft.irfft2(spectrum, s=values.shape)
    return band


def select_positions(features: Features, spec: CodeSpec) -> Positions:
    """Indices of the spec.length strongest features, uint32 (N,), ascending.

    Equal strengths go to the lower index. CodeError when there are too few features.
    """
    if features.size < spec.length:
        raise CodeError(f"{spec.name} needs {spec.length} features, there are {features.size}")
    strongest = np.argsort(-np.abs(features), kind="stable")[: spec.length]
    return np.sort(strongest).astype(np.uint32)


def encode(features: Features, positions: Positions, spec: CodeSpec, code_key: bytes) -> Code:
    """The code: int8 (N,) of +-1, keyed signs of the features at `positions`.

    A feature of exactly 0 counts as +1. Raises CodeError when positions or key do not fit.
    """
    _require_code(features, positions, spec, code_key)
    signs = np.where(features[positions] < 0, -1, 1).astype(np.int8)
    code: Code = _transformed(signs, spec, code_key)
    return code


def soft_code(
    features: Features, positions: Positions, spec: CodeSpec, code_key: bytes
) -> Features:
    """The code before it is reduced to signs: float32 (N,), keyed features at `positions`.

    Raises CodeError as `encode` does.
    """
    _require_code(features, positions, spec, code_key)
    soft: Features = _transformed(features[positions], spec, code_key)
    return soft


def _require_code(
    features: Features, positions: Positions, spec: CodeSpec, code_key: bytes
) -> None:
    if len(code_key) != CODE_KEY_BYTES:
        raise CodeError(f"the code key must be {CODE_KEY_BYTES} bytes, not {len(code_key)}")
    if positions.shape != (spec.length,):
        raise CodeError(f"{spec.name} needs {spec.length} positions, not {positions.size}")
    if int(positions.max()) >= features.size:
        raise CodeError("a position lies outside the frame: these photos have another size")


def _transformed(values: AnyArray, spec: CodeSpec, code_key: bytes) -> AnyArray:
    masked: AnyArray = values * keyed_mask(spec, code_key)
    return masked[keyed_order(spec, code_key)]


def keyed_mask(spec: CodeSpec, code_key: bytes) -> Code:
    """int8 (N,) of +-1 from the keystream for "mask"."""
    stream = _keystream(spec, code_key, b"mask", (spec.length + 7) // 8)
    bits = np.unpackbits(stream, bitorder="little")[: spec.length]
    return (1 - 2 * bits.astype(np.int8)).astype(np.int8)


def keyed_order(spec: CodeSpec, code_key: bytes) -> npt.NDArray[np.intp]:
    """A permutation of 0..N-1 from the keystream for "permutation"."""
    stream = _keystream(spec, code_key, b"permutation", 8 * spec.length)
    return np.argsort(stream.view("<u8"), kind="stable")


def _keystream(
    spec: CodeSpec, code_key: bytes, purpose: bytes, length: int
) -> npt.NDArray[np.uint8]:
    label = b"grainseal/code/v1/" + spec.name.encode("ascii") + b"/" + purpose
    stream_key = hmac.new(code_key, label, hashlib.sha256).digest()
    encryptor = Cipher(algorithms.AES(stream_key), modes.CTR(bytes(16))).encryptor()
    return np.frombuffer(encryptor.update(bytes(length)), np.uint8)
