"""
What a tour is made of, and walking it: each step is sent to a server as a front end sends it.

A text of a step may name in braces what the front end holds by then: `{username}`, `{token}`.
"""

import base64
import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any, Literal
from urllib.parse import quote, quote_plus, urlencode, urlsplit

from lingpai.cli.printing import Trouble

Words = tuple[str, str]
"""A sentence in Chinese and English."""

Rows = tuple[tuple[str, str], ...]
"""What is worth a look, by name."""

Held = dict[str, str]
"""What the front end holds, by the name that steps know it by."""

Where = Literal["everywhere", "here", "there"]
"""In which house a step is walked: any, our own (which may be changed), somebody's (which must stay as it is)."""

ANSWER_SECONDS = 10
"""So long a server may take to answer."""

HEARD_SECONDS = 3
"""So long a server may take to hear of what an operator did; it promises two."""

FORM = "application/x-www-form-urlencoded"

TOLD_HEADERS = ("X-Lingpai-Reason", "Deprecation", "Sunset", "ETag", "Retry-After")
"""Headers of an answer that a reader of the tour wants to see."""


@dataclass(frozen=True, slots=True)
class Proof:
    """
    What a contract adds to a request to prove who sends it.

    Args:
        rows: How it was made: the text that is signed, its digest, and their like.
        secrets: Values in it that would let others send the same.

    """

    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    rows: Rows = ()
    secrets: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """
    One request, and what to look at in its answer.

    Args:
        body: Members of a form or of JSON, as the tour's house writes bodies.
        keeps: What the front end takes from the answer: its own name, and the members that lead there.
        apart: Which of what it holds is a JWT, and is taken apart.
        expects: The number that the answer must have; empty for a success.
        waits: It is true only a moment later, so it is asked again until the number is right.

    """

    title: Words
    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, Any] | None = None
    keeps: Mapping[str, str] = field(default_factory=dict)
    apart: tuple[str, ...] = ()
    expects: str = ""
    waits: bool = False
    where: Where = "everywhere"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    """Wait until a second that the front end was told."""

    title: Words
    until: str
    where: Where = "here"


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """An operator ends all sessions of the user."""

    title: Words
    where: Where = "here"


Step = Ask | Pause | End

Prove = Callable[[Ask, Held], Proof]


def nothing_more(_ask: Ask, _held: Held) -> Proof:
    """Return the proof of a contract whose requests carry nothing besides their headers and members."""
    return Proof()


@dataclass(frozen=True, slots=True, kw_only=True)
class Tour:
    """
    The tour of one contract.

    Args:
        number: The member of an answer that holds its number.
        success: That number when all went well.
        form: Bodies are forms, and no JSON.
        settings: Of the house that is made for the tour, in TOML.

    """

    number: str
    success: str
    steps: tuple[Step, ...]
    form: bool = False
    prove: Prove = nothing_more
    settings: str = ""


