"""
Names that people sign in with.

Two names are one when they fold to the same key: NFKC, then case folding, so that
`Ｍｅｉ`, `MEI` and `mei` are one account.
"""

import re
import unicodedata

from lingpai.stores.interfaces import AccountStore
from lingpai.vocabulary.arguments import Wrong
from lingpai.vocabulary.outcomes import Outcome, Refused
from lingpai.vocabulary.values import User

LONGEST = 64
"""Characters in a name."""

_INVISIBLE = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp", "Zs"}

_IGNORED = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)
"""Letters and marks that are drawn as nothing (Unicode's Default_Ignorable_Code_Point), and the blank of Braille."""

_BAD: Wrong = ("不能含有空白、控制或不可见字符", "must not contain blanks, control or invisible characters")


def name_key(name: str) -> str:
    """Return what is unique about *name*."""
    if name.isascii():
        return name.lower()
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())


def is_anothers(accounts: AccountStore, newcomer: User) -> bool:
    """
    Return whether *newcomer* would take over what somebody else signs in with.

    That is a name which is another user's proved phone number, or a proved number which is another's name;
    that names and proved numbers are each unique is the store's to say.
    """
    if accounts.with_phone(newcomer.name_key) is not None:
        return True
    return newcomer.phone_verified and accounts.named(name_key(newcomer.phone)) is not None


def check_new_name(name: str, member: str = "username") -> None:
    """
    Make sure that *name* may be given to a new account.

    Raises:
        Refused: With ARGUMENT_BAD, naming *member*, when it is empty, too long, or
            holds what people cannot see.

    """
    key = name_key(name)
    hides = _IGNORED.search(name + key) or any(unicodedata.category(c) in _INVISIBLE for c in name + key)
    if not key or len(name) > LONGEST or hides:
        raise Refused(Outcome.ARGUMENT_BAD, "name refused", fields={member: _BAD})
