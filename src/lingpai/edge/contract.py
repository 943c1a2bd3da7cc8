"""
What a house style is made of.

A contract is one frozen value: its parts, its code table, its routes. It refuses to
be built when these do not add up.
"""

import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Literal, Protocol

from lingpai.edge.call import Call, Request
from lingpai.edge.codes import Code, CodeTable
from lingpai.edge.describing import Asked
from lingpai.edge.envelopes import Envelope
from lingpai.edge.reading import Reader
from lingpai.edge.weak import check_judged, way, weak_forms
from lingpai.modules.module import BusinessCall, Offers
from lingpai.vocabulary.arguments import NOTHING, Asks
from lingpai.vocabulary.outcomes import End, Ending, Ends, Outcome, Reason
from lingpai.vocabulary.policies import Policy, WeakForm
from lingpai.vocabulary.values import Terms

ALWAYS: Ends = frozenset(
    {
        Outcome.OK,
        Outcome.UNREADABLE,
        Outcome.BODY_TOO_LARGE,
        Outcome.INTERNAL,
        Outcome.STORE_SILENT,
        Outcome.OVERLOADED,
    }
)
"""Endings that any call of any contract has."""

Side = Literal["account", "business"]
"""mowork's document gives accounts and business a host each; a host serves only its side."""


class Step:
    """
    One thing that happens to a call, in the order that its contract lists.

    A step fills in its part of the call, or raises `Refused` with one of its `ENDS`.
    """

    __slots__ = ()

    ENDS: ClassVar[Ends] = frozenset()
    KNOWS_CLIENT: ClassVar[bool] = False
    """After it the call has its client."""
    JUDGES: ClassVar[bool] = False
    """It judges by the client's policies what the call has used so far."""
    ACTS: ClassVar[bool] = False
    """It may change something, or tell something."""

    FILLS_ARGUMENTS: ClassVar[bool] = False
    """Whether the operation's arguments come from this step, and the request carries none."""

    def __call__(self, call: Call) -> None:
        """Do it."""
        raise NotImplementedError

    def on(self, route: "Route") -> Sequence["Step"]:
        """Return the steps that it stands for on *route*: itself."""
        return (self,)

    def asked(self) -> tuple[Asked, ...]:
        """Return what this step asks a request to carry."""
        return ()

    def carried(self) -> Mapping[Outcome, Callable[..., Any]]:
        """Return, for each of its endings whose answer carries something, the function that writes that."""
        return {}

    def headers(self) -> tuple[str, ...]:
        """Return the headers that this step gives to a success."""
        return ()

    def check_routes(self, routes: Sequence["Route"]) -> None:
        """
        Make sure that this step can tell *routes* apart.

        Raises:
            ValueError: When it cannot.

        """

    def check_elsewhere(self) -> None:
        """
        Make sure that a call which has passed this step may be answered by somebody else.

        Raises:
            ValueError: The answer has to hand out what only we can tell.

        """


class Verb(Protocol):
    """What a route can name: an operation's class, or a business call."""

    @property
    def ENDS(self) -> Ends: ...  # noqa: N802 - the name that every operation has
    @property
    def FROM_MEMORY(self) -> bool: ...  # noqa: N802 - see ENDS


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """
    One call that can be made.

    Args:
        methods: The HTTP methods that it answers.
        path: Inside the contract, as its router writes paths.
        operation: What answers it.
        asks: How the arguments become the operation's question.
        answer: Turns what the operation returned into the members of `data`.
        proofs: What the caller must prove: run where the contract's steps say `Proved`.
        message: What a success says here, in Chinese and English, instead of the table's sentence.
        side: Which of the document's two hosts serves it.

    """

    methods: tuple[str, ...]
    path: str
    operation: Any
    asks: Asks = NOTHING
    answer: Callable[[Any, Call], Any] = lambda result, _call: result
    proofs: tuple[Step, ...] = ()
    message: tuple[str, str] | None = None
    side: Side = "account"
    names: tuple[str, str] = field(init=False, repr=False, compare=False)
    """What a client's policies may call it: its path, and its name, such as `notice.add` or `account.sign_in`."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "names", (self.path, _name_of(self.operation)))

    def endings(self) -> set[End]:
        """Return every outcome that this route itself can bring about."""
        ends: set[End] = set(self.operation.ENDS)
        ends.update(*(proof.ENDS for proof in self.proofs))
        if self.asks.question is not None:
            ends |= Asks.ENDS
        return ends


def _name_of(operation: Any) -> str:
    """Return the module and name of a business call; an operation of our own has its class's name, in words."""
    if isinstance(operation, BusinessCall):
        return f"{operation.module}.{operation.name}"
    return "account." + re.sub("(?<=[a-z])(?=[A-Z])", "_", getattr(operation, "__name__", "")).lower()


class Router(Protocol):
    """How a request names its route."""

    def path(self, request: Request, query: Mapping[str, Any]) -> str:
        """Return the route's path; one that no route has where the request names none."""


@dataclass(frozen=True, slots=True)
class ByPath:
    """The path itself is the route's."""

    def path(self, request: Request, _query: Mapping[str, Any]) -> str:
        return request.path


