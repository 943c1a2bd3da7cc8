"""
Transcripts: conversations in plain text, and what it takes to play them.

`@` sets the stage, `>` is sent, `<` must come back, `##` titles, `#` remarks, an empty line
ends an exchange. An empty `>` or `<` parts head from body; it may be left out where the body
does not look like a header. A header that must not come is expected to be `-`. What every answer of every house
has, `play` looks for unasked. `{{name}}` or `{{name:argument}}` in what is sent is what `PLACEHOLDERS` computes for it.
"""

import re
import shlex
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from lingpai.cli.stage import Stage

HEADER = re.compile(r"[A-Za-z][A-Za-z0-9-]*: ")

EVERY_ANSWER = [("Cache-Control", "no-store"), ("Vary", "Origin")]
"""Headers that no answer goes without, whatever its transcript says of others."""


class Differs(AssertionError):
    """An answer is not what its transcript says."""


@dataclass(frozen=True)
class Exchange:
    """One question and its answer; *line* is where it starts in the file."""

    title: str
    line: int
    stage: tuple[str, ...]
    sent: tuple[str, ...]
    expected: tuple[str, ...]


def exchanges(text: str) -> Iterator[Exchange]:
    """Yield the exchanges of a transcript, in order; `@` lines that stand alone belong to the next."""
    title, stage, sent, expected, start = "", [], [], [], 0
    for number, line in enumerate([*text.splitlines(), ""], 1):
        if line.startswith("## "):
            title = line[3:]
        elif line.startswith("@ "):
            stage.append(line[2:])
        elif line.startswith(">"):
            start = start or number
            sent.append(line[2:])
        elif line.startswith("<"):
            expected.append(line[2:])
        elif line.startswith("#"):
            pass
        elif line.strip():
            raise ValueError(f"line {number}: neither title, remark, stage, sent nor expected: {line}")
        elif sent:
            yield Exchange(title, start, tuple(stage), tuple(sent), tuple(expected))
            stage, sent, expected, start = [], [], [], 0


def head_and_body(lines: tuple[str, ...]) -> tuple[list[tuple[str, str]], str]:
    """Return headers and body of what follows the first line."""
    headers = []
    rest = list(lines)
    while rest and HEADER.match(rest[0]):
        name, _, value = rest.pop(0).partition(": ")
        headers.append((name, value))
    if rest and not rest[0]:
        rest.pop(0)
    return headers, "\n".join(rest)


def play(path: Path, stage: Stage) -> Iterator[tuple[Exchange, tuple[int, str]]]:
    """
    Play the transcript at *path*, and yield each exchange with the status and body that came.

    Raises:
        Differs: The message names file, line, what was expected and what came.

    """
    for exchange in exchanges(path.read_text(encoding="utf-8")):
        status, came_headers, came = asked(exchange, stage)
        where = f"{path.name}:{exchange.line}: {exchange.title}\n  {exchange.sent[0]}"
        expected_headers, expected_body = head_and_body(exchange.expected[1:])
        expected_status = exchange.expected[0] if exchange.expected else "nothing"
        if str(status) != expected_status:
            raise Differs(f"{where}\n  expected {expected_status}\n  got      {status} {came}")
        if came != expected_body:
            raise Differs(f"{where}\n  expected {expected_body}\n  got      {came}")
        for name, value in [*EVERY_ANSWER, *told_reason(came), *expected_headers]:
            got = came_headers.get(name.lower(), "-")
            if got != value:
                raise Differs(f"{where}\n  expected {name}: {value}\n  got      {name}: {got}")
        yield exchange, (status, came)


def asked(exchange: Exchange, stage: Stage, *more: tuple[str, str]) -> tuple[int, dict[str, str], str]:
    """Set the stage, send what *exchange* sends with *more* headers, and return status, headers and body that came."""
    for direction in exchange.stage:
        verb, *words = shlex.split(direction)
        if verb not in Stage.VERBS:
            raise ValueError(f"line {exchange.line}: no verb {verb}")
        getattr(stage, verb)(*words)
    method, _, target = exchange.sent[0].partition(" ")
    headers, body = head_and_body(exchange.sent[1:])
    target = filled(target, target, stage)
    headers = [(name, filled(value, target, stage)) for name, value in headers]
    status, came_headers, came = stage.answer(method, target, [*headers, *more], filled(body, target, stage))
    return status, came_headers, came.decode()


def told_reason(body: str) -> list[tuple[str, str]]:
    """Return the header that says what *body* says of why a session is over, where it says so."""
    return [("X-Lingpai-Reason", reason) for reason in re.findall(r'"reason":"(\w+)"', body)]


def filled(text: str, target: str, stage: Stage) -> str:
    """Return *text* with its placeholders computed; *target* is that of the whole request."""

    def computed(found: re.Match[str]) -> str:
        return PLACEHOLDERS[found[1]](found[2] or "", target, stage)

    return re.sub(r"\{\{(\w+)(?::([^{}]*))?\}\}", computed, text)


def letters(size: str, _target: str, _stage: Stage) -> str:
    """Return so many bytes, each an `x`."""
    return "x" * int(size)


def nested(levels: str, _target: str, _stage: Stage) -> str:
    """Return JSON arrays, so many inside each other."""
    return "[" * int(levels) + "]" * int(levels)


def raw(digits: str, _target: str, _stage: Stage) -> str:
    """Return the bytes that hexadecimal *digits* write: blanks at an edge, or what is no UTF-8."""
    return bytes.fromhex(digits).decode(errors="surrogateescape")


PLACEHOLDERS: dict[str, Callable[[str, str, Stage], str]] = {
    "bytes": letters,
    "hex": raw,
    "nested": nested,
}
"""What a sent line may leave to the runner: what is long, and what no text file holds. A test may add its own."""
