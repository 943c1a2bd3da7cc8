"""Tokens that mean nothing by themselves: random text, kept as a keyed digest."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from lingpai.edge.call import Call, Members
from lingpai.edge.describing import Schema
from lingpai.principals.keys import found_by_digest
from lingpai.vocabulary.outcomes import Outcome, Refused
from lingpai.vocabulary.values import Randomness, Standing

_CAPITALS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"


@dataclass(frozen=True, slots=True)
class Opaque:
    """
    Text matching *pattern*, looked up by its digest.

    Args:
        pattern: What may be sent; wider than what is issued, since documents print samples of other shapes.

    """

    pattern: str
    fits: Callable[[str], object] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "fits", re.compile(self.pattern).fullmatch)

    def read(self, token: str, call: Call) -> Members:
        if not self.fits(token):
            raise Refused(Outcome.CREDENTIALS_BAD, "not the shape of a token")
        return {}

    def schema(self) -> Schema:
        return {"type": "string", "pattern": f"^(?:{self.pattern})$"}

    def find(self, call: Call) -> Standing | None:
        return found_by_digest(call.desk.keys, call.token, call.desk.sessions.standing)


def capitals(randomness: Randomness, _user_id: int, _seconds: int) -> str:
    """Return 32 characters of `0-9A-Z`: 165 bits, the shape of mowork's sample."""
    number = int.from_bytes(randomness(32))
    letters = []
    for _ in range(32):
        number, digit = divmod(number, len(_CAPITALS))
        letters.append(_CAPITALS[digit])
    return "".join(reversed(letters))


def thirteenfold(randomness: Randomness, _user_id: int, _seconds: int) -> str:
    """
    Return a digit d from 1 to 9, the decimal of 13·d−11, and 32 hexadecimal digits: 128 bits, 34 to 36 characters.

    That is the shape of both tokens that zhiyun's document prints.

    >>> thirteenfold(lambda size: bytes([8]).ljust(size, bytes([171])), 0, 0)
    '9106abababababababababababababababab'
    """
    first, *rest = randomness(17)
    digit = 1 + first % 9
    return f"{digit}{13 * digit - 11}{bytes(rest).hex()}"
