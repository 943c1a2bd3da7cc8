"""Pages of long lists: one after the other, never counted."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from lingpai.vocabulary.arguments import Field, Whole

T = TypeVar("T")

LAST_PAGE = 10_000
"""Nobody reads so far."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PageAsked:
    """Which page (from 1), and how long a page is: the part of a question that `paging` reads."""

    page: int = 1
    size: int = 20

    @property
    def skipped(self) -> int:
        """How many come before the page: the statement's OFFSET."""
        return (self.page - 1) * self.size

    @property
    def wanted(self) -> int:
        """How many to read: the statement's LIMIT. One more than the page has, which tells whether there is another."""
        return self.size + 1


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """One page."""

    list: Sequence[T]
    has_more: bool


def paging(size: str = "size", *, usual: int = 20, most: int = 100) -> dict[str, Field]:
    """Return the fields of a `PageAsked`: the member `page`, and the one called *size* for the length of a page."""
    return {
        "page": Whole("page", least=1, most=LAST_PAGE, required=False, default=1, about=("第几页", "Which page.")),
        "size": Whole(
            size, least=1, most=most, required=False, default=usual, about=("每页几条", "How many on a page.")
        ),
    }


def paged(read: Sequence[T], asked: PageAsked) -> Page[T]:
    """Return the page that was *read* with `asked.wanted` as its limit."""
    return Page(read[: asked.size], len(read) > asked.size)
