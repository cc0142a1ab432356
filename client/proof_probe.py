"""What prover and verifier of a claim proof both compute of a photo, in one place.

The probe of the photo, placed as the statement says, at the enrolment's public positions; and the
scores with it that are a match for a claimant who chose that placement.
"""

import math

import numpy as np

from grainseal.crypto.claim_proof_statement import ProofPlacement
from grainseal.crypto.proof.window import ScoreWindow, window_of
from grainseal.models.alignment import Placement, copy_features
from grainseal.models.claim_code import ClaimSpec, positions_from
from grainseal.models.claim_placement import (
    ORIGIN_DIGITS,
    SCALE_DIGITS,
    high_quarters,
    low_quarters,
    tries,
)
from grainseal.models.claims import Probe, claim_probe
from grainseal.models.codes import CodeError, Positions
from grainseal.models.photo import MAX_PIXELS, Photo

Frame = tuple[int, int]


def enrolled_positions(bitmap: bytes, frame: Frame, spec: ClaimSpec) -> Positions:
    """The positions of a bitmap, in map order; CodeError unless it is one that meets the quotas."""
    if math.prod(frame) > MAX_PIXELS:
        raise CodeError(f"a frame has at most {MAX_PIXELS} pixels")
    features = spec.feature_count(frame)
    bits = np.unpackbits(np.frombuffer(bitmap, np.uint8)).view(np.bool_)
    if len(bitmap) != -(-features // 8) or bits[features:].any():
        raise CodeError(f"the positions on this frame are {features} bits, filled up with zeros")
    return positions_from(bits[:features], frame, spec)


def probe_of(
    photo: Photo,
    placement: Placement,
    positions: Positions,
    frame: Frame,
    spec: ClaimSpec,
    seed: bytes,
) -> Probe:
    """int8 (N,) of a photo that lies so on the frame; CodeError or PhotoError if it has none."""
    return claim_probe(copy_features(photo, placement, frame, spec), positions, spec, seed)


def require_place(placement: Placement, photo: Frame, frame: Frame) -> None:
    """AlignmentError for a place that no photo of that (height, width) has on the frame."""
    tries(placement, photo, frame)


def accepted_window(
    probe: Probe, placement: Placement, photo: Frame, frame: Frame, spec: ClaimSpec
) -> ScoreWindow:
    """The scores that are a match; AlignmentError for a place that no photo of that size has."""
    low = low_quarters(spec, tries(placement, photo, frame))
    squares = int(np.square(probe, dtype=np.int64).sum())
    return window_of(low, high_quarters(spec), squares)


def said_placement(placement: Placement) -> ProofPlacement:
    """A pinned placement as a statement says it."""
    rows, columns = (f"{each:.{SCALE_DIGITS}f}" for each in placement.scale)
    top, left = (f"{each:.{ORIGIN_DIGITS}f}" for each in placement.origin)
    return ProofPlacement((rows, columns), (top, left), placement.turns, placement.mirrored)


def placement_said(said: ProofPlacement) -> Placement:
    """Inverse of `said_placement`."""
    rows, columns = map(float, said.scale)
    top, left = map(float, said.origin)
    return Placement((rows, columns), (top, left), said.turns, said.mirrored)
