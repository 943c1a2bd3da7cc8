"""What a third party is shown of a value that is not its own: enough to recognise it, too little to use it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Mask:
    """
    The first *head* characters, *stars* asterisks, the last *tail* characters.

    How many characters the asterisks stand for is not told. A value that has no more than *head*
    and *tail* would be shown whole, so it is all asterisks.

    >>> Mask(2, 6, 4)("13999990170")
    '13******0170'
    >>> Mask(1, 2)("李")
    '*'
    """

    head: int
    stars: int
    tail: int = 0

    def __call__(self, text: str) -> str:
        """Return *text* masked; empty text stays empty."""
        if len(text) <= self.head + self.tail:
            return "*" * len(text)
        return text[: self.head] + "*" * self.stars + text[len(text) - self.tail :]