@dataclass(frozen=True, slots=True, kw_only=True)
class Business:
    """
    How a contract serves business calls.

    Args:
        path: The route's path, with `{module}` and `{call}` in it.
        signed_in: What the caller of a call that is not public must prove.
        public: What the caller of a public one must prove.
        reading: Methods of a call that changes nothing.
        writing: Methods of one that does.
        number: Of an ending that a module adds without one; None where each must have its own.
        body: Media types of bodies in which a proof may travel; empty where all of them travel elsewhere.

    """

    path: str
    signed_in: tuple[Step, ...]
    public: tuple[Step, ...] = ()
    reading: tuple[str, ...] = ("GET", "POST")
    writing: tuple[str, ...] = ("POST",)
    number: int | str | None = None
    body: tuple[str, ...] = ()

    def route(self, call: BusinessCall) -> Route:
        """Return the route that serves *call*."""
        return Route(
            methods=self.reading if call.reads else self.writing,
            path=self.path.format(module=call.module, call=call.name),
            operation=call,
            asks=call.asks,
            proofs=self.public if call.public else self.signed_in,
            side="business",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract:
    """
    A house style, ready to be served.

    Args:
        name: One plain word: the prefix of its paths, its transcript, its page.
        modules: What modules offer: calls, and the rows of their own endings.
        codes: The spelling of every other ending.
        steps: What happens to a call once it has been read, in its document's order.
        request_headers: Headers beyond `Content-Type` and `Authorization` that a page may send.
        untold: Reasons that this house tells as unknown.
        speaks_reason: The message of "sign in again" says why, in words.
        unspoken: Reasons that the sentence of "sign in again" says already.
        origins: Pages of these origins may call; `*` for all, `loopback` for any port of this machine.
        client_types: Client types that a caller can name, each with a built-in client;
            empty where clients prove who they are.
        keys: The working keys that its tokens need: purpose, and size in bytes.
        weak: What holds of its weak forms where nothing was said about the client.

    Raises:
        ValueError: The code table is not exactly what the parts can reach, two routes
            collide, a step cannot tell the routes apart, or a call would act before the client's policies are judged.

    """

    name: str
    terms: Terms
    reader: Reader
    router: Router = field(default_factory=ByPath)
    steps: tuple[Step, ...]
    routes: tuple[Route, ...]
    business: Business
    modules: Offers = ()
    codes: CodeTable
    envelope: Envelope
    request_headers: tuple[str, ...] = ()
    untold: frozenset[Reason] = frozenset()
    speaks_reason: bool = True
    unspoken: frozenset[Reason] = frozenset()
    origins: tuple[str, ...] = ("loopback",)
    client_types: tuple[str, ...] = ()
    keys: Mapping[str, int] = field(default_factory=dict)
    weak: Mapping[str, Policy] = field(default_factory=dict)
    table: Mapping[str, Mapping[str, Route]] = field(init=False, repr=False)
    spelling: Mapping[End, Code] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        calls = [call for offer in self.modules for call in offer.calls]
        routes = (*self.routes, *map(self.business.route, calls))
        table: dict[str, dict[str, Route]] = {}
        for route in routes:
            for method in route.methods:
                if table.setdefault(route.path, {}).setdefault(method, route) is not route:
                    raise ValueError(f"{self.name}: two routes answer {method} {route.path}")
        object.__setattr__(self, "table", table)
        for step in self.steps:
            step.check_routes(routes)
        for route in routes:
            try:
                check_judged(self.steps, route)
            except ValueError as wrong:
                raise ValueError(f"{self.name}: {wrong}") from None
        object.__setattr__(self, "spelling", self._spelling())
        spelt, reachable = set(self.spelling), self.endings()
        if spelt != reachable:
            missing = ", ".join(sorted(end.name for end in reachable - spelt)) or "none"
            dead = ", ".join(sorted(end.name for end in spelt - reachable)) or "none"
            raise ValueError(f"{self.name}: outcomes without a row: {missing}; rows without a use: {dead}")

    def _spelling(self) -> Mapping[End, Code]:
        spelling = {end: self.codes[end] for end in self.codes}
        for offer in self.modules:
            rows = CodeTable(*offer.codes, number=self.business.number)
            for end in rows:
                if not isinstance(end, Ending) or spelling.setdefault(end, rows[end]) is not rows[end]:
                    raise ValueError(f"{self.name}: {end.name} is not for the module {offer.module} to spell")
        return spelling

    def rows(self, request: Request, query: Mapping[str, Any]) -> Mapping[str, Route]:
        """Return the routes that *request* can mean, by method: empty where its path, or its host's side, has none."""
        rows = self.table.get(self.router.path(request, query), {})
        if request.side:
            return {method: route for method, route in rows.items() if route.side == request.side}
        return rows

    def all_routes(self) -> tuple[Route, ...]:
        """Return the contract's own routes and those of the modules."""
        return tuple({id(route): route for rows in self.table.values() for route in rows.values()}.values())

    def weak_forms(self) -> frozenset[WeakForm]:
        """Return every weak form that a caller of this contract can use."""
        ways = tuple(step for route in self.all_routes() for step in way(self.steps, route))
        return weak_forms(ways) | {WeakForm.PLAIN_HTTP}

    def endings(self) -> set[End]:
        """Return every outcome that a caller of this contract can meet."""
        ends: set[End] = set(ALWAYS)
        ends.update(*(step.ENDS for step in self.steps))
        ends.update(*(route.endings() for route in self.all_routes()))
        return ends


@dataclass(frozen=True, slots=True)
class Declaration:
    """
    A house style as its file declares it.

    Args:
        settings: Its settings, a `ContractSettings` with a default for every one.
        build: Makes the contract from settings and modules.
        chinese: What it is, in a line of Chinese, for its pages; in English that is the docstring of its file.

    """

    name: str
    settings: type[Any]
    build: Callable[[Any, Offers], Contract]
    chinese: str = ""

    @property
    def file(self) -> Path:
        """The file that declares it; its transcript lies beside it."""
        return Path(inspect.getfile(self.build))

    def about(self, language: str) -> str:
        """Return what its file says of it: in Chinese the line that it declares, else its docstring."""
        told = inspect.cleandoc(getattr(self.build, "__globals__", {}).get("__doc__") or "")
        return self.chinese if language == "zh" and self.chinese else told
