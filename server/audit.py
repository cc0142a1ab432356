"""The audit trail: who did what and how it ended, one JSON object a line, no biometrics.

Never a score, an opened value, a ciphertext, a key, a ticket or a token: only names, identifiers
and outcomes.
"""

import json
import logging

AUDIT = logging.getLogger("grainseal.audit")


def record(event: str, **fields: str | int | bool) -> None:
    """Log one event with its identifiers and outcome."""
    AUDIT.info("%s", json.dumps({"event": event, **fields}, ensure_ascii=True))
