"""
Proofs without keys: what a node has verified once, remembered by a guard that could not verify it.

A guard has no signing keys, no pepper and no client's secret. Parts of a contract that need one are replaced: they
believe exactly what a node proved for the same bytes, until the change feed speaks of keys or of that client.
"""

import dataclasses
import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from lingpai.edge.call import Call, Members
from lingpai.edge.checks.api_token import ApiTokenRight
from lingpai.edge.checks.basic_client import BasicClient
from lingpai.edge.contract import Step
from lingpai.edge.schemes.signed_user import SignedUser
from lingpai.edge.schemes.token_pair import PairToken
from lingpai.principals.keys import hmac_sha256
from lingpai.principals.remembered import Remembered, Ticks
from lingpai.vocabulary.events import FeedEntry
from lingpai.vocabulary.outcomes import Ends, NotRemembered, Outcome, Refused
from lingpai.vocabulary.policies import WeakForm
from lingpai.vocabulary.values import Standing

MOST = 200_000
"""So many proofs are kept; the oldest go first."""

CLIENT_SECONDS = 60
"""For so long a client's proof is believed: what it covers may name the day, or a secret that is about to end."""


@dataclass(frozen=True, slots=True)
class Client:
    """That bytes prove a client, by weak forms or none; *until* that moment of our clock that never goes back."""

    id: str
    weak: tuple[WeakForm, ...]
    until: float


class Proofs:
    """
    What was proved, by a digest of the bytes that prove it. All methods may be called from any thread.

    Stands where steps look for the keyring: it digests tokens under a key of its own, which nobody else knows.
    """

    def __init__(self, remembered: Remembered, ticks: Ticks, key: bytes) -> None:
        self._remembered = remembered
        self.ticks = ticks
        self._key = key
        self._lock = threading.Lock()
        self._known: OrderedDict[bytes, Any] = OrderedDict()

    def digest(self, *parts: str) -> bytes:
        """Return the digest of *parts*, which no other parts have."""
        return hmac_sha256(self._key, "\0".join(map(repr, parts)).encode("utf-8", "surrogatepass"))

    def find(self, digest: bytes) -> Any:
        """Return what was proved, or raise `NotRemembered`."""
        found = self._known.get(digest)
        if found is None:
            raise NotRemembered
        return found

    def keep(self, digest: bytes, proved: Any, mark: int) -> None:
        """Remember what was *proved*, unless the feed has moved since *mark*."""
        with self._lock:
            if mark == self._remembered.mark():
                self._known[digest] = proved
                while len(self._known) > MOST:
                    self._known.popitem(last=False)

    def hear(self, entries: Sequence[FeedEntry]) -> None:
        """Forget what *entries* may have made untrue; told after memory has moved and before it is trusted again."""
        with self._lock:
            for entry in entries:
                if entry.subject in ("keys", "everything"):
                    self._known.clear()
                elif entry.subject == "client":
                    gone = [key for key, value in self._known.items() if _is_of(value, entry.subject_id)]
                    for key in gone:
                        del self._known[key]

    # As steps ask a keyring.

    def accepted(self, _purpose: str) -> tuple[()]:
        """Return no key: there is none here."""
        return ()

    def has_others(self, _purpose: str, _tried: object) -> bool:
        """Return that there are no others either."""
        return False

    def digests(self, token: str) -> list[bytes]:
        """Return the one digest that *token* has here."""
        return [self.digest(token)]


class Learning(Proofs):
    """The same, while a call that a node has let in is gone through again: every proof of it is believed, and kept."""

    def __init__(self, known: Proofs, claims: Mapping[str, Any], client: Client, mark: int) -> None:
        self.ticks = known.ticks
        self._known_by = known
        self._claims = claims
        self._client = client
        self._mark = mark

    def digest(self, *parts: str) -> bytes:
        return self._known_by.digest(*parts)

    def find(self, digest: bytes) -> Any:
        raise NotRemembered

    def learn(self, digest: bytes, kind: type) -> Any:
        """Keep and return what the node has proved, of that *kind*; `NotRemembered` where it proved none."""
        proved: Any = self._client if kind is Client else self._claims
        if not proved:
            raise NotRemembered
        self._known_by.keep(digest, proved, self._mark)
        return proved


def _find(call: Call, kind: type, *parts: str) -> Any:
    proofs: Any = call.desk.keys
    digest = proofs.digest(kind.__name__, *parts)
    return proofs.learn(digest, kind) if isinstance(proofs, Learning) else proofs.find(digest)


def _is_of(proved: Any, client_id: str) -> bool:
    return isinstance(proved, Client) and proved.id == client_id


@dataclass(frozen=True, slots=True)
class ProvedToken:
    """A scheme of signed tokens: a token is good if these very bytes were proved good."""

    scheme: Any

    def read(self, token: str, call: Call) -> Members:
        return dict(_find(call, dict, call.contract.name, repr(self.scheme), token))

    def find(self, call: Call) -> Standing | None:
        found: Standing | None = self.scheme.find(call)
        return found


@dataclass(frozen=True, slots=True)
class ProvedClient(Step):
    """The client is one that was proved by the same words, for the same call."""

    KNOWS_CLIENT: ClassVar[bool] = True
    ENDS: ClassVar[Ends] = frozenset({Outcome.CLIENT_REFUSED})

    step: Any

    def __call__(self, call: Call) -> None:
        query, arguments = call.query, call.arguments
        said = [query.get(name, "") for name in ("mod", "ctl", "act", "client_id", "api_token", "timestamp")]
        header = call.request.credential_header("authorization") or ""
        named = str(arguments.get("client_id", ""))
        proved = _find(call, Client, call.contract.name, call.request.path, header, named, *map(str, said))
        proofs: Any = call.desk.keys
        if proofs.ticks() >= proved.until:
            raise NotRemembered
        client = call.desk.clients.by_id(proved.id)
        if client is None or not client.enabled or not client.speaks(call.contract.name, call.now):
            raise Refused(Outcome.CLIENT_REFUSED, "the client is disabled, or does not speak this contract")
        call.client = client
        for form in proved.weak:
            call.uses(form)


def without_keys(part: Any) -> Any:
    """Return *part* of a contract with whatever needs a key replaced by what believes a node."""
    if isinstance(part, BasicClient | ApiTokenRight):
        return ProvedClient(part)
    if isinstance(part, PairToken | SignedUser):
        return ProvedToken(part)
    if isinstance(part, tuple):
        return tuple(map(without_keys, part))
    if not dataclasses.is_dataclass(part) or isinstance(part, type):
        return part
    fields = {field.name: getattr(part, field.name) for field in dataclasses.fields(part) if field.init}
    changed = {name: without_keys(value) for name, value in fields.items()}
    if all(changed[name] is value or changed[name] == value for name, value in fields.items()):
        return part
    return dataclasses.replace(part, **changed)
