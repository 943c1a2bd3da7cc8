"""
Credentials that the contracts' documents print: anybody can read them, so nobody may own them.

Kept as digests, so that a search for such a credential finds the documents' transcripts and nothing that serves.
"""

import hashlib

from lingpai.vocabulary.arguments import Wrong

PUBLISHED: Wrong = ("是文档中公开的凭据", "is a credential that a document prints")
"""What is wrong with one."""

_DIGESTS = frozenset(
    {
        # zhiyun, 7: client_id, client_secret, two access_tokens
        "f94e3f3d2d56474602708551750c6fb733a232a47313b9e4ff0324289be278df",
        "9897e85ad0aa7c9fa5bbe72256133aaf6df8042fc6cba1a1eba0ca57e1a07f81",
        "c63b1cc939928925b0ea3da7a7e95d23bbf7dd5074b1ba22ec5acaa4011a9beb",
        "b3e054e3027b000473904bbb52f2395f79d69b62d73b112a86d3356af6cfb474",
        # mowork, the sample request's token
        "cd3ea0703f1377842b414d65427457e102e313220c0763d1b988bcc489f50162",
        # twokeys, the sample user_token
        "b39bcc65840cef0081b447f10eff37fa3c451b9ae0e9726b017c8ccf314aec50",
        # thinkjs, the sample's user and password
        "1d38013397193f42a0688d260c4aa555ddc9d8a0e609e050b253cce2dfa484bf",
    }
)


def is_published(*credential: str) -> bool:
    """
    Return whether a document prints *credential*: one text, or a name and a password that belong together.

    >>> is_published("admin"), is_published("admin", "123456")
    (False, True)
    """
    return hashlib.sha256("\0".join(credential).encode("utf-8", "surrogatepass")).hexdigest() in _DIGESTS
