"""Encrypted comparison of codes, transcripts, decision tokens and the transparency log.

In the order in which data flows: `profiles` (what both sides agree on) → `opening` (the device
encrypts a code) → `masking` (the server multiplies and masks) → `opening` (the device opens the
masked sums) → `masking` (the score) → `decision` (is it a match) → `tokens` (say so, signed).
Beside them `transcript` and `signing` bind every message, `sampling` gives secret randomness,
`seal` is the only way to Microsoft SEAL and `streams` how numbers get in and out of it. README.md
has the analysis.

The transparency log, from its leaves upwards: `entries` (what is logged) → `leaves` (commitments)
→ `merkle` (the tree) → `checkpoint` (its signed state) → `receipts` (one entry's proof),
`monitoring` (the log's honesty over time).

`proof` are zero-knowledge proofs about a committed claim code, `claim_proof` the file of one.
Keys from cameras: `polar` (the code) → `sketch` (a noisy code corrected) → `helper_data` (what is
kept) → `fuzzy_extractor` (the key) → `sealed_file` (what it is for).
"""
