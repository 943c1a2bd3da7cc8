"""Every statement of a contract's document is accounted for: heard in a transcript, or left out for a reason."""

import re
from pathlib import Path

import pytest

from lingpai.composition import declarations
from lingpai.vocabulary.settings import Settings
from tests.conformance.transcripts import exchanges

HERE = Path(__file__).parent
COVERAGE = HERE.parents[1] / "docs" / "coverage.md"

HEAD = ["line", "what the document says", "where it holds"]


def sections() -> dict[str, list[tuple[int, list[str]]]]:
    """Return the rows of each contract's section with their line numbers, without heads and rules."""
    found: dict[str, list[tuple[int, list[str]]]] = {}
    name = ""
    for number, line in enumerate(COVERAGE.read_text(encoding="utf-8").splitlines(), 1):
        if line.startswith("## "):
            name = line[3:]
            found[name] = []
        elif line.startswith("|") and cells(line) != HEAD and not re.fullmatch(r"[|:\- ]+", line):
            found[name].append((number, cells(line)))
    return found


def cells(line: str) -> list[str]:
    """Return the cells of one row; a bar inside a cell is written with a backslash before it."""
    return [cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", line)[1:-1]]


def titles(name: str) -> set[str]:
    """Return the titles of a contract's transcript."""
    transcript = HERE / f"{name}.http"
    return {exchange.title for exchange in exchanges(transcript.read_text(encoding="utf-8"))}


each_section = pytest.mark.parametrize(("name", "rows"), sections().items(), ids=sections())


def test_every_contract_accounts_for_its_document():
    assert set(sections()) == set(declarations(Settings()))


@each_section
def test_every_row_says_where_it_holds_or_why_it_does_not(name, rows):
    open_rows = [
        f"{COVERAGE.name}:{number}"
        for number, row in rows
        if len(row) != len(HEAD)
        or not row[0]
        or not row[1]
        or not (re.search(r"`[^`]+`", row[2]) or re.match(r"not: \S", row[2]))
    ]

    assert rows != []
    assert open_rows == []


@each_section
def test_every_title_that_a_row_names_is_heard(name, rows):
    heard = titles(name)

    unheard = [
        f"{COVERAGE.name}:{number}: {title}"
        for number, row in rows
        if not row[-1].startswith("not: ")
        for title in re.findall(r"`([^`]+)`", row[-1])
        if title not in heard
    ]

    assert unheard == []
