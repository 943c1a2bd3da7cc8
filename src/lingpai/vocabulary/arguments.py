"""
What a call asks for, declared once and read from any wire.

A field turns one raw member (whatever JSON or a form can hold) into a value, or says
what is wrong in both languages. `Asks` turns members into the question of an operation.
"""

import dataclasses
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, get_type_hints

from msgspec import Meta

from lingpai.vocabulary.likeness import WORDS
from lingpai.vocabulary.outcomes import Ends, Outcome, Refused

Words = tuple[str, str]
"""The same in Chinese and in English."""

Wrong = Words
"""What is wrong with an argument."""

MISSING: Wrong = ("必填", "is required")
_NOT_TEXT: Wrong = ("应为字符串", "must be a string")
_NOT_WHOLE: Wrong = ("应为整数", "must be a whole number")


class Unfit(Exception):
    """An argument is not what its field asks for."""

    def __init__(self, wrong: Wrong) -> None:
        super().__init__(wrong[1])
        self.wrong = wrong


class Field(Protocol):
    """
    One argument.

    Args:
        member: Its name on the wire.
        required: Whether the call cannot go without it.
        about: What it is for.

    """

    @property
    def member(self) -> str: ...
    @property
    def required(self) -> bool: ...
    @property
    def default(self) -> Any: ...
    @property
    def about(self) -> Words: ...

    def read(self, raw: object) -> Any:
        """
        Return the value in *raw*.

        Raises:
            Unfit: With what is wrong.

        """

    def schema(self) -> dict[str, Any]:
        """Return what a value must look like, as JSON Schema says it as far as it can."""


def _told(field: "Text | Whole") -> dict[str, object]:
    """Return what *field* tells to people."""
    words: dict[str, object] = {WORDS: list(field.about)} if any(field.about) else {}
    return words if field.example in ("", None) else {**words, "examples": [field.example]}


@dataclass(frozen=True, slots=True)
class Text:
    """
    Text of *least* to *most* characters; blank counts as missing where it is required.

    Args:
        about: What it is for, where the question does not say it.
        example: One that a caller may send.

    """

    member: str
    most: int = 64
    least: int = 0
    required: bool = True
    default: str = ""
    pattern: str = ""
    one_of: tuple[str, ...] = ()
    about: Words = ("", "")
    example: str = ""
    fits: Callable[[str], object] = dataclasses.field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "fits", re.compile(self.pattern).fullmatch)

    def read(self, raw: object) -> str:
        if not isinstance(raw, str):
            raise Unfit(_NOT_TEXT)
        if self.required and not raw.strip():
            raise Unfit(MISSING)
        if len(raw) > self.most:
            raise Unfit((f"不能超过{self.most}个字符", f"must not exceed {self.most} characters"))
        if len(raw) < self.least:
            raise Unfit((f"至少{self.least}个字符", f"must have at least {self.least} characters"))
        # No PostgreSQL keeps the character NUL, so no engine shall.
        if "\0" in raw or (self.pattern and not self.fits(raw)):
            raise Unfit(("格式不正确", "is malformed"))
        if self.one_of and raw not in self.one_of:
            allowed = ", ".join(self.one_of)
            raise Unfit((f"应为其中之一:{allowed}", f"must be one of {allowed}"))
        return raw

    def schema(self) -> dict[str, Any]:
        least = max(self.least, 1) if self.required else self.least
        schema: dict[str, Any] = {"type": "string", "minLength": least} if least else {"type": "string"}
        schema["maxLength"] = self.most
        if self.pattern:
            schema["pattern"] = f"^(?:{self.pattern})$"
        elif self.required and not self.one_of:
            schema["pattern"] = r"\S"
        if self.one_of:
            schema["enum"] = [str(word) for word in self.one_of]
        if not self.required and self.default:
            schema["default"] = str(self.default)
        return {**schema, **_told(self)}


@dataclass(frozen=True, slots=True)
class Whole:
    """A whole number between *least* and *most*; its decimal text is read too, since forms have nothing else."""

    member: str
    least: int = 0
    most: int = 2**53
    required: bool = True
    default: int = 0
    about: Words = ("", "")
    example: int | None = None

    def read(self, raw: object) -> int:
        if isinstance(raw, str) and re.fullmatch("[0-9]{1,16}", raw):
            raw = int(raw)
        if not isinstance(raw, int) or isinstance(raw, bool):
            raise Unfit(_NOT_WHOLE)
        if not self.least <= raw <= self.most:
            raise Unfit((f"应在{self.least}到{self.most}之间", f"must be between {self.least} and {self.most}"))
        return raw

    def schema(self) -> dict[str, Any]:
        default = {} if self.required or self.default is None else {"default": self.default}
        bounds = {"minimum": self.least, "maximum": self.most}
        return {"type": "integer", **bounds, **default, **_told(self)}


class Asks:
    """
    How members become the *question* of an operation.

    Args:
        question: A dataclass, or None for a call that asks nothing.
        fields: The question's argument names, each with the member that it is read from.

    """

    ENDS: Ends = frozenset({Outcome.ARGUMENT_BAD})

    __slots__ = ("fields", "question")

    def __init__(self, question: type | None = None, **fields: Field) -> None:
        self.question = question
        self.fields = fields

    def likenesses(self) -> Mapping[str, Meta]:
        """Return what each of the question's arguments looks like, where the question says so."""
        if self.question in (None, dict):
            return {}
        hints = get_type_hints(self.question, include_extras=True)
        found = {name: getattr(hint, "__metadata__", ()) for name, hint in hints.items()}
        return {name: meta for name, held in found.items() for meta in held if isinstance(meta, Meta)}

    def read(self, members: Mapping[str, object]) -> Any:
        """
        Return the question that *members* ask; members that no field names are ignored.

        Raises:
            Refused: With ARGUMENT_BAD, and every bad member with what is wrong with it.

        """
        if self.question is None:
            return None
        values: dict[str, Any] = {}
        bad: dict[str, Wrong] = {}
        for name, field in self.fields.items():
            raw = members.get(field.member)
            if raw is None:
                if field.required:
                    bad[field.member] = MISSING
                else:
                    values[name] = field.default
                continue
            try:
                values[name] = field.read(raw)
            except Unfit as unfit:
                bad[field.member] = unfit.wrong
        if bad:
            raise Refused(Outcome.ARGUMENT_BAD, "bad: " + ", ".join(bad), fields=bad)
        return self.question(**values)


NOTHING = Asks()
"""A call without arguments."""
