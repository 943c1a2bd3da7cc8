"""How a house spells an outcome: status, number, sentence in two languages."""

from collections.abc import Iterator
from dataclasses import dataclass

from lingpai.vocabulary.outcomes import Outcome


@dataclass(frozen=True, slots=True)
class Code:
    """
    One row.

    Args:
        status: The HTTP status.
        number: What the house calls it: text or number, as its answers carry it.
        chinese: The sentence, as the document prints it where it does.
        english: The same in English; None where the sentence is part of the
            contract and never changes.

    """

    status: int
    number: int | str
    chinese: str
    english: str | None

    def message(self, language: str) -> str:
        """Return the sentence in *language*."""
        return self.english if language == "en" and self.english is not None else self.chinese


Row = tuple[int, int | str, str, str | None, *tuple[Outcome, ...]]


class CodeTable:
    """
    The spelling of outcomes in one house.

    Args:
        rows: A status, a number, a sentence in Chinese and in English, then the outcomes that they spell.

    Raises:
        ValueError: An outcome has two rows.

    """

    def __init__(self, *rows: Row) -> None:
        self.rows = tuple(Code(*row[:4]) for row in rows)
        self._codes: dict[Outcome, Code] = {}
        for code, row in zip(self.rows, rows, strict=True):
            for outcome in row[4:]:
                if outcome in self._codes:
                    raise ValueError(f"two rows for {outcome.name}")
                self._codes[outcome] = code

    def __iter__(self) -> Iterator[Outcome]:
        return iter(self._codes)

    def __getitem__(self, outcome: Outcome) -> Code:
        return self._codes[outcome]
