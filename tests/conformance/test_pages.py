"""Each contract's page lists the calls and the codes that are served, no more and no fewer, as they are told."""

import re
from pathlib import Path

import pytest

from lingpai.composition import declarations
from lingpai.edge.openapi import openapi
from lingpai.edge.reference import markdown
from lingpai.vocabulary.settings import Settings
from tests.conformance.stage import Stage
from tests.conformance.test_coverage import cells

PAGES = Path(__file__).parents[2] / "docs" / "contracts"

each_contract = pytest.mark.parametrize("name", sorted(declarations(Settings())))


def table(name: str, heading: str) -> list[list[str]]:
    """Return the cells of the table under *heading*, without its head."""
    page = (PAGES / f"{name}.md").read_text(encoding="utf-8")
    section = page.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    return [cells(line) for line in section.splitlines() if line.startswith("|")][2:]


@each_contract
def test_the_page_lists_the_calls_that_are_served_with_their_methods(name):
    served = Stage(name).house.served[name].contract.table

    listed = {}
    for first, second, *_ in table(name, "Routes"):
        if service := re.fullmatch(r"`(\w+/\w+)`(, POST only)?", first):
            listed[f"/apis/rest/{service[1]}/{{format}}"] = {"POST"} if service[2] else {"GET", "POST"}
        else:
            listed[second.strip("`")] = set(first.split(", "))

    assert listed == {path: set(methods) for path, methods in served.items()}


@each_contract
def test_the_page_lists_every_code_with_its_status_and_its_sentences(name):
    codes = Stage(name).house.served[name].contract.codes.rows
    # What stands behind a semicolon is about a single call.
    listed = [[cell.partition(";")[0] for cell in row] for row in table(name, "Codes")]

    def lists(row, code):
        statuses = row[0].split(", ") if name != "zhiyun" else [str(code.status)]
        sentences = [code.chinese, code.english] if code.english is not None else [code.chinese]
        return str(code.status) in statuses and {str(code.number), *sentences} <= set(row)

    assert [code for code in codes if not any(lists(row, code) for row in listed)] == []
    assert [row for row in listed if not any(lists(row, code) for code in codes)] == []


@each_contract
@pytest.mark.parametrize(("language", "suffix"), [("en", ".md"), ("zh", ".zh.md")])
def test_the_reference_is_what_the_terminal_prints_of_the_contract(name, language, suffix):
    kept = (PAGES / "reference" / f"{name}{suffix}").read_text(encoding="utf-8")
    declaration = declarations(Settings())[name]
    document = openapi(Stage(name).house.served[name].contract, about=declaration.about(language), language=language)

    assert kept == markdown(document, language), f"lingpai contract docs {name} --language {language} --output …"
    assert kept.count("\n## ") > 5
