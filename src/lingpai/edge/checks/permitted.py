"""What the client's policies say of a call: how it was proved, how it came, from where, and what it asks for."""

from typing import ClassVar

from lingpai.edge.call import Call
from lingpai.edge.contract import Step
from lingpai.vocabulary.outcomes import Ends, Outcome, Refused
from lingpai.vocabulary.policies import FREE, OFF_UNLESS_SAID, WeakForm, form_rule
from lingpai.vocabulary.values import Client


class Permitted(Step):
    """
    The client may call so: nothing that the call used, where it came from or what it asks for is switched off.

    Placed where the client is known and before anything is changed; placed again where more has been read since.
    It ends with CREDENTIALS_BAD for a credential in a form that is off; else with NOT_ALLOWED for plain HTTP, for a
    contract that has ended for a built-in client (others were refused before), for an address or a route.
    """

    __slots__ = ()
    ENDS: ClassVar[Ends] = frozenset({Outcome.CREDENTIALS_BAD, Outcome.NOT_ALLOWED})
    JUDGES: ClassVar[bool] = True

    def __call__(self, call: Call) -> None:
        client = call.client
        if client is None:
            raise ValueError("no client whose policies could be judged")
        is_free = client.policies is FREE
        # Where nobody said anything, only what is off unless said can be off.
        if call.weak and not (is_free and not call.contract.weak and OFF_UNLESS_SAID.isdisjoint(call.weak)):
            _judge_forms(call, client)
        if not is_free:
            _judge_place(call, client)


def _judge_forms(call: Call, client: Client) -> None:
    for form in call.weak:
        rule = form_rule(form, client.policies.said, call.contract.weak)
        if rule is not None and rule.is_off(call.now):
            call.refused = form
            outcome = Outcome.NOT_ALLOWED if form is WeakForm.PLAIN_HTTP else Outcome.CREDENTIALS_BAD
            raise Refused(outcome, f"the client {client.id} may not use {form}")


def _judge_place(call: Call, client: Client) -> None:
    said = client.policies
    if not said.may_speak(call.contract.name, call.now):
        raise Refused(Outcome.NOT_ALLOWED, f"the client {client.id} no longer speaks {call.contract.name}")
    if not said.may_come_from(call.request.address):
        raise Refused(Outcome.NOT_ALLOWED, f"the client {client.id} may not call from {call.request.address}")
    if call.route is not None and not said.may_call(call.route.names):
        raise Refused(Outcome.NOT_ALLOWED, f"the client {client.id} may not call {call.route.names[1]}")
