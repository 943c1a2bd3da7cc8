"""What a command shows: sentences in the reader's language, tables where people look, JSON where programs do."""

import os
import re
import sys
from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

import msgspec
from rich import box
from rich.console import Console, RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from lingpai.vocabulary.clock import SECOND

WIDE = 200
"""Columns of a table that goes to a file or a pipe, where nothing needs to be folded."""


_CONTROL = {code: "\ufffd" for code in (*range(0x20), *range(0x7F, 0xA0)) if chr(code) != "\n"}


class Trouble(Exception):
    """A command cannot do what it was asked. The message is one line: what is wrong, and what to do."""

    def __init__(self, zh: str, en: str) -> None:
        super().__init__(said(zh, en))


_NO_SECRET = re.compile(
    r".{0,15}|[^0-9A-Z]*|[^0-9a-z]*|[^0-9]*[^0-9A-Za-z][^0-9]*|[^A-Za-z]*|[0-9T:.Z+-]*"
    r"|\.{0,2}/.*|.*://.*|.*\.[A-Za-z]\w{0,4}",
    re.DOTALL,
)
"""
A short word; one without letters; one without digits, but for letters alone in both cases, which one secret of a
client in thirty is; a moment, a path, a URL, a file or host.
"""


_MADE_HERE = re.compile("([a-z0-9]{4}-){2}[a-z0-9]{4}")
"""A password as `lingpai` makes them (`passwords.random_password`)."""


def without_secrets(line: str, typed: Sequence[str]) -> str:
    """
    Return *line* with each of the words that were *typed* cut short if it may be a secret, and so the value of `--x=…`.

    Whoever errs may have typed a password or token where none belongs, and errors are kept by shells, cron and CI.
    """
    folders = [value for option, value in pairwise(typed) if option == "--data"]
    for word in typed:
        if word in folders:
            continue
        option, is_given, value = word.partition("=") if word.startswith("--") else ("", "", word)
        if is_given:
            line = line.replace(word, f"{option}=…")
        for part in (option.lstrip("-"), value):
            if _MADE_HERE.fullmatch(part) or not _NO_SECRET.fullmatch(part):
                line = line.replace(part, f"{part[:3]}…")
    return line


def check_no_password(url: str, option: str) -> None:
    """
    Make sure that *url*, which will be shown, holds no name and password.

    Raises:
        Trouble: It may.

    """
    if "@" in url:
        raise Trouble(f"{option} 里不能有用户名和密码。", f"{option} must not hold a name and a password.")


def said(zh: str, en: str) -> str:
    """Return the sentence in the language of the reader's terminal: Chinese where the locale is, else English."""
    locale = next((value for name in ("LC_ALL", "LC_MESSAGES", "LANG") if (value := os.environ.get(name))), "")
    return zh if locale.lower().startswith("zh") else en


def console(*, errors: bool = False) -> Console:
    """Return the terminal, as wide as it is; a file or pipe is `WIDE` and has no colours."""
    stream = sys.stderr if errors else sys.stdout
    return Console(stderr=errors, highlight=False, width=None if stream.isatty() else WIDE)


def plain(text: str) -> Text:
    """
    Return *text* to be shown as it is: no markup, no control characters.

    People choose their names themselves, some over the wire: none of them may draw on the operator's terminal.
    """
    return Text(text.translate(_CONTROL))


def marked(words: str, **data: object) -> Text:
    """Return *words*, which are ours, with their markup read; each `{name}` in them is *data*, shown as it is."""
    escaped = {name: escape(str(value).translate(_CONTROL)) for name, value in data.items()}
    return Text.from_markup(words.format(**escaped), emoji=False)


def show(*things: RenderableType) -> None:
    """Print each of *things* from the beginning of a line; text is `plain`, unless it was `marked`."""
    out = console()
    for thing in things:
        out.print(plain(thing) if isinstance(thing, str) else thing)


def show_text(text: str) -> None:
    """Print *text* as it is, to be copied: no markup, no folding."""
    console().print(text, markup=False, soft_wrap=True)


def show_json(value: object) -> None:
    """Print *value* as indented JSON."""
    sys.stdout.write(msgspec.json.format(msgspec.json.encode(value), indent=2).decode() + "\n")


def table(heads: Sequence[str], rows: Iterable[Sequence[object]], *, whole: Sequence[str] = ()) -> Table:
    """
    Return a table of *rows*, whose cells are shown as they are.

    Args:
        whole: Heads of the columns that are copied from, so that they are never folded.

    """
    made = Table(box=box.SIMPLE_HEAD, header_style="bold", pad_edge=False, show_edge=False, padding=(0, 1, 0, 0))
    for head in heads:
        made.add_column(head, no_wrap=head in whole, overflow="fold")
    for row in rows:
        made.add_row(*(plain(str(cell)) for cell in row))
    return made


def sheet(lines: Iterable[tuple[str, object]]) -> Table:
    """Return names and values beside each other; values are shown as they are."""
    made = Table.grid(padding=(0, 3, 0, 0))
    made.add_column(style="dim", no_wrap=True)
    made.add_column(overflow="fold")
    for name, value in lines:
        made.add_row(name, plain(str(value)))
    return made


def moment(milliseconds: int, zone: str) -> str:
    """Return a time as people in *zone* read it, to the minute."""
    return datetime.fromtimestamp(milliseconds // SECOND, ZoneInfo(zone)).strftime("%Y-%m-%d %H:%M")
