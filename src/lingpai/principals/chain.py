"""
The chain over the audit trail: what a link is made of.

Each link is an HMAC under a working key, over the link before it and the row that it names. So whoever has
the database alone can neither change a row nor make the chain fit again.
"""

import json

from lingpai.principals.keys import hmac_sha256
from lingpai.vocabulary.events import AuditRow

AUDIT = "audit"
"""The working key that the links are made with."""

BEGINNING = bytes(32)
"""What stands before the first link."""


def canonical(position: int, row: AuditRow) -> bytes:
    """Return *row* at *position* as the one text that means it: a JSON array in a fixed order, names sorted."""
    parts = [position, row.number, row.at, row.kind, row.subject, row.subject_id, row.actor, row.detail]
    return json.dumps(parts, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def link(key: bytes, before: bytes, position: int, row: AuditRow) -> bytes:
    """Return the hash of *row* at *position*, after the link whose hash is *before*."""
    return hmac_sha256(key, before + canonical(position, row))
