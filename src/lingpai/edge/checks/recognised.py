"""Identity that is welcome but not asked for (thinkjs: its middleware runs before every call)."""

from dataclasses import dataclass, replace

from lingpai.edge.call import Call
from lingpai.edge.contract import Step
from lingpai.edge.describing import Asked
from lingpai.vocabulary.outcomes import Ends, Outcome, Refused

FORGIVEN: Ends = frozenset({Outcome.CREDENTIALS_MISSING, Outcome.CREDENTIALS_BAD, Outcome.SESSION_OVER})
"""Endings that leave a visitor. A store that does not answer is none of them: it never makes anybody a stranger."""


@dataclass(frozen=True, slots=True)
class Recognised(Step):
    """
    Whoever passes *steps* is the caller; whoever does not is a visitor, and the call goes on.

    Raises:
        ValueError: One of *steps* can end in what is not forgiven.

    """

    steps: tuple[Step, ...]

    def __post_init__(self) -> None:
        if unforgiven := {outcome for step in self.steps for outcome in step.ENDS} - FORGIVEN:
            raise ValueError(f"not forgiven: {', '.join(sorted(outcome.name for outcome in unforgiven))}")

    def asked(self) -> tuple[Asked, ...]:
        return tuple(replace(each, required=False) for step in self.steps for each in step.asked())

    def __call__(self, call: Call) -> None:
        try:
            for step in self.steps:
                step(call)
        except Refused as refusal:
            if refusal.outcome not in FORGIVEN:
                raise
            call.token, call.claims, call.standing = "", {}, None
