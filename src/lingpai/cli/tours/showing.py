"""
How a step of a tour looks: what is sent, how it is proved and what comes, each beside its name.

At a terminal they stand in two columns; elsewhere in lines that nothing is folded in, to be copied.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.highlighter import JSONHighlighter
from rich.table import Table
from rich.text import Text

from lingpai.cli.printing import plain, said
from lingpai.cli.tours.walking import FORM, Came, Held, Rows, Sent, Walked, masked

COLOURS = ("bold magenta", "bold cyan", "bold yellow", "bold blue")
"""What the front end was given has a colour of its own each, wherever it comes back."""

SHORTEST = 8
"""A value that is shorter is found by chance, and has no colour."""

LINE = 72
"""So long a line of JSON may be before it is laid out over several."""

LABELS = (("发出", "sent"), ("证明", "proof"), ("应答", "came"), ("拆开", "apart"), ("执行", "done"))


def shown(
    number: int, walked: Walked, held: Held, hidden: tuple[str, ...] = (), *, folded: bool = True
) -> RenderableType:
    """
    Return step *number* as it is shown.

    Args:
        held: What the front end holds, to be found again by its colour.
        hidden: What is cut short wherever it stands.
        folded: It is as wide as a terminal.

    """
    painted = {masked(value, hidden): style for value, style in (_colours(walked.had) | _colours(held)).items()}
    title = Text.assemble((f"{number:>2} ", "bold cyan"), (said(*walked.title), "bold"))
    parts = [(label, [_painted(line, painted) for line in lines]) for label, lines in _parts(walked, hidden)]
    return Group(Text(""), title, _beside(parts) if folded else _below(parts))


def _parts(walked: Walked, hidden: tuple[str, ...]) -> Iterator[tuple[str, Iterator[Text]]]:
    sent, proof, came, apart, done = (said(*label) for label in LABELS)
    if walked.sent:
        yield sent, _request(walked.sent, hidden)
    if walked.proof:
        yield proof, _rows(walked.proof, hidden)
    if walked.done:
        yield done, iter([Text(walked.done, style="bold")])
    if walked.came:
        yield came, _answer(walked.came, hidden, fits=walked.fits)
    if walked.apart:
        yield apart, _rows(walked.apart, hidden)


def _beside(parts: Sequence[tuple[str, Sequence[Text]]]) -> RenderableType:
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column(overflow="fold")
    for label, lines in parts:
        grid.add_row(f"   {label}", Group(*lines))
    return grid


def _below(parts: Sequence[tuple[str, Sequence[Text]]]) -> RenderableType:
    lines = []
    for label, of in parts:
        lines.append(Text(f"   {label}"))
        lines += [Text("     ") + part for line in of for part in line.split("\n")]
    return Group(*lines)


def told(walked: Walked, hidden: tuple[str, ...] = ()) -> dict[str, Any]:
    """Return a step as a program reads it."""

    def hide(text: str) -> str:
        return masked(text, hidden)

    def headers(of: Mapping[str, str]) -> dict[str, str]:
        return {name: hide(value) for name, value in of.items()}

    def rows(of: Rows) -> list[dict[str, str]]:
        return [{"name": name, "value": hide(value)} for name, value in of]

    sent, came = walked.sent, walked.came
    return {
        "title": said(*walked.title),
        "request": sent
        and {"method": sent.method, "url": hide(sent.url), "headers": headers(sent.headers), "body": hide(sent.body)},
        "proof": rows(walked.proof),
        "answer": came
        and {
            "status": came.status,
            "headers": headers(came.headers),
            "body": hide(came.body),
            "milliseconds": came.milliseconds,
        },
        "apart": rows(walked.apart),
        "done": walked.done,
        "as_expected": walked.fits,
    }


def _request(sent: Sent, hidden: tuple[str, ...]) -> Iterator[Text]:
    url, _, query = sent.url.partition("?")
    yield Text.assemble((sent.method, "bold green"), f" {url}")
    yield from _members(query, "  ?", hidden)
    yield from _headers(sent.headers, hidden)
    if sent.headers.get("Content-Type") == FORM:
        yield from _members(sent.body, "   ", hidden)
    elif sent.body:
        yield from _body(sent.body, hidden)


def _members(text: str, first: str, hidden: tuple[str, ...]) -> Iterator[Text]:
    """Yield the members of a query or form, each on a line of its own, as they were written."""
    for place, member in enumerate(filter(None, text.split("&"))):
        name, _, value = member.partition("=")
        yield Text.assemble((first if place == 0 else "  &", "dim"), (name, "cyan"), "=", masked(value, hidden))


def _answer(came: Came, hidden: tuple[str, ...], *, fits: bool) -> Iterator[Text]:
    mark = ("✓", "bold green") if fits else ("✗", "bold red")
    yield Text.assemble(mark, f" HTTP {came.status}", (f"  {came.milliseconds} ms", "dim"))
    yield from _headers(came.headers, hidden)
    yield from _body(came.body, hidden)


def _headers(headers: Mapping[str, str], hidden: tuple[str, ...]) -> Iterator[Text]:
    for name, value in headers.items():
        yield Text.assemble((name, "cyan"), ": ", plain(masked(value, hidden)))


def _body(body: str, hidden: tuple[str, ...]) -> Iterator[Text]:
    text = masked(body, hidden)
    try:
        pretty = laid_out(json.loads(text))
    except ValueError:
        yield plain(text)
        return
    made = plain(pretty)
    JSONHighlighter().highlight(made)
    yield made


def laid_out(value: Any, indent: str = "") -> str:
    """
    Return JSON whose short parts stand on one line each.

    >>> print(laid_out({"code": 1, "data": {"id": 1}}))
    {"code": 1, "data": {"id": 1}}
    """
    line = json.dumps(value, ensure_ascii=False)
    if len(indent) + len(line) <= LINE or not isinstance(value, dict | list) or not value:
        return line
    inner = indent + "  "
    if isinstance(value, list):
        parts = [inner + laid_out(part, inner) for part in value]
        return "[\n" + ",\n".join(parts) + f"\n{indent}]"
    parts = [f"{inner}{json.dumps(name, ensure_ascii=False)}: {laid_out(part, inner)}" for name, part in value.items()]
    return "{\n" + ",\n".join(parts) + f"\n{indent}}}"


def _rows(rows: Rows, hidden: tuple[str, ...]) -> Iterator[Text]:
    for name, value in rows:
        yield Text.assemble((name, "italic"), ("  ", ""), plain(masked(value, hidden)))


def _colours(held: Mapping[str, str]) -> dict[str, str]:
    given = [(name, value) for name, value in held.items() if name not in GIVEN]
    colours = {value: COLOURS[place % len(COLOURS)] for place, (_, value) in enumerate(given)}
    return {value: style for value, style in colours.items() if len(value) >= SHORTEST}


GIVEN = ("username", "password", "client_id", "client_secret", "expires")
"""What the front end brought itself, or cannot use again."""


def _painted(line: Text, painted: Mapping[str, str]) -> Text:
    for value, style in painted.items():
        line.highlight_words([value], style)
    return line
