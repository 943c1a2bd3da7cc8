"""
Judging a call that somebody else will serve: a service behind a proxy or a guard.

The contract's own steps run up to the point where it would perform an operation. What they
want of a signed-in business call, the call must prove; what was not seen is not proved.
"""

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import takewhile
from typing import Any, ClassVar

import msgspec

from lingpai.edge.call import Call, Request
from lingpai.edge.contract import Contract, Route, Step
from lingpai.edge.desk import Desk
from lingpai.edge.logbook import named
from lingpai.edge.pipeline import Answer, begun, told, used_by
from lingpai.edge.steps import Performed, Proved, Routed
from lingpai.edge.weak import check_judged
from lingpai.vocabulary.outcomes import Ends, Outcome, Refused
from lingpai.vocabulary.policies import Used
from lingpai.vocabulary.settings import ForwardSettings
from lingpai.vocabulary.values import Caller, Sighting

LOG = logging.getLogger(__name__)


MOST_ROUTES = 1024
"""So many paths are known as routes at once; whoever asks for more makes them anew."""


class Elsewhere:
    """Stands for the operation of a route that somebody else serves."""

    ENDS: ClassVar[Ends] = frozenset({Outcome.NOT_ALLOWED})
    FROM_MEMORY: ClassVar[bool] = True


class Anywhere(Step):
    """
    Any path and method is a route: a public one below one of *public*, else one that wants a user.

    Paths are those that the contract's router names, so that one call has one path however it was addressed.

    Args:
        signed_in: What the caller of a path that is not public must prove.
        for_anyone: What the caller of a public one must prove.

    """

    __slots__ = ("_route_of",)
    ENDS: ClassVar[Ends] = frozenset({Outcome.NO_SUCH_CALL})

    def __init__(self, signed_in: tuple[Step, ...], for_anyone: tuple[Step, ...], public: tuple[str, ...]) -> None:
        def route_of(path: str) -> Route:
            is_public = any(path == one or path.startswith(one.rstrip("/") + "/") for one in public)
            return _route(path, for_anyone if is_public else signed_in)

        self._route_of = lru_cache(maxsize=MOST_ROUTES)(route_of)

    def __call__(self, call: Call) -> None:
        path = call.contract.router.path(call.request, call.query)
        if not path:
            raise Refused(Outcome.NO_SUCH_CALL, "the request names no call of this contract")
        call.route = self._route_of(path)


def _route(path: str, proofs: tuple[Step, ...]) -> Route:
    return Route(methods=(), path=path, operation=Elsewhere, proofs=proofs, side="business")


class Verdict(msgspec.Struct, frozen=True):
    """
    What became of a call.

    Args:
        caller: Who calls; None for a public call, and where nobody has proved to be anybody.
        refusal: In the contract's words, for whoever called; None where the call may be served.
        sighting: To be written down, if this is the run that counts.
        used: The same, of weak forms.

    """

    call: Call
    caller: Caller | None
    refusal: Answer | None
    sighting: Sighting | None
    used: Used | None


def _as_it_is(part: Any) -> Any:
    return part


@dataclass(frozen=True, slots=True)
class Entrance:
    """
    How one contract's callers come in to one service.

    Args:
        change: Puts another part in the place of a step, or of one inside it: for a guard that has no keys.

    Raises:
        ValueError: The contract's calls cannot be served by somebody else.

    """

    service: str
    contract: Contract
    settings: ForwardSettings
    change: Callable[[Any], Any] = _as_it_is
    steps: tuple[Step, ...] = field(init=False, repr=False)
    signed_in: tuple[Step, ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        business = self.contract.business
        signed_in = self.change(business.signed_in)
        anywhere = Anywhere(signed_in, self.change(business.public), self.settings.public)
        steps = tuple(self.change(step) for step in _before_performing(self.contract, anywhere))
        if not any(isinstance(step, Proved) for step in steps) or not signed_in:
            raise ValueError(f"{self.contract.name} asks no proofs of a business call")
        for step in (*steps, *business.signed_in):
            step.check_elsewhere()
        for proofs in (business.signed_in, business.public):
            check_judged(steps, _route("/", proofs))
        for outcome in (Outcome.NOT_ALLOWED, Outcome.NO_SUCH_CALL, Outcome.CREDENTIALS_MISSING):
            if outcome not in self.contract.spelling:
                raise ValueError(f"{self.contract.name} has no row for {outcome.name}")
        object.__setattr__(self, "steps", steps)
        object.__setattr__(self, "signed_in", signed_in)

    def judge(self, request: Request, desk: Desk) -> Verdict:
        """
        Return whether *request* may be served, and who makes it.

        Raises:
            NotRemembered: As `pipeline.serve`.

        """
        call = begun(self.contract, request, desk)
        try:
            try:
                self.contract.reader(call)
                for step in self.steps:
                    step(call)
                self._check_rules(call)
            except Refused as refusal:
                return Verdict(call, call.caller, told(call, refusal), call.sighting, used_by(call))
        except Exception:
            LOG.exception("%s: judging a request for %s failed", self.contract.name, self, extra=named(request))
            return Verdict(call, None, told(call, Refused(Outcome.INTERNAL)), None, None)
        return Verdict(call, call.caller, None, call.sighting, used_by(call))

    def refuse(self, request: Request, desk: Desk, refusal: Refused) -> Verdict:
        """Return *refusal* for a request that is not even judged."""
        call = begun(self.contract, request, desk)
        return Verdict(call, None, told(call, refusal), None, None)

    def inside(self, path: str) -> str:
        """
        Return *path* as the contract reads it.

        Raises:
            Refused: With NO_SUCH_CALL, where it lies outside the service's prefix.

        """
        prefix = self.settings.prefix
        if path == prefix or not path.startswith(prefix + "/"):
            raise Refused(Outcome.NO_SUCH_CALL, f"outside {prefix}/")
        return path[len(prefix) :]

    def __str__(self) -> str:
        return self.service

    def _check_rules(self, call: Call) -> None:
        caller, route = call.caller, call.route
        assert route is not None  # noqa: S101 - `Proved` wants one, and has passed
        if route.proofs is not self.signed_in:
            return
        if caller is None:
            raise Refused(Outcome.CREDENTIALS_MISSING, "no step has found a user")
        settings = self.settings
        if settings.role and caller.user.role != settings.role:
            raise Refused(Outcome.NOT_ALLOWED, f"{self.service} wants the role {settings.role}")
        if settings.scope and settings.scope not in caller.client.scope.split():
            raise Refused(Outcome.NOT_ALLOWED, f"{self.service} wants the scope {settings.scope}")
        if settings.company is not None and not _is_of(caller, settings.company):
            raise Refused(Outcome.NOT_ALLOWED, f"{self.service} is for company {settings.company}")


def _before_performing(contract: Contract, anywhere: Anywhere) -> Iterator[Step]:
    for step in takewhile(lambda step: not isinstance(step, Performed), contract.steps):
        yield anywhere if isinstance(step, Routed) else step


def _is_of(caller: Caller, company: int) -> bool:
    if caller.company_id is not None:
        return caller.company_id == company
    return not caller.terms.company_chosen and caller.standing.membership(company) is not None
