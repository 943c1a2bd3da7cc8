"""What happened, as a plain value: each makes one audit row and, where memories must hear of it, feed entries."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Subject = Literal["session", "user", "company", "client", "secret", "contract", "keys", "module", "everything"]
"""
What the change feed speaks about. `everything` empties a memory; nobody remembers anything of a `module`.

`secret` is that of a client, whose sessions need not be read again; `contract` is all sessions of one;
`keys` are those for one purpose, or for all where no id is given.
"""


@dataclass(frozen=True, slots=True)
class Event:
    """
    One state change.

    Args:
        kind: `subject:past-participle`, such as `session:ended`.
        subject: What changed; with *subject_id* it tells the change feed what to forget.
        subject_id: Its id as text.
        actor: Who did it: `user:12`, `operator`, `client:1234567890`, `system`.
        detail: More for the audit row. Never a secret.
        told: Whether workers must forget what they remember of it. Only what nobody
            can have remembered (a session just opened) is not told.

    """

    kind: str
    subject: Subject
    subject_id: str
    actor: str = "system"
    detail: Mapping[str, str | int | None] = field(default_factory=dict)
    told: bool = True


class Unchanged(Exception):
    """
    What a change was to do turned out to be done already.

    Raised inside the change and suppressed around it, it undoes the change, so that no audit row tells of nothing.
    """


@dataclass(frozen=True, slots=True)
class FeedEntry:
    """One line of the change feed: forget what you remember of this."""

    number: int
    subject: Subject
    subject_id: str


@dataclass(frozen=True, slots=True)
class AuditRow:
    """One state change as it was recorded; *at* is in milliseconds."""

    number: int
    at: int
    kind: str
    subject: str
    subject_id: str
    actor: str
    detail: Mapping[str, str | int | None]


@dataclass(frozen=True, slots=True)
class Seal:
    """
    One link of the chain over the audit trail.

    Args:
        position: From 1, without a gap: the order of sealing.
        number: The audit row's.
        key_id: The working key under which *hash* was made.
        hash: Over the previous link's hash, the position and the row.

    """

    position: int
    number: int
    key_id: int
    hash: bytes


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which audit rows are looked for; what is empty is not asked. *since* is in milliseconds."""

    subject: str = ""
    subject_id: str = ""
    actor: str = ""
    kind: str = ""
    since: int = 0
