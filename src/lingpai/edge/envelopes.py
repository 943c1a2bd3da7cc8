"""What surrounds every answer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import msgspec

from lingpai.edge.call import Call
from lingpai.edge.describing import TEXT, Heard, Schema, Shaped
from lingpai.vocabulary.likeness import WORDS
from lingpai.vocabulary.outcomes import End, Outcome, Reason

REASONS: Mapping[Reason, tuple[str, str]] = {
    Reason.REPLACED: ("账号已在其他设备登录", "signed in on another device"),
    Reason.KICKED_OUT: ("已被管理员下线", "signed out by an operator"),
    Reason.IDLE: ("长时间未操作", "unused for too long"),
    Reason.EXPIRED: ("登录已过期", "the session has expired"),
    Reason.PASSWORD_CHANGED: ("密码已修改", "the password was changed"),
    Reason.DISABLED: ("账号已停用", "the account is disabled"),
    Reason.LEFT_COMPANY: ("已不在该公司", "no longer a member of the company"),
}
"""Why a session is over, in words; what is not here is told as unknown."""


class Said(msgspec.Struct, frozen=True):
    """
    How a call ended, spelt.

    Args:
        data: What was asked for, or None.
        reason: Why to sign in again, or None; never one that the house does not tell.
        fields: Bad arguments, each with what is wrong, in the caller's language.

    """

    outcome: End
    number: int | str
    message: str
    data: Any = None
    reason: Reason | None = None
    fields: Mapping[str, str] = {}


class Envelope(Protocol):
    """Turns what was said into bytes."""

    def wrap(self, said: Said, call: Call) -> tuple[str, bytes]:
        """Return content type and body."""


write_json = msgspec.json.Encoder().encode
"""Compact JSON in UTF-8: members in their order, nothing escaped beyond JSON's need."""


NOTHING_IN: Mapping[type, Schema] = {
    dict: {"type": "object", "maxProperties": 0, "examples": [{}]},
    tuple: {"type": "array", "maxItems": 0, "examples": [[]]},
}
"""Data that is none."""

NO_DATA = NOTHING_IN[dict]


def spelt(heard: Heard, number: str, message: str, **more: Schema) -> dict[str, Any]:
    """Return the schema of an object of *number*, *message* and *more*, all of which are always there."""
    sentence: Schema = {"type": "string", "enum": list(heard.messages)}
    properties = {number: {"const": heard.code.number}, message: sentence, **more}
    return {"type": "object", "properties": properties, "required": list(properties)}


def one_reason(reasons: Sequence[str]) -> Schema:
    """Return the schema of an object that says why a session is over."""
    why: Schema = {"type": "string", "enum": list(reasons)}
    return {"type": "object", "properties": {"reason": why}, "required": ["reason"]}


@dataclass(frozen=True, slots=True)
class ThreeMembers:
    """
    A JSON object of number, message and data.

    Args:
        empty: What stands for no data.
        tells_reason: Data holds `reason` where a session is over.
        tells_fields: Data holds what is wrong with each bad argument.

    """

    number: str
    message: str
    data: str
    empty: Mapping[str, Any] | tuple[()] = field(default_factory=dict)
    tells_reason: bool = False
    tells_fields: bool = False

    def wrap(self, said: Said, call: Call) -> tuple[str, bytes]:
        data = said.data
        if self.tells_reason and said.reason:
            data = {"reason": said.reason.value}
        elif self.tells_fields and said.fields:
            data = said.fields
        members = {self.number: said.number, self.message: said.message, self.data: data or self.empty}
        return "application/json; charset=utf-8", write_json(members)

    def shapes(self, heard: Heard) -> Mapping[str, Schema]:
        """Return the object that is written."""
        data: Schema = {"const": self.empty} if self.empty else NOTHING_IN[type(self.empty)]
        if heard.data is not None:
            data = heard.data
        elif self.tells_reason and heard.reasons:
            data = one_reason(heard.reasons)
        elif self.tells_fields and heard.fields:
            wrong = ("有误的参数，各有何不妥", "each bad argument, with what is wrong with it")
            data = {"type": "object", "additionalProperties": TEXT, WORDS: wrong}
        return {"application/json": spelt(heard, self.number, self.message, **{self.data: data})}


@dataclass(frozen=True, slots=True)
class BareText:
    """The bare sentence of some *outcomes*; whatever else was said, as *envelope* has it."""

    outcomes: frozenset[Outcome]
    envelope: Envelope

    def wrap(self, said: Said, call: Call) -> tuple[str, bytes]:
        if said.outcome in self.outcomes:
            return "text/plain; charset=utf-8", said.message.encode()
        return self.envelope.wrap(said, call)

    def shapes(self, heard: Heard) -> Mapping[str, Schema]:
        """Return the sentence, or what *envelope* writes."""
        if heard.outcome in self.outcomes:
            return {"text/plain": {"type": "string", "enum": list(heard.messages)}}
        return self.envelope.shapes(heard) if isinstance(self.envelope, Shaped) else {}
