"""What twokeys's second key is made of (`user_token`). It is looked up like any other opaque token."""

import hashlib

from lingpai.vocabulary.values import Randomness


def user_token(randomness: Randomness, user_id: int, seconds: int) -> str:
    """
    Return the MD5 of the user's id, the time and 16 random bytes, in hex.

    The document's recipe, which calls itself a reference, is id and time alone: whoever knows when somebody
    signed in could guess it. No client computes it, so the 128 random bits change nothing for them.

    >>> user_token(lambda _size: b"", 1, 1387324800)
    '5ed50c70f162ffb4ab7fbf5fa0340f2a'
    """
    return hashlib.md5(f"{user_id}{seconds}".encode() + randomness(16), usedforsecurity=False).hexdigest()
