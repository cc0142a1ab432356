"""Zero-knowledge proof that a committed code matches a public photo's probe.

In the order in which data flows: `commitment` (the device commits to its code) → `signs_proof` (it
has ±1 everywhere; made once) → `score_proof` (its inner product with a public probe lies in a
window; made for each claim). Both are one argument, `linear` (committed blocks satisfy one linear
equation, all blocks folded into one), on top of `inner_product` (that one, in logarithmic size).
`signs_relation` turns "everywhere ±1" into linear equations, `window` a range. A verifier gets an
`equation` from each proof and settles any number of them at once. Below: `field`, `curve`,
`generators`, `fiat_shamir`, `wire`.

docs/PROTOCOL.md, "Zero-knowledge claim proof", has the bytes; README.md the security argument.
"""

import sys

if sys.version_info < (3, 11):  # the oldest that py_arkworks_bls12381 has hash-to-curve for
    raise ImportError("zero-knowledge claim proofs need Python 3.11 or later")
