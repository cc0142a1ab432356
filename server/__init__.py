"""The service: sessions, checks and decisions over a store, homomorphic work in worker processes.

In the order in which a call meets them: `rpc` (transport, the only place with grpc besides `app`'s
use of it) → `enrollment`, `authentication`, `requests`, `relying_parties`, `log` (one ceremony
each, its checks numbered as in docs/PROTOCOL.md) → `session`, `idempotency`, `attempts` (the rules
that they share) → `store` (all SQL) and `workers` (all homomorphic work). `app` puts them together.
"""