@dataclass(frozen=True, slots=True)
class Sent:
    """A request as it was sent."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: str


@dataclass(frozen=True, slots=True)
class Came:
    """An answer as it came; *headers* are those worth a look."""

    status: int
    headers: Mapping[str, str]
    body: str
    milliseconds: int


@dataclass(frozen=True, slots=True)
class Walked:
    """
    One step that was taken.

    Args:
        proof: How the request proves who sends it.
        apart: What the tokens of the answer hold.
        done: What was typed, or waited for, where nothing was sent.
        fits: It ended as the tour says.
        secrets: What must not be shown of somebody's house.
        had: What the front end held before, by name.

    """

    title: Words
    sent: Sent | None = None
    proof: Rows = ()
    came: Came | None = None
    apart: Rows = ()
    done: str = ""
    fits: bool = True
    secrets: tuple[str, ...] = ()
    had: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Walk:
    """
    Walks a tour against one server.

    Args:
        base_url: The server's.
        held: What the front end begins with.
        end: What the operator does to end the user's sessions; it returns what was typed.
        wait: Lets seconds pass.

    """

    contract: str
    tour: Tour
    base_url: str
    held: Held
    end: Callable[[], str] | None
    wait: Callable[[float], None] = time.sleep

    def __iter__(self) -> Iterator[Walked]:
        """Take one step after the other, until one does not end as the tour says."""
        here = "here" if self.end else "there"
        for step in self.tour.steps:
            if step.where in ("everywhere", here):
                walked = self._take(step)
                yield walked
                if not walked.fits:
                    return

    def _take(self, step: Step) -> Walked:
        if isinstance(step, Pause):
            seconds = max(0.0, float(self.held[step.until]) - time.time()) + 0.05
            self.wait(seconds)
            return Walked(step.title, done=f"{seconds:.1f} s")
        if isinstance(step, End):
            assert self.end is not None  # noqa: S101 - such a step stands in our own house alone
            return Walked(step.title, done=self.end())
        deadline = time.monotonic() + (HEARD_SECONDS if step.waits else 0)
        while True:
            walked = self._ask(step)
            if walked.fits or time.monotonic() >= deadline:
                return walked
            time.sleep(0.02)

    def _ask(self, ask: Ask) -> Walked:
        proof = self.tour.prove(ask, self.held)
        sent = _written(ask, proof, self.held, f"{self.base_url}/{self.contract}", form=self.tour.form)
        came = _answered(sent)
        members = _members(came.body)
        kept = {name: str(_at(members, path)) for name, path in ask.keeps.items() if _at(members, path) is not None}
        had = dict(self.held)
        self.held.update(kept)
        fits = str(_at(members, self.tour.number)) == (ask.expects or self.tour.success) and len(kept) == len(ask.keeps)
        apart = tuple(row for name in ask.apart if name in kept for row in taken_apart(name, kept[name]))
        return Walked(ask.title, sent, proof.rows, came, apart, "", fits, proof.secrets, had)


def filled(value: Any, held: Held) -> Any:
    """Return *value* with what it names in braces, however deep."""
    if isinstance(value, Mapping):
        return {name: filled(part, held) for name, part in value.items()}
    return value.format_map(held) if isinstance(value, str) else value


def taken_apart(name: str, token: str) -> Rows:
    """Return what a JWT says, without its signature."""
    parts = token.split(".")
    read = [json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))) for part in parts[:2]]
    head, claims = (json.dumps(part, ensure_ascii=False) for part in read)
    return (
        (f"{name}: header", head),
        (f"{name}: claims", claims),
        (f"{name}: HS256", "HMAC-SHA256(base64url(header) . base64url(claims))"),
    )


def masked(text: str, secrets: tuple[str, ...]) -> str:
    """Return *text* with each of *secrets* cut short, however it was written."""
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        short = secret[:3] + "…" if len(secret) > 12 else "…"  # noqa: PLR2004 - of a short one nothing is told
        for spelt in (secret, quote(secret, safe=""), quote_plus(secret), json.dumps(secret, ensure_ascii=False)[1:-1]):
            text = text.replace(spelt, short)
    return text


def _written(ask: Ask, proof: Proof, held: Held, base: str, *, form: bool) -> Sent:
    query = urlencode({**filled(ask.query, held), **proof.query})
    url = base + filled(ask.path, held) + (f"?{query}" if query else "")
    headers = {**filled(ask.headers, held), **proof.headers}
    if ask.body is None:
        return Sent(ask.method, url, headers, "")
    members = filled(ask.body, held)
    kind = FORM if form else "application/json"
    body = urlencode(members) if form else json.dumps(members, ensure_ascii=False)
    return Sent(ask.method, url, {"Content-Type": kind, **headers}, body)


def _answered(sent: Sent) -> Came:
    url = urlsplit(sent.url)
    kind = HTTPSConnection if url.scheme == "https" else HTTPConnection
    connection = kind(url.netloc, timeout=ANSWER_SECONDS)
    began = time.perf_counter()
    try:
        target = url.path + (f"?{url.query}" if url.query else "")
        connection.request(sent.method, target, sent.body.encode() or None, dict(sent.headers))
        answer = connection.getresponse()
        body = answer.read().decode(errors="replace")
    except (OSError, HTTPException, ValueError) as wrong:
        base = f"{url.scheme}://{url.netloc}"
        raise Trouble(f"{base} 没有应答：{wrong}。", f"{base} does not answer: {wrong}.") from None
    finally:
        connection.close()
    told = {name: value for name in TOLD_HEADERS if (value := answer.getheader(name))}
    return Came(answer.status, told, body, round((time.perf_counter() - began) * 1000))


def _members(body: str) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return {}


def _at(members: Any, path: str) -> Any:
    """Return the member that *path* leads to, its names parted by dots; None where there is none."""
    for name in path.split("."):
        if not isinstance(members, dict):
            return None
        members = members.get(name)
    return members
