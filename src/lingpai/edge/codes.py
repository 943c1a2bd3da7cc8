"""How a house spells an outcome: status, number, sentence in two languages."""

from collections.abc import Iterator
from dataclasses import dataclass

from lingpai.vocabulary.outcomes import End, Row


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


class CodeTable:
    """
    The spelling of outcomes in one house.

    Args:
        rows: A status, a number, a sentence in Chinese and in English, then the outcomes that they spell.
        number: Of the rows that name none; None where each must.

    Raises:
        ValueError: An outcome has two rows, or a row no number.

    """

    def __init__(self, *rows: Row, number: int | str | None = None) -> None:
        self.rows = tuple(_code(row, number) for row in rows)
        self._codes: dict[End, Code] = {}
        for code, row in zip(self.rows, rows, strict=True):
            for outcome in row[4:]:
                if outcome in self._codes:
                    raise ValueError(f"two rows for {outcome.name}")
                self._codes[outcome] = code

    def __iter__(self) -> Iterator[End]:
        return iter(self._codes)

    def __getitem__(self, outcome: End) -> Code:
        return self._codes[outcome]


def _code(row: Row, number: int | str | None) -> Code:
    status, own, chinese, english = row[:4]
    told = number if own is None else own
    if told is None:
        raise ValueError(f"no number for {chinese}")
    return Code(status, told, chinese, english)
