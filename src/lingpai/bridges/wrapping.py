"""An application's answers in a contract's envelope: its JSON as data, the status of its errors as a code."""

from collections.abc import Mapping, Sequence

import msgspec

from lingpai.edge.asgi import Message, Send
from lingpai.edge.forwarding import Verdict
from lingpai.edge.pipeline import Answer, succeeded, told
from lingpai.vocabulary.outcomes import Outcome, Refused

OUTCOMES: Mapping[int, Outcome] = {
    400: Outcome.ARGUMENT_BAD,
    403: Outcome.NOT_ALLOWED,
    404: Outcome.NO_SUCH_CALL,
    405: Outcome.WRONG_METHOD,
    413: Outcome.BODY_TOO_LARGE,
    422: Outcome.ARGUMENT_BAD,
    429: Outcome.TOO_MANY_ATTEMPTS,
    503: Outcome.OVERLOADED,
}
"""How a contract tells what an application says with a status. A 401 counts as 403: its caller is known."""

_ELSEWHERE = 300
_FAILED = 400
_BROKEN = 500


class Wrapped:
    """Puts an application's answer into the contract's envelope; what is no JSON and no error passes as it is."""

    def __init__(self, send: Send, verdict: Verdict) -> None:
        self._send = send
        self._verdict = verdict
        self._start: Message | None = None
        self._parts: list[bytes] = []

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start" and _is_wrapped(message):
            self._start = message
        elif self._start is None or message["type"] != "http.response.body":
            await self._send(message)
        else:
            self._parts.append(message.get("body", b""))
            if not message.get("more_body"):
                await self._answer(self._start, b"".join(self._parts))

    async def _answer(self, start: Message, body: bytes) -> None:
        answer = self._spelt(start["status"], body)
        ours = {b"content-type", b"content-length", *(name.encode() for name in answer.headers)}
        headers = [(name, value) for name, value in start.get("headers", ()) if name.lower() not in ours]
        headers += [(name.encode(), value.encode("latin-1")) for name, value in answer.headers.items()]
        headers.append((b"content-length", b"%d" % len(answer.body)))
        await self._send({"type": "http.response.start", "status": answer.status, "headers": headers})
        await self._send({"type": "http.response.body", "body": answer.body})

    def _spelt(self, status: int, body: bytes) -> Answer:
        call = self._verdict.call
        if status < _FAILED:
            try:
                call.result = msgspec.json.decode(body) if body.strip() else None
            except (ValueError, RecursionError):
                return told(call, Refused(Outcome.INTERNAL, "the application's JSON is none"))
            return succeeded(call)
        known = self._verdict.caller is not None
        outcome = Outcome.INTERNAL if status >= _BROKEN else Outcome.ARGUMENT_BAD
        outcome = OUTCOMES.get(status, outcome)
        if status == 401:  # noqa: PLR2004 - the status itself is what is asked
            outcome = Outcome.NOT_ALLOWED if known else Outcome.CREDENTIALS_MISSING
        if outcome not in call.contract.spelling:
            outcome = Outcome.INTERNAL
        return told(call, Refused(outcome, f"the application said {status}"))


def _is_wrapped(start: Message) -> bool:
    """Return whether the answer that begins so belongs into an envelope: JSON, nothing at all, or an error."""
    status: int = start["status"]
    headers: Sequence[tuple[bytes, bytes]] = start.get("headers", ())
    kind = next((value for name, value in headers if name.lower() == b"content-type"), b"")
    is_redirect = 300 <= status < _FAILED  # noqa: PLR2004 - what redirects are
    return status >= _FAILED or (
        not is_redirect and (not kind or kind.partition(b";")[0].strip() == b"application/json")
    )
