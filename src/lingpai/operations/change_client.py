"""Change what was said of a client when it was registered."""

from dataclasses import dataclass, fields, replace
from typing import Any, ClassVar

from lingpai.stores.interfaces import Stores
from lingpai.vocabulary.arguments import Wrong
from lingpai.vocabulary.events import Event
from lingpai.vocabulary.outcomes import Ends, Outcome, Refused
from lingpai.vocabulary.values import Client

ONE_OF = {"language": ("", "zh", "en"), "refresh_reuse": ("revoke", "refuse", "allow")}
"""What these may be."""

_BLANK: Wrong = ("不能为空", "must not be empty")


@dataclass(frozen=True, slots=True)
class ClientChanges:
    """What is to be different; None leaves it as it is. The members are those of `Client`."""

    name: str | None = None
    contracts: frozenset[str] | None = None
    scope: str | None = None
    desktop: bool | None = None
    language: str | None = None
    refresh_reuse: str | None = None


@dataclass(frozen=True, slots=True)
class Changing:
    """Which client, and what of it."""

    client_id: str
    changes: ClientChanges


@dataclass(frozen=True, slots=True)
class ChangeClient:
    """Change a client. Its sessions stay; what they may do is what the client may do now."""

    ENDS: ClassVar[Ends] = frozenset({Outcome.ARGUMENT_BAD, Outcome.NOTHING_THERE})
    FROM_MEMORY: ClassVar[bool] = False

    stores: Stores

    def __call__(self, operator: str, asked: Changing) -> Client:
        """
        Return the client as it is now.

        Raises:
            Refused: With ARGUMENT_BAD for an empty name, no contract, or a word that is none of those known; with
                NOTHING_THERE when there is no such client.

        """
        changed = _checked(asked.changes)
        detail = {name: " ".join(sorted(to)) if isinstance(to, frozenset) else str(to) for name, to in changed.items()}
        with self.stores.change(Event("client:changed", "client", asked.client_id, operator, detail)) as change:
            client = change.clients.lock(asked.client_id)
            if client is None:
                raise Refused(Outcome.NOTHING_THERE, f"no client {asked.client_id}")
            kept = replace(client, **changed)
            change.clients.save(kept)
        return kept


def _checked(changes: ClientChanges) -> dict[str, Any]:
    said = {field.name: getattr(changes, field.name) for field in fields(changes)}
    changed = {name: to for name, to in said.items() if to is not None}
    bad: dict[str, Wrong] = {name: _BLANK for name in ("name", "contracts") if name in changed and not changed[name]}
    for name, words in ONE_OF.items():
        if name in changed and changed[name] not in words:
            there = ", ".join(word for word in words if word)
            bad[name] = (f"应为其中之一:{there}", f"must be one of {there}")
    if bad:
        raise Refused(Outcome.ARGUMENT_BAD, "bad: " + ", ".join(bad), fields=bad)
    return changed
