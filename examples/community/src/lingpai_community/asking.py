"""The arguments that many calls share, as the book names them."""

import re
from typing import Any

from lingpai.vocabulary.arguments import MISSING, Text, Unfit, Whole, Words
from lingpai.vocabulary.likeness import WORDS

LARGEST = 2**53


def number(member: str, about: Words, *, required: bool = True) -> Whole:
    """Return the field of an id; one that is not asked for and not given is 0."""
    return Whole(member, least=1 if required else 0, most=LARGEST, required=required, about=about)


def words(member: str, about: Words, *, most: int = 64, required: bool = True) -> Text:
    """Return the field of a short text; one that is not asked for and not given is empty."""
    return Text(member, most=most, required=required, about=about)


def kind(member: str, about: Words, most: int, *, least: int = 1, required: bool = True, default: int = 0) -> Whole:
    """Return the field of one of few numbers."""
    return Whole(member, least=least, most=most, required=required, default=default, about=about)


class Numbers:
    """Ids: a list, or in a form their decimal texts with commas."""

    required = True
    default: tuple[int, ...] = ()

    def __init__(self, member: str, about: Words, most: int = 50) -> None:
        self.member = member
        self.about = about
        self._most = most

    def read(self, raw: object) -> tuple[int, ...]:
        """Return the ids in *raw*, each once, in order."""
        if isinstance(raw, int) and not isinstance(raw, bool):
            raw = [raw]
        if isinstance(raw, str):
            raw = raw.split(",")
        if not isinstance(raw, list) or not raw or raw == [""]:
            raise Unfit(MISSING)
        one = Whole(self.member, least=1, most=LARGEST)
        if len(raw) > self._most or any(
            isinstance(part, str) and not re.fullmatch("[0-9]{1,16}", part) for part in raw
        ):
            raise Unfit(("应为编号列表", "must be a list of ids"))
        return tuple(sorted({one.read(part) for part in raw}))

    def schema(self) -> dict[str, Any]:
        """Return what a list looks like, and its text in a form."""
        one = {"type": "integer", "minimum": 1}
        listed = {"items": one, "minItems": 1, "maxItems": self._most, "examples": [[1, 2]]}
        return {
            "type": ["array", "string"],
            **listed,
            "pattern": "^[0-9]{1,16}(,[0-9]{1,16})*$",
            WORDS: list(self.about),
        }


ITEM = number("item_id", ("项目编号", "The project's id."))
ROOM = number("room_id", ("房间编号", "The room's id."))
ID = number("id", ("编号", "Its id."))
USER = number("user_id", ("用户编号，只能是自己", "The user's id: the caller's own."), required=False)
ADMIN = number("admin_id", ("员工编号，只能是自己", "The member of staff's id: the caller's own."), required=False)
