"""The small client on top: the same calls in all five contracts, at once or awaited."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from itertools import count
from types import TracebackType
from typing import Any, Self

import httpx2

from lingpai_client.auth import ContractAuth
from lingpai_client.calls import PUBLIC, RENEWAL, Call
from lingpai_client.errors import LingpaiError, NoAnswer
from lingpai_client.outcomes import Outcome, Reason

TIMEOUT_SECONDS = 15.0
RENEWAL_PAUSES = (0.2, 1.0)
"""Seconds before a renewal whose answer was lost is asked for again."""

NAME_MEMBERS = {"oppmg": "account"}
"""What the name at a sign-in is called where that is not `username`."""

Args = Mapping[str, Any]


class _Calls:
    """What both clients say; how it is sent is theirs."""

    def __init__(self, auth: ContractAuth[Any], language: str | None) -> None:
        self.auth = auth
        self._language = language

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.auth!r})"

    @property
    def signed_in(self) -> bool:
        """Whether there are tokens; only the server knows whether they still hold."""
        return self.auth.session.tokens() is not None

    def _account(self, name: str) -> Call:
        try:
            return self.auth.calls[name]
        except KeyError:
            known = ", ".join(self.auth.calls)
            raise ValueError(f"{self.auth.name} has no {name}: it has {known}") from None

    def _business(self, module: str, name: str, method: str | None, *, public: bool) -> Call:
        usual = "GET" if name in self.auth.GETS else "POST"
        return Call(method or usual, self.auth.business(module, name), public=public)

    def _sign_in(self, name: str, password: str) -> Args:
        return {NAME_MEMBERS.get(self.auth.name, "username"): name, "password": password}

    def _request(self, client: httpx2.Client | httpx2.AsyncClient, call: Call, args: Args | None) -> httpx2.Request:
        written = self.auth.write(call, args)
        headers = dict(written.headers)
        if self._language:
            headers["Accept-Language"] = self._language
        return client.build_request(
            written.method,
            written.url,
            headers=headers,
            content=written.content,
            extensions={PUBLIC: True} if call.public else {},
        )

    def _forget(self) -> None:
        """Forget a session of which the server could not be told that it is over."""
        tokens = self.auth.session.tokens()
        if tokens is not None:
            self.auth.session.end(tokens, Reason.SIGNED_OUT)

    def _lost(self, error: httpx2.RequestError) -> NoAnswer:
        # Its own words, and not the request, in which tokens stand.
        why = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        return NoAnswer(self.auth.name, Outcome.NO_ANSWER, None, why)


class Client(_Calls):
    """
    Calls of one contract for one user. Threads may share it.

    Args:
        auth: The contract, with what it needs to know: `Oppmg("https://accounts.example.com/oppmg")`.
        timeout_seconds: An answer that takes longer is given up.
        language: `zh` or `en`: in which language messages should be. The server's choice when missing.
        transport: Another way to send, as httpx2 has it.

    """

    def __init__(
        self,
        auth: ContractAuth[Any],
        *,
        timeout_seconds: float = TIMEOUT_SECONDS,
        language: str | None = None,
        transport: httpx2.BaseTransport | None = None,
    ) -> None:
        super().__init__(auth, language)
        self._client = httpx2.Client(auth=auth, timeout=timeout_seconds, transport=transport)

    def sign_in(self, name: str, password: str) -> Any:
        """Sign in, and return what the server grants. The tokens are kept."""
        return self._ask(self._account("sign_in"), self._sign_in(name, password))

    def me(self, **args: Any) -> Any:
        """Return who is signed in; in mowork, by `username`, a colleague."""
        return self.account("me", **args)

    def sign_out(self) -> None:
        """
        End the session here and, if it can be reached, on the server.

        Raises:
            LingpaiError: The server could not be told. The tokens are forgotten all the same.

        """
        if not self.signed_in:
            return
        try:
            self.account("sign_out")
        except LingpaiError as error:
            if error.outcome is not Outcome.SESSION_OVER:
                raise
        finally:
            self._forget()

    def account(self, name: str, /, **args: Any) -> Any:
        """
        Make a call of the contract's account side, `register` or `change_company` say, and return its data.

        Raises:
            LingpaiError: The answer says anything but yes, or none came.
            ValueError: The contract has no such call; the message names those that it has.

        """
        return self._ask(self._account(name), args or None)

    def call(
        self, module: str, name: str, args: Args | None = None, *, public: bool = False, method: str | None = None
    ) -> Any:
        """
        Make the business call *name* of *module* and return its data.

        Args:
            public: Show nothing of the user, though one be signed in.
            method: GET or POST, where the contract's usual is wrong.

        Raises:
            LingpaiError: The answer says anything but yes, or none came.

        """
        return self._ask(self._business(module, name, method, public=public), args)

    def pages(self, module: str, name: str, args: Args | None = None, *, public: bool = False) -> Iterator[Any]:
        """Yield each item of a call whose answer is one list, page after page until there is nothing new."""
        before: list[Any] = []
        for page in count(1):
            items, more = _page(self.call(module, name, {**(args or {}), "page": page}, public=public))
            if not items or items == before:
                return
            yield from items
            if not more:
                return
            before = items

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _ask(self, call: Call, args: Args | None) -> Any:
        for pause in (*RENEWAL_PAUSES, None):
            try:
                return self.auth.read(self._client.send(self._request(self._client, call, args)))
            except httpx2.RequestError as error:
                if pause is None or not _of_renewal(error):
                    raise self._lost(error) from None
            time.sleep(pause)
        raise AssertionError


class AsyncClient(_Calls):
    """
    `Client`, awaited. The tasks of a loop may share it.

    Args:
        auth: The contract, with what it needs to know: `Oppmg("https://accounts.example.com/oppmg")`.
        timeout_seconds: An answer that takes longer is given up.
        language: `zh` or `en`: in which language messages should be. The server's choice when missing.
        transport: Another way to send, as httpx2 has it.

    """

    def __init__(
        self,
        auth: ContractAuth[Any],
        *,
        timeout_seconds: float = TIMEOUT_SECONDS,
        language: str | None = None,
        transport: httpx2.AsyncBaseTransport | None = None,
    ) -> None:
        super().__init__(auth, language)
        self._client = httpx2.AsyncClient(auth=auth, timeout=timeout_seconds, transport=transport)

    async def sign_in(self, name: str, password: str) -> Any:
        """See `Client.sign_in`."""
        return await self._ask(self._account("sign_in"), self._sign_in(name, password))

    async def me(self, **args: Any) -> Any:
        """See `Client.me`."""
        return await self.account("me", **args)

    async def sign_out(self) -> None:
        """See `Client.sign_out`."""
        if not self.signed_in:
            return
        try:
            await self.account("sign_out")
        except LingpaiError as error:
            if error.outcome is not Outcome.SESSION_OVER:
                raise
        finally:
            self._forget()

    async def account(self, name: str, /, **args: Any) -> Any:
        """See `Client.account`."""
        return await self._ask(self._account(name), args or None)

    async def call(
        self, module: str, name: str, args: Args | None = None, *, public: bool = False, method: str | None = None
    ) -> Any:
        """See `Client.call`."""
        return await self._ask(self._business(module, name, method, public=public), args)

    async def pages(
        self, module: str, name: str, args: Args | None = None, *, public: bool = False
    ) -> AsyncIterator[Any]:
        """See `Client.pages`."""
        before: list[Any] = []
        for page in count(1):
            items, more = _page(await self.call(module, name, {**(args or {}), "page": page}, public=public))
            if not items or items == before:
                return
            for item in items:
                yield item
            if not more:
                return
            before = items

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def _ask(self, call: Call, args: Args | None) -> Any:
        for pause in (*RENEWAL_PAUSES, None):
            try:
                return self.auth.read(await self._client.send(self._request(self._client, call, args)))
            except httpx2.RequestError as error:
                if pause is None or not _of_renewal(error):
                    raise self._lost(error) from None
            await asyncio.sleep(pause)
        raise AssertionError


def _of_renewal(error: httpx2.RequestError) -> bool:
    """
    Whether it was the answer to a renewal that was lost.

    Then the call itself was never sent, and within the server's grace the same refresh token gives the same pair.
    """
    return bool(error.request.extensions.get(RENEWAL))


def _page(data: Any) -> tuple[list[Any], bool]:
    """Return the one list that *data* is, or has as a member, and whether there may be another."""
    if isinstance(data, list):
        return data, True
    lists = [value for value in data.values() if isinstance(value, list)] if isinstance(data, dict) else []
    if len(lists) != 1:
        raise TypeError("the answer holds no list, or more than one: ask for its pages by `call`")
    return lists[0], data.get("has_more") is not False
