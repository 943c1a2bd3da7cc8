"""Every command that a page of ours names is there, with each option that stands beside it."""

import re
from pathlib import Path

import pytest
from cyclopts import App

from lingpai.cli import APP

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("README*.md"), ROOT / "CHANGELOG.md", *(ROOT / "docs").rglob("*.md")])

_COMMAND = re.compile(r"\blingpai ((?:[a-z][a-z0-9-]*[ |]*)+)([^`\n#]*)")


def unknown(text: str) -> list[str]:
    """Return what *text* names of our commands and their options that there is none of."""
    wrong: list[str] = []
    for match in _COMMAND.finditer(text):
        first, *words = match[1].split()
        app = find(APP, first)
        if app is None:
            continue  # our name in a sentence
        if any(not name.startswith("-") for name in app):
            # `key list | rotate | tidy` names several.
            names = words[:1] if "|" not in words else [one.split()[0] for one in " ".join(words).split("|") if one]
            wrong += [f"{first} {name}" for name in names if find(app, name) is None]
            app = find(app, names[0]) if len(names) == 1 else None
        if app is not None:
            known = {name for argument in app.assemble_argument_collection() for name in argument.names}
            options = re.findall(r"--[a-z-]+", match[2])
            wrong += [f"{match[1].strip()} {option}" for option in options if option not in known]
    return wrong


def find(app: App, name: str) -> App | None:
    try:
        return app[name]
    except KeyError:
        return None


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_page_names_no_command_that_there_is_not(page):
    assert unknown(page.read_text(encoding="utf-8")) == []
