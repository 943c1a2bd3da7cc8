"""Members that every call of a house carries."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import ClassVar

from lingpai.edge.call import Call
from lingpai.edge.contract import Step
from lingpai.edge.describing import Asked, asked_of
from lingpai.vocabulary.arguments import Asks, Field
from lingpai.vocabulary.outcomes import Ends, Outcome, Refused


@dataclass(frozen=True, slots=True)
class CommonMembers(Step):
    """
    The members are there and within their lengths, and name a client type that the house knows.

    Args:
        fields: The members, by any name.
        client_type: The member that holds the client type.
        client_types: Its spellings, in lower case, and what we call each.

    """

    ENDS: ClassVar[Ends] = frozenset({Outcome.ARGUMENT_BAD})

    fields: tuple[Field, ...]
    client_type: str
    client_types: Mapping[str, str]

    asks: Asks = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "asks", Asks(dict, **{each.member: each for each in self.fields}))

    def asked(self) -> tuple[Asked, ...]:
        types = {"examples": list(dict.fromkeys(self.client_types))}
        fields = asked_of(self.asks, "body")
        return tuple(
            replace(each, schema={**each.schema, **types}) if each.name == self.client_type else each for each in fields
        )

    def __call__(self, call: Call) -> None:
        values = self.asks.read(call.body)
        client_type = self.client_types.get(values[self.client_type].lower())
        if client_type is None:
            wrong = ("不是已知的客户端类型", "is no known client type")
            raise Refused(Outcome.ARGUMENT_BAD, "unknown client type", fields={self.client_type: wrong})
        call.client_type = client_type
