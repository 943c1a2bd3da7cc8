"""
What a step announces as its endings is what calls come to there: no other, and none that never comes.

From what is announced come the code tables that a contract must have, and the answers in its OpenAPI document.
"""

from collections import defaultdict
from pathlib import Path

import pytest

from lingpai.edge.checks.token_pair import AccessShown
from lingpai.edge.contract import ALWAYS, Step
from lingpai.edge.steps import Performed
from lingpai.vocabulary.arguments import Asks
from lingpai.vocabulary.outcomes import End, Ends, Outcome, Refused
from tests.conformance.stage import Stage
from tests.conformance.transcripts import play

TRANSCRIPTS = sorted(Path(__file__).parent.glob("*.http"))

BESIDE = (
    ("mowork", "GET", "/mowork/user/getinfo", (("X-Token", "x" * 32), ("X-Username", "\udcff"))),
    ("oppmg", "POST", "/oppmg/v1/auth/logout", (("x-mmm-accesstoken", "no token"),)),
)
"""Requests that come to an ending which no transcript comes to."""

HAVE_NO_RATES: dict[object, set[End]] = {AccessShown: {Outcome.TOO_MANY_ATTEMPTS}}
"""Endings that no stage comes to, since its rates are off."""


class Endings:
    """Hears how each step ends, and what the operations end with that were performed."""

    def __init__(self):
        self.announced: dict[object, Ends] = {}
        self.heard: defaultdict[object, set[End]] = defaultdict(set)
        self._refusals: list[Refused] = []

    def listen(self, patch):
        for kind in _kinds(Step):
            if act := vars(kind).get("__call__"):
                patch.setattr(kind, "__call__", self._listening(kind, act))

    def _listening(self, kind, act):
        def listening(step, call):
            whose, ends = kind, step.ENDS
            if kind is Performed:
                operation = call.route.operation
                whose, ends = str(operation), operation.ENDS | Asks.ENDS
            self.announced[whose] = ends
            try:
                return act(step, call)
            except Refused as refusal:
                # Of steps inside each other, it is the innermost that ends the call.
                if not any(refusal is known for known in self._refusals):
                    self._refusals.append(refusal)
                    self.heard[whose].add(refusal.outcome)
                raise

        return listening


def _kinds(kind):
    for each in kind.__subclasses__():
        yield each
        yield from _kinds(each)


@pytest.fixture(scope="module")
def endings():
    endings = Endings()
    with pytest.MonkeyPatch.context() as patch:
        Stage("mowork")  # with which every contract's steps are imported
        endings.listen(patch)
        for path in TRANSCRIPTS:
            list(play(path, Stage(path.stem)))
        for contract, method, target, headers in BESIDE:
            Stage(contract).answer(method, target, list(headers), "")
    return endings


def test_no_call_ends_otherwise_than_its_step_or_operation_announces(endings):
    surprises = {whose: heard - endings.announced[whose] - set(ALWAYS) for whose, heard in endings.heard.items()}

    assert {whose: surprise for whose, surprise in surprises.items() if surprise} == {}
    assert sum(map(len, endings.heard.values())) > 50


def test_every_ending_that_a_step_announces_comes(endings):
    steps = {kind: ends for kind, ends in endings.announced.items() if isinstance(kind, type)}
    never = {kind: ends - endings.heard[kind] - HAVE_NO_RATES.get(kind, set()) for kind, ends in steps.items()}

    assert {kind: ends for kind, ends in never.items() if ends} == {}
    assert len(steps) > 20
