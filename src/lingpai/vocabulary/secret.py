"""A value that must not be printed."""

import hmac
from typing import Final


class Secret:
    """
    Text that shows itself only when asked by name.

    `repr`, `str`, f-strings and tracebacks print `Secret(…)`, and no encoder knows how to write one, so
    that a secret which strays into a log, an error or an answer stays unread.
    """

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text: Final = text

    def reveal(self) -> str:
        """Return the text itself. Each call is a place to look at in a review."""
        return self._text

    def matches(self, text: str) -> bool:
        """Return whether *text* is the secret, in time that tells nothing."""
        return hmac.compare_digest(self._text.encode(), text.encode())

    def __repr__(self) -> str:
        return "Secret(…)"

    __str__ = __repr__
