"""
The way of a call: what it shows is renewed, written into it, and kept anew when the answer brings more.

One generator yields the requests. httpx2 sends them, at once or awaited; tests answer them by hand.
"""

import time
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Callable, Generator, Mapping
from email.utils import parsedate_to_datetime
from enum import Enum
from typing import Any, ClassVar, Generic, TypeVar

import httpx2

from lingpai_client.calls import PUBLIC, RENEWAL, Call, Heard, Written, foreign
from lingpai_client.clock import ServerClock
from lingpai_client.errors import LingpaiError, SignInAgain
from lingpai_client.logs import keep_secrets_out
from lingpai_client.outcomes import Outcome, Reason
from lingpai_client.session import Session, Tokens
from lingpai_client.spelling import under
from lingpai_client.storage import MemoryStorage, Storage
from lingpai_client.turns import Turns

T = TypeVar("T", bound=Tokens)

TRIES = 3


class Turn(Enum):
    """What the generator yields besides requests."""

    TAKE = "take"
    LEAVE = "leave"


Steps = Generator[httpx2.Request | Turn, Any, None]
"""Yields requests, to which it is sent the answers, and turns: to `TAKE` it is sent whether the turn is its own."""

keep_secrets_out()


class ContractAuth(httpx2.Auth, ABC, Generic[T]):
    """
    Proves each request as a contract's document says, and learns from each answer.

    A sign-in that is sent through it is remembered; so is what renews the tokens, what the server's clock says, and
    that the session is over. Answers are handed on as they came: `read` makes data of them, or an error. Requests to
    anywhere but *base_url* are left alone, so that no other server hears a secret. One `Auth` is one user; it may
    be shared by threads, and by the tasks of a loop.

    Args:
        base_url: Where the contract is served, `https://accounts.example.com/oppmg`.
        storage: Where the session is kept; in memory when missing.
        clock: This machine's, in seconds. What the server says of the time puts it right.

    """

    name: ClassVar[str]
    GETS: ClassVar[frozenset[str]] = frozenset({"list"})
    """Business calls that are made with GET unless the caller says otherwise."""

    calls: Mapping[str, Call]
    """The account side."""
    one_at_a_time = False
    """What a call shows may be used by one call at a time."""
    renewal_needed = False
    """Without a renewal there is nothing to show; otherwise the server has the last word on what is old."""

    requires_request_body = True
    requires_response_body = True

    def __init__(
        self, base_url: str, *, storage: Storage | None = None, clock: Callable[[], float] = time.time
    ) -> None:
        self.base_url = base_url.rstrip("/")
        self.session = Session(storage or MemoryStorage(), self.kept)
        self.clock = ServerClock(clock)
        self._turns = Turns()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.base_url!r})"

    # What a contract says of itself.

    @abstractmethod
    def kept(self, members: Mapping[str, Any]) -> T | None:
        """Return the tokens that *members* are, as a storage kept them; None where they are none."""

    @abstractmethod
    def business(self, module: str, name: str) -> str:
        """Return the path of the business call *name* of *module*."""

    @abstractmethod
    def write(self, call: Call, args: Mapping[str, Any] | None) -> Written:
        """Return *call* with *args*, if it has any, as the contract spells it before anything is proved."""

    @abstractmethod
    def sign(self, request: httpx2.Request, call: Call, tokens: T | None) -> httpx2.Request:
        """Return *request* as it proves the app, and the user whose *tokens* they are, at the server's time."""

    @abstractmethod
    def hear(self, response: httpx2.Response, call: Call) -> Heard[T]:
        """Return what *response* says to *call*. Never raises."""

    def is_due(self, call: Call, tokens: T) -> bool:
        """Whether *tokens* are renewed before *call* shows them."""
        return False

    def renewal(self) -> Call:
        """Return the call that renews."""
        raise NotImplementedError

    def renewed(self, tokens: T, heard: Heard[T]) -> T | None:
        """Return the tokens after a renewal of *tokens* of which *heard* was the answer."""
        return heard.tokens

    def told(self, tokens: T, response: httpx2.Response) -> T:
        """Return *tokens* with what an answer to them tells besides."""
        return tokens

    # What callers use.

    def url(self, path: str) -> str:
        """Return where *path* is."""
        return self.base_url + path

    def read(self, response: httpx2.Response) -> Any:
        """
        Return the data of an answer to a request that went through this.

        Raises:
            LingpaiError: The answer says anything but yes. `SignInAgain` where the session is over, or the renewal
                that the call needed found it so.

        """
        request = response.request
        call = self._call(request) or Call(request.method, request.url.path)
        heard = self.hear(response, call)
        if heard.outcome is Outcome.OK and not request.extensions.get(RENEWAL):
            return heard.data
        raise (foreign(response) if heard.outcome is Outcome.OK else heard).error(self.name, response)

    # httpx2's two ways through one generator.

    def sync_auth_flow(self, request: httpx2.Request) -> Generator[httpx2.Request, httpx2.Response, None]:
        request.read()
        steps, held, lost = self.steps(request), False, True
        answer: httpx2.Response | bool | None = None
        try:
            while True:
                step = steps.send(answer)
                if isinstance(step, httpx2.Request):
                    answer = response = yield step
                    response.read()
                elif step is Turn.TAKE:
                    answer = held = self._turns.take()
                else:
                    answer = held = self._left(held=held)
        except StopIteration:
            lost = False
        except LingpaiError:
            lost = False
            raise
        finally:
            steps.close()
            self._left(held=held, lost=lost)

    async def async_auth_flow(self, request: httpx2.Request) -> AsyncGenerator[httpx2.Request, httpx2.Response]:
        await request.aread()
        steps, held, lost = self.steps(request), False, True
        answer: httpx2.Response | bool | None = None
        try:
            while True:
                step = steps.send(answer)
                if isinstance(step, httpx2.Request):
                    answer = response = yield step
                    await response.aread()
                elif step is Turn.TAKE:
                    answer = held = await self._turns.take_soon()
                else:
                    answer = held = self._left(held=held)
        except StopIteration:
            lost = False
        except LingpaiError:
            lost = False
            raise
        finally:
            steps.close()
            self._left(held=held, lost=lost)

    def _left(self, *, held: bool, lost: bool = False) -> bool:
        """Leave the turn if it was *held*; nobody holds it after."""
        if held:
            self._turns.leave(lost=lost)
        return False

    def steps(self, request: httpx2.Request) -> Steps:
        """Yield what is sent for *request*; a turn that was taken is left when this ends."""
        call = self._call(request)
        if call is None:
            yield request
            return
        alone = not call.public and (self.one_at_a_time or call.rotates)
        if alone:
            # Whoever is let go because another's turn was lost gets in line again.
            while not (yield Turn.TAKE):
                pass
        for left in reversed(range(TRIES)):
            tokens = self._tokens(call)
            if tokens is not None and not call.as_is and self.is_due(call, tokens):
                if not (yield from self._renew(request, tokens, alone=alone)):
                    return
                tokens = self._tokens(call)
            if tokens is None and self.renewal_needed and not call.public:
                raise self._over()
            begun = self.clock.local()
            response: httpx2.Response = yield self.sign(request, call, tokens)
            heard = self.hear(response, call)
            moved = self._learn(tokens, response, heard, begun)
            self._grant(call, tokens, heard)
            if not left or not (yield from self._mended(request, call, tokens, heard, moved=moved, alone=alone)):
                return

    def _renew(self, request: httpx2.Request, tokens: T, *, alone: bool) -> Generator[httpx2.Request | Turn, Any, bool]:
        """
        Renew *tokens*, once for all who ask meanwhile, and return whether there is something to go on with.

        Where not, what was answered to the renewal is the answer to the call.
        """
        mine = alone or (yield Turn.TAKE)
        if not mine and not self.renewal_needed:
            return True
        standing = self.session.tokens()
        if standing is None:
            raise self._over()
        going = standing.shown != tokens.shown or (yield from self._exchange(request, standing))
        if mine and not alone:
            yield Turn.LEAVE
        return going

    def _exchange(self, cause: httpx2.Request, tokens: T) -> Generator[httpx2.Request | Turn, Any, bool]:
        call = self.renewal()
        for left in (True, False):
            request = self._renewal_for(cause, call)
            begun = self.clock.local()
            response: httpx2.Response = yield self.sign(request, call, tokens)
            heard = self.hear(response, call)
            moved = self._learn(tokens, response, heard, begun)
            if heard.outcome is Outcome.OK:
                following = self.renewed(tokens, heard)
                if following is not None:
                    self.session.replace(tokens, following, self.clock.skew)
                return following is not None
            if heard.outcome is Outcome.SESSION_OVER:
                return not self.session.end(tokens, heard.reason or Reason.UNKNOWN)
            if not (left and moved and heard.outcome in _FOR_THE_CLOCK):
                break
        return False

    def _renewal_for(self, cause: httpx2.Request, call: Call) -> httpx2.Request:
        """Return the request of a renewal, with the language and the time limit of the call that needs it."""
        headers = {name: cause.headers[name] for name in ("User-Agent", "Accept-Language") if name in cause.headers}
        written = self.write(call, None)
        extensions = {**cause.extensions, RENEWAL: True}
        return httpx2.Request(
            written.method, written.url, headers={**headers, **written.headers}, extensions=extensions
        )

    def _mended(
        self, request: httpx2.Request, call: Call, tokens: T | None, heard: Heard[T], *, moved: bool, alone: bool
    ) -> Generator[httpx2.Request | Turn, Any, bool]:
        """Return whether something was put right, so that the same call may fare better now."""
        match heard.outcome:
            case Outcome.SESSION_OVER if not call.public and not call.ends:
                return not self.session.end(tokens, heard.reason or Reason.UNKNOWN)
            case Outcome.RENEWED if tokens is not None and heard.tokens is not None:
                self.session.replace(tokens, heard.tokens, self.clock.skew)
                return self.session.tokens() is not None
            case Outcome.CODE_SPENT if tokens is not None and not call.as_is:
                return (yield from self._renew(request, tokens, alone=alone))
            case outcome:
                return moved and outcome in _FOR_THE_CLOCK

    def _grant(self, call: Call, tokens: T | None, heard: Heard[T]) -> None:
        """Keep what a sign-in or a change of company brought; forget what was signed out."""
        if call.ends and tokens is not None and heard.outcome in (Outcome.OK, Outcome.SESSION_OVER):
            self.session.end(tokens, Reason.SIGNED_OUT)
        elif call.grants and heard.outcome is Outcome.OK and heard.tokens is not None:
            if call.public:
                self.session.open(heard.tokens, self.clock.skew)
            elif tokens is not None:
                self.session.replace(tokens, heard.tokens, self.clock.skew)

    def _learn(self, tokens: T | None, response: httpx2.Response, heard: Heard[T], begun: float) -> bool:
        """Learn the server's time from an answer, and return whether that changes much."""
        if tokens is not None:
            following = self.told(tokens, response)
            if following != tokens:
                self.session.replace(tokens, following, self.clock.skew)
        time_told = _date(response) or heard.time
        return time_told is not None and self.clock.learn(time_told, begun)

    def _tokens(self, call: Call) -> T | None:
        tokens = None if call.public else self.session.tokens()
        if tokens is not None and not self.clock.known:
            self.clock.skew = self.session.skew
        return tokens

    def _over(self) -> LingpaiError:
        reason = self.session.over or Reason.UNKNOWN
        return SignInAgain(self.name, Outcome.SESSION_OVER, None, "signed out", reason=reason)

    def _call(self, request: httpx2.Request) -> Call | None:
        """Return which call *request* is; None where it goes elsewhere."""
        path = self.path_of(str(request.url.copy_with(query=None, fragment=None)))
        if path is None:
            return None
        public = bool(request.extensions.get(PUBLIC))
        known = next((call for call in self.calls.values() if call.path == path), None)
        return known or Call(request.method, path, public=public)

    def path_of(self, url: str) -> str | None:
        """Return what stands behind the base in *url*; None where it is another."""
        return under(self.base_url, url)


_FOR_THE_CLOCK = frozenset({Outcome.TIMESTAMP_BAD, Outcome.CLIENT_REFUSED})
"""How a call may end because this machine's clock is wrong."""


def _date(response: httpx2.Response) -> float | None:
    """Return what `Date` says, which counts whole seconds: the middle of that one."""
    try:
        return parsedate_to_datetime(response.headers["Date"]).timestamp() + 0.5
    except (KeyError, ValueError):
        return None
