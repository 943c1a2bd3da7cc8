"""Each contract's page lists the calls, settings and codes that there are, no more and no fewer, as they are told."""

import re
from collections.abc import Container
from pathlib import Path

import msgspec
import pytest

from lingpai.composition import declarations
from lingpai.edge.openapi import openapi
from lingpai.edge.reference import markdown
from lingpai.operations.register import Register
from lingpai.vocabulary.settings import Settings
from tests.conformance.stage import Stage
from tests.conformance.test_coverage import cells

PAGES = Path(__file__).parents[2] / "docs" / "contracts"

each_contract = pytest.mark.parametrize("name", sorted(declarations(Settings())))


HEADINGS = {
    ".md": {"calls": "Routes", "settings": "Settings", "codes": "Codes"},
    ".zh.md": {"calls": "接口", "settings": "设置", "codes": "返回码"},
}

each_page = pytest.mark.parametrize("suffix", HEADINGS)


def table(name: str, suffix: str, of: str) -> list[list[str]]:
    """Return the cells of the table of calls, settings or codes, without its head."""
    page, heading = (PAGES / f"{name}{suffix}").read_text(encoding="utf-8"), HEADINGS[suffix][of]
    section = page.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    return [cells(line) for line in section.splitlines() if line.startswith("|")][2:]


@each_page
@each_contract
def test_the_page_lists_the_calls_that_are_served_with_their_methods(name, suffix):
    served = Stage(name).house.served[name].contract.table

    listed = {}
    for first, second, *_ in table(name, suffix, "calls"):
        if service := re.fullmatch(r"`(\w+/\w+)`(, POST only|，只支持 POST)?", first):
            listed[f"/apis/rest/{service[1]}/{{format}}"] = {"POST"} if service[2] else {"GET", "POST"}
        else:
            listed[second.strip("`")] = set(first.split(", "))

    assert listed == {path: set(methods) for path, methods in served.items()}


@each_page
@each_contract
def test_the_page_lists_every_code_with_its_status_and_its_sentences(name, suffix):
    codes = Stage(name).house.served[name].contract.codes.rows
    # What stands behind a semicolon is about a single call.
    listed = [[re.split("[;；]", cell)[0] for cell in row] for row in table(name, suffix, "codes")]

    def lists(row, code):
        statuses = row[0].split(", ") if name != "zhiyun" else [str(code.status)]
        sentences = [code.chinese, code.english] if code.english is not None else [code.chinese]
        return str(code.status) in statuses and {str(code.number), *sentences} <= set(row)

    assert [code for code in codes if not any(lists(row, code) for row in listed)] == []
    assert [row for row in listed if not any(lists(row, code) for code in codes)] == []


@each_page
@each_contract
def test_the_page_lists_every_setting_with_its_default(name, suffix):
    contract, kind = Stage(name).house.served[name].contract, declarations(Settings())[name].settings
    idle = {"timezone"} if name in TIMELESS else set()
    if not any(route.operation is Register for route in contract.all_routes()):
        idle |= {"registration", "invitation"}
    assert idle == kind.NOT_SET
    own = {field.name: field.default for field in msgspec.structs.fields(kind) if field.name not in idle}

    listed: dict[str, str] = {}
    for names, default, *_ in table(name, suffix, "settings"):
        listed |= dict.fromkeys(re.findall(r"`(\w+)`", names), default.replace("`", ""))

    assert listed.keys() == own.keys()
    assert {key: told for key, told in listed.items() if told not in written(own[key])} == {}


TIMELESS = frozenset({"oppmg", "thinkjs"})
"""They print no times of their own but seconds, and sign no day; business calls tell times in the server's zone."""


def written(default: object) -> Container[str]:
    """Return how a page may write the *default* of a setting; anything for one that is a table of its own."""
    if default is msgspec.NODEFAULT:
        return Anything()
    if default in (None, "", ()):
        return {"none", "empty", "无", "空"}
    if isinstance(default, tuple):
        return {", ".join(default), "、".join(default)}
    return {str(default).lower() if isinstance(default, bool) else str(default)}


class Anything:
    def __contains__(self, _told: object) -> bool:
        return True


@each_contract
@pytest.mark.parametrize(("language", "suffix"), [("en", ".md"), ("zh", ".zh.md")])
def test_the_reference_is_what_the_terminal_prints_of_the_contract(name, language, suffix):
    kept = (PAGES / "reference" / f"{name}{suffix}").read_text(encoding="utf-8")
    declaration = declarations(Settings())[name]
    document = openapi(Stage(name).house.served[name].contract, about=declaration.about(language), language=language)

    assert kept == markdown(document, language), f"lingpai contract docs {name} --language {language} --output …"
    assert kept.count("\n## ") > 5
