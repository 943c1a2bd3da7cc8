"""Arguments that stand in the way of a call before anybody asks what they mean."""

from dataclasses import dataclass
from typing import ClassVar

from lingpai.edge.call import Call
from lingpai.edge.contract import Step
from lingpai.edge.describing import Asked, asked_of
from lingpai.vocabulary.arguments import Asks
from lingpai.vocabulary.outcomes import Ends


@dataclass(frozen=True, slots=True)
class WellShaped(Step):
    """The arguments that *asks* names are there and look as they must; whose they are is judged later."""

    ENDS: ClassVar[Ends] = Asks.ENDS

    asks: Asks

    def asked(self) -> tuple[Asked, ...]:
        return asked_of(self.asks)

    def __call__(self, call: Call) -> None:
        self.asks.read(call.arguments)


class FormAlone(Step):
    """The operation's arguments are the form's: what the query says is not read, since queries end up in logs."""

    __slots__ = ()

    def __call__(self, call: Call) -> None:
        call.arguments = call.body
