"""Every statement of a contract's document is accounted for: heard in a transcript, or left out for a reason."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from lingpai.composition import declarations
from lingpai.vocabulary.settings import Settings
from tests.conformance.transcripts import exchanges

HERE = Path(__file__).parent
COVERAGE = HERE.parents[1] / "docs" / "coverage"
PAGES = sorted(COVERAGE.glob("*.md"))

HEAD = ["line", "what the document says", "where it holds"]

each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)


def cells(line: str) -> list[str]:
    """Return the cells of one row; a bar inside a cell is written with a backslash before it."""
    return [cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", line)[1:-1]]


def rows(page: Path) -> Iterator[tuple[int, list[str]]]:
    """Yield each row of the page's tables with its line number, without heads and rules."""
    for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), 1):
        if line.startswith("|") and cells(line) != HEAD and not re.fullmatch(r"[|:\- ]+", line):
            yield number, cells(line)


def titles(name: str) -> set[str]:
    """Return the titles of a contract's transcript."""
    transcript = HERE / f"{name}.http"
    return {exchange.title for exchange in exchanges(transcript.read_text(encoding="utf-8"))}


def test_every_contract_accounts_for_its_document():
    assert {page.stem for page in PAGES} == set(declarations(Settings()))


@each_page
def test_every_row_says_where_it_holds_or_why_it_does_not(page):
    open_rows = [
        f"{page.name}:{number}"
        for number, row in rows(page)
        if len(row) != len(HEAD)
        or not row[0]
        or not row[1]
        or not (re.search(r"`[^`]+`", row[2]) or re.match(r"not: \S", row[2]))
    ]

    assert list(rows(page)) != []
    assert open_rows == []


@each_page
def test_every_title_that_a_row_names_is_heard(page):
    heard = titles(page.stem)

    unheard = [
        f"{page.name}:{number}: {title}"
        for number, row in rows(page)
        if not row[-1].startswith("not: ")
        for title in re.findall(r"`([^`]+)`", row[-1])
        if title not in heard
    ]

    assert unheard == []
