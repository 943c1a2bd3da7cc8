"""Which passwords are too weak to be chosen (NIST SP 800-63B: length and a blocklist, no composition rules)."""

from lingpai.principals.names import name_key
from lingpai.vocabulary.outcomes import Outcome, Refused

SHORTEST = 8
"""Characters in a new password."""

LONGEST = 256
"""Characters in any password; a longer one is a bad argument before it is hashed."""

_COMMON = frozenset(
    (  # noqa: SIM905 - one word to a line would fill the screen
        "12345678 123456789 1234567890 11111111 00000000 88888888 66666666 "
        "87654321 12341234 password password1 passw0rd p@ssw0rd p@ssword "
        "qwertyui qwerty123 qwertyuiop 1qaz2wsx 1q2w3e4r 1q2w3e4r5t abcd1234 "
        "abc12345 a1234567 a12345678 aa123456 asdfghjkl iloveyou woaini1314 "
        "5201314520 admin123 administrator admin888 lingpai123 changeme letmein1 "
    ).split()
)
"""Passwords that everybody tries first."""


def check_new_password(password: str, name: str) -> None:
    """
    Make sure that *password* may be chosen by the user called *name*.

    Raises:
        Refused: With PASSWORD_TOO_WEAK.

    """
    key = name_key(password)
    if (
        len(password) < SHORTEST
        or key in _COMMON
        or len(set(key)) < 4  # noqa: PLR2004 - fewer different characters than this is a pattern, not a password
        or (name_key(name) in key and len(key) < len(name_key(name)) + 4)
    ):
        raise Refused(Outcome.PASSWORD_TOO_WEAK)
