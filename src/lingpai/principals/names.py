"""
Names that people sign in with.

Two names are one when they fold to the same key: NFKC, then case folding, so that
`Ｍｅｉ`, `MEI` and `mei` are one account. Two that look alike (`vocabulary.lookalikes`) are two, which may not
both be given.
"""

import re
import unicodedata
from dataclasses import replace

from lingpai.principals.addresses import Addresses
from lingpai.stores.interfaces import AccountStore
from lingpai.vocabulary.arguments import Wrong
from lingpai.vocabulary.lookalikes import mixes_scripts, skeleton
from lingpai.vocabulary.outcomes import Outcome, Refused
from lingpai.vocabulary.values import User

LONGEST = 64
"""Characters in a name."""

LONGEST_TYPED = 1024
"""
Characters, beyond which no text is a name, however it is spelt.

Normalizing takes the square of a row of marks, and holds the interpreter all the while: of 64 KiB it takes seconds.
"""

_INVISIBLE = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp", "Zs"}

_IGNORED = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)
"""Letters and marks that are drawn as nothing (Unicode's Default_Ignorable_Code_Point), and the blank of Braille."""

_BAD: Wrong = ("不能含有空白、控制或不可见字符", "must not contain blanks, control or invisible characters")
_LONG: Wrong = (f"最多 {LONGEST} 个字符", f"must have at most {LONGEST} characters")
_MIXED: Wrong = ("不能混用容易混淆的文字", "must not mix scripts whose letters are taken for one another")


def name_key(name: str) -> str:
    """Return what is unique about *name*; a text that is too long for one stays as it is, and is nobody's."""
    if name.isascii():
        return name.lower()
    if len(name) > LONGEST_TYPED:
        return name
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())


def spelling(name: str, addresses: Addresses) -> str:
    """Return the one spelling of what somebody signs in with, be it a name, a phone number or an e-mail address."""
    return addresses.phone(name) or addresses.email(name) or name_key(name)


def named(user: User) -> User:
    """Return *user* with what is unique about the name."""
    key = name_key(user.name)
    return replace(user, name_key=key, name_skeleton=skeleton(key))


def is_anothers(accounts: AccountStore, claimant: User, addresses: Addresses) -> bool:
    """
    Return whether *claimant*, kept already (by the same id) or not, would take over what somebody else signs in with.

    That is a name which is another user's proved phone number or e-mail address, or a proved one of these which is
    another's name or proved as well. That names are unique is the store's to say.
    """
    phone, email = addresses.phone(claimant.name), addresses.email(claimant.name)
    proved_by = [accounts.with_phone(phone) if phone else None, accounts.with_email(email) if email else None]
    if claimant.phone_verified:
        proved_by += [accounts.named(name_key(claimant.phone)), accounts.with_phone(claimant.phone)]
    if claimant.email_verified:
        proved_by += [accounts.named(name_key(claimant.email)), accounts.with_email(claimant.email)]
    return any(user is not None and user.id != claimant.id for user in proved_by)


def check_new_name(name: str, member: str = "username") -> None:
    """
    Make sure that *name* may be given to a new account.

    Raises:
        Refused: With ARGUMENT_BAD, naming *member*, when it is empty, too long, holds what people cannot see, or
            mixes scripts.

    """
    if len(name) > LONGEST:
        raise Refused(Outcome.ARGUMENT_BAD, "name too long", fields={member: _LONG})
    key = name_key(name)
    hides = _IGNORED.search(name + key) or any(unicodedata.category(c) in _INVISIBLE for c in name + key)
    if not key or hides:
        raise Refused(Outcome.ARGUMENT_BAD, "name refused", fields={member: _BAD})
    if mixes_scripts(key):
        raise Refused(Outcome.ARGUMENT_BAD, "name of several scripts", fields={member: _MIXED})
