"""
The way of a request, in the order it happens.

reader -> the contract's steps (checks, route, carriers, scheme, admission, operation) -> codes -> envelope
"""

from collections.abc import Mapping

import msgspec

from lingpai.edge.announced import announced
from lingpai.edge.call import Call, Request
from lingpai.edge.codes import Code
from lingpai.edge.contract import Contract
from lingpai.edge.desk import Desk
from lingpai.edge.envelopes import REASONS, Said
from lingpai.vocabulary.outcomes import Outcome, Reason, Refused
from lingpai.vocabulary.policies import FREE, Used, WeakForm
from lingpai.vocabulary.values import Sighting

_PLAIN = (WeakForm.PLAIN_HTTP,)


class Answer(msgspec.Struct, frozen=True):
    """
    What goes back.

    Args:
        headers: Besides those of every answer; names in lower case.
        sighting: To be written down by the shell, if this is the run that answers.
        used: To be counted by the shell, likewise.
        call: What was found out on the way.
        refusal: How the call ended, where it did not end well.
        trouble: What failed of ours.

    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    sighting: Sighting | None = None
    used: Used | None = None
    call: Call | None = None
    refusal: Refused | None = None
    trouble: Exception | None = None


def begun(contract: Contract, request: Request, desk: Desk) -> Call:
    """Return the call that *request* makes, of which nothing is known yet."""
    return Call(request, contract, desk, desk.clock(), weak=_PLAIN if request.plain else ())


def used_by(call: Call) -> Used | None:
    """Return what weak forms *call* used, to be written down; None where it used none, or its client is not known."""
    if not call.weak or call.client is None:
        return None
    return Used(call.client.id, call.contract.name, call.weak, call.refused, call.now)


def serve(contract: Contract, request: Request, desk: Desk) -> Answer:
    """
    Answer *request* in *contract*'s words, whatever happens.

    Raises:
        NotRemembered: *desk* answers from memory, which does not hold what is
            needed. Nothing was changed; serve it again at a desk that asks.

    """
    call = begun(contract, request, desk)
    try:
        try:
            contract.reader(call)
            for step in contract.steps:
                step(call)
            return succeeded(call)
        except Refused as refusal:
            return told(call, refusal)
    # Also what cannot be written down: a result that is no JSON, an ending that its part did not announce.
    except Exception as trouble:  # noqa: BLE001 - the shell writes it down
        return told(call, Refused(Outcome.INTERNAL), trouble)


def refuse(contract: Contract, request: Request, desk: Desk, refusal: Refused) -> Answer:
    """Return *refusal* in *contract*'s words, for a request that does not even enter the pipeline."""
    return told(Call(request, contract, desk, desk.clock()), refusal)


def succeeded(call: Call) -> Answer:
    """Return how *call*, which ends well with its `result`, is answered."""
    code = call.contract.spelling[Outcome.OK]
    message = call.route.message if call.route else None
    said = Said(Outcome.OK, code.number, _message(code, call, message), call.result)
    return _answer(call, code, said, call.answer_headers)


def told(call: Call, refusal: Refused, trouble: Exception | None = None) -> Answer:
    """Return how *call*, which ends with *refusal*, is answered."""
    contract = call.contract
    code = contract.spelling[refusal.outcome]
    headers = dict(refusal.headers)
    message = _message(code, call)
    reason = None
    if refusal.outcome is Outcome.SESSION_OVER:
        reason = _telling(contract, refusal.reason)
        headers["x-lingpai-reason"] = reason.value
        if contract.speaks_reason and reason in REASONS and reason not in contract.unspoken:
            chinese, english = REASONS[reason]
            message += f" ({english})" if _language(call) == "en" else f"({chinese})"
    if refusal.retry_after is not None:
        headers["retry-after"] = str(refusal.retry_after)
    fields = {name: wrong[_language(call) == "en"] for name, wrong in refusal.fields.items()}
    said = Said(refusal.outcome, code.number, message, refusal.data, reason, fields)
    return _answer(call, code, said, headers, refusal, trouble)


def _telling(contract: Contract, reason: Reason | None) -> Reason:
    if reason is None or reason not in REASONS or reason in contract.untold:
        return Reason.UNKNOWN
    return reason


def _answer(
    call: Call,
    code: Code,
    said: Said,
    headers: Mapping[str, str],
    refusal: Refused | None = None,
    trouble: Exception | None = None,
) -> Answer:
    content_type, body = call.contract.envelope.wrap(said, call)
    headers = {"content-type": content_type, **headers}
    client = call.client
    if client is None or (not call.weak and client.policies is FREE):
        return Answer(code.status, headers, body, call.sighting, None, call, refusal, trouble)
    headers |= announced(call, client)
    return Answer(code.status, headers, body, call.sighting, used_by(call), call, refusal, trouble)


def _message(code: Code, call: Call, message: tuple[str, str] | None = None) -> str:
    if code.english is None and message is None:
        return code.chinese
    english = _language(call) == "en"
    return message[english] if message else code.message("en" if english else "zh")


def _language(call: Call) -> str:
    """Return the client's language, else English where the request asks for it first, else Chinese."""
    if call.client is not None and call.client.language:
        return call.client.language
    wished = call.request.values(b"accept-language")
    return "en" if wished and wished[0][:2].lower() == b"en" else "zh"
