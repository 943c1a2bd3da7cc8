"""A value that must not be printed."""

import hmac
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, eq=False)
class Secret:
    """
    Text that shows itself only when asked by name.

    `repr`, `str`, f-strings and tracebacks print `Secret(…)`, so that a secret
    which strays into a log or an error stays unread.
    """

    _text: str

    def reveal(self) -> str:
        """Return the text itself. Each call is a place to look at in a review."""
        return self._text

    def matches(self, text: str) -> bool:
        """Return whether *text* is the secret, in time that tells nothing."""
        return hmac.compare_digest(self._text.encode(), text.encode())

    def __repr__(self) -> str:
        return "Secret(…)"

    __str__ = __repr__
