"""
The page docs/cli.md, from the commands themselves: `python -m lingpai.cli.reference >docs/cli.md`.

In English, as help is where the locale is no Chinese one.
"""

import os
import sys
from collections.abc import Iterator, Mapping

from cyclopts import App

from lingpai.cli import APP
from lingpai.cli.examples import EXAMPLES

HEAD = """\
# The command line

Written by the commands themselves (`python -m lingpai.cli.reference`). Every command has `--help`; those that show
something have `--json`, for programs; those that work on a house have `--data FOLDER` (or `LINGPAI_DATA`; else
`lingpai-data`). Users, companies and clients are named by id or by name; `user:12` is always the id 12.

Exit codes: 0 done; 1 a check found something (`doctor`, `audit verify`, `migrate --check`); 2 it cannot be done, with
one line on standard error that says why; 130 stopped by Ctrl-C.
"""


def leaves() -> Mapping[str, App]:
    """Return every command that does something, by the words that name it."""
    return dict(_leaves(APP, ""))


def reference() -> str:
    """Return the page."""
    sections = [HEAD]
    for name, app in leaves().items():
        sections.append(f"## lingpai {name}\n\n{_sentence(app)}\n\n```sh\n{EXAMPLES.get(name, '')}\n```\n")
        if rows := list(_rows(app)):
            sections.append("\n".join(["| option | what |", "|---|---|", *rows]) + "\n")
    return "\n".join(sections)


def _leaves(app: App, before: str) -> Iterator[tuple[str, App]]:
    flags = {*app.help_flags, *app.version_flags}
    for name in app:
        if name in flags:
            continue
        inner, typed = app[name], f"{before} {name}".strip()
        if inner.default_command is not None:
            yield typed, inner
        yield from _leaves(inner, typed)


def _sentence(app: App) -> str:
    return (app.help or "").strip()


def _rows(app: App) -> Iterator[str]:
    for argument in app.assemble_argument_collection(parse_docstring=True):
        parameter = argument.parameter
        if argument.show and parameter.help and argument.name not in ("--data", "--json"):
            names = ", ".join(f"`{name}`" for name in argument.names)
            yield f"| {names} | {parameter.help} |".replace("||", "|")


if __name__ == "__main__":
    os.environ["LANG"] = "C.UTF-8"
    sys.stdout.write(reference())
