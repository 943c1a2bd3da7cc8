"""
How the server's lines look: JSON, one object a line, or something to read where standard error is a terminal.

A traceback names types and places, and no message that is not our own: Python puts values into messages
(`invalid literal for int(): 'hunter2'`), and a value may be a secret.
"""

import logging
import os
import sys
import traceback
from collections.abc import MutableMapping
from typing import Any

from lingpai.edge.logbook import current_request, request_id

Line = MutableMapping[str, Any]

OURS = "lingpai"
"""Whose lines are written from INFO on; others' from WARNING on. Messages of exceptions named so are written too."""

_HEADER = "Traceback (most recent call last):\n"


def write_logs() -> None:
    """Let every logger write to standard error, from now on; where somebody has configured logging already, nothing."""
    # Half a tenth of a second that only a server needs.
    import structlog

    root = logging.getLogger()
    if root.handlers:
        return
    to_terminal = sys.stderr.isatty()
    # What is written about most is left to write itself: its own renderer puts it last.
    shown: list[Any] = (
        [structlog.dev.ConsoleRenderer(event_key="message", timestamp_key="at")]
        if to_terminal
        else [structlog.processors.JSONRenderer(ensure_ascii=False)]
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[
                structlog.stdlib.add_log_level,
                structlog.stdlib.add_logger_name,
                structlog.stdlib.ExtraAdder(),
                structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
            ],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.EventRenamer("message"),
                _name_process_and_request,
                _write_traceback,
                _order,
                *shown,
            ],
        )
    )
    root.addHandler(handler)
    root.setLevel(logging.WARNING)
    logging.getLogger(OURS).setLevel(logging.INFO)


def told(trouble: BaseException) -> str:
    """Return the traceback of *trouble* and of what brought it about, without values."""
    parts = []
    seen: set[int] = set()
    current: BaseException | None = trouble
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        frames = "".join(traceback.format_list(traceback.extract_tb(current.__traceback__)))
        parts.append(f"{_HEADER}{frames}{_named(current)}")
        current = current.__cause__ or (None if current.__suppress_context__ else current.__context__)
    return "\n\nbrought about by\n\n".join(parts)


def _named(trouble: BaseException) -> str:
    kind = type(trouble)
    name = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    if kind.__module__.partition(".")[0] == OURS:
        return f"{name}: {trouble}"
    if isinstance(trouble, OSError) and trouble.strerror:
        return f"{name}: [Errno {trouble.errno}] {trouble.strerror}"
    return name


def _name_process_and_request(_logger: object, _method: str, line: Line) -> Line:
    line["pid"] = os.getpid()
    request = current_request()
    if request is not None:
        line.setdefault("request", request_id(request))
    return line


def _write_traceback(_logger: object, _method: str, line: Line) -> Line:
    trouble = line.pop("exc_info", None)
    if isinstance(trouble, tuple):
        trouble = trouble[1]
    if isinstance(trouble, BaseException):
        line["traceback" if not sys.stderr.isatty() else "exception"] = told(trouble)
    return line


def _order(_logger: object, _method: str, line: Line) -> Line:
    first = ("at", "level", "message", "logger", "request")
    return {name: line[name] for name in first if name in line} | dict(line)
