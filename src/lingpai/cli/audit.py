"""`lingpai audit …`: what was done and by whom, and whether the record is still what was written."""

import csv
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Annotated, Any, Literal, get_args
from zoneinfo import ZoneInfo

import msgspec
from cyclopts import App, Parameter, validators
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

from lingpai.cli.opening import opened
from lingpai.cli.parameters import COMMANDS, HERE, SESSIONS, AsJson, Data, Limit, command
from lingpai.cli.printing import Trouble, console, moment, said, sheet, show, show_json, table
from lingpai.principals.chain import AUDIT
from lingpai.principals.verifying import Fault, Report, verify
from lingpai.stores.interfaces import Sealed, Stores
from lingpai.vocabulary.clock import SECOND
from lingpai.vocabulary.events import AuditRow, Seal, Subject, Wanted

APP = App(
    name="audit",
    group=SESSIONS,
    group_commands=COMMANDS,
    help=said("审计记录：列出、查看、校验、导出", "The audit trail: list, show, verify, export."),
)

SPAN = 50_000
"""Rows that one question looks through."""

BATCH = 1000
"""Links that are exported at once."""

_HEAD = re.compile(r"\b(\d{1,18}) ([0-9a-f]{64})\b")
"""A copied end of the chain, as `audit head` prints it; in a line of the log too."""

SINCE_UNITS = {"m": "minutes", "h": "hours", "d": "days"}

Position = Annotated[int, Parameter(validator=validators.Number(gte=1))]


@APP.command(name="list", help=said("列出做过的更改，最新的在前", "List what was changed, newest first."))
def list_(
    *,
    subject: Annotated[
        str, Parameter(help=said("改的是什么，如 user 或 user:12", "What was changed, such as user or user:12."))
    ] = "",
    actor: Annotated[
        str, Parameter(help=said("谁改的，如 operator 或 user:12", "Who did it, such as operator or user:12."))
    ] = "",
    kind: Annotated[
        str, Parameter(help=said("哪种更改，如 session:opened", "Which kind, such as session:opened."))
    ] = "",
    since: Annotated[
        str, Parameter(help=said("从何时起，如 2h、7d、2026-11-01", "Since when, such as 2h, 7d or 2026-11-01."))
    ] = "",
    limit: Limit = 50,
    data: Data = HERE,
    as_json: AsJson = False,
) -> None:
    """List audit rows."""
    with opened(data) as house:
        zone = house.settings.timezone
        wanted = _wanted(subject, actor, kind, _since(since, house.clock(), zone))
        rows = list(islice(_found(house.stores, wanted), limit))
    if as_json:
        show_json([_row(row) for row in rows])
        return
    if not rows:
        show(said("没有这样的记录。", "There is no such row."))
        return
    heads = [said(*head) for head in (("编号", "number"), ("时间", "time"), ("更改", "kind"), ("对象", "subject"))]
    heads += [said(*head) for head in (("操作者", "actor"), ("详情", "detail"))]
    show(
        table(
            heads,
            [[row.number, moment(row.at, zone), row.kind, _subject(row), row.actor, _detail(row)] for row in rows],
        )
    )


@APP.command(name="show", help=said("显示一条记录和它的封印", "Show one row, and its seal."))
def show_row(
    number: Annotated[int, Parameter(help=said("记录的编号", "The row's number."))],
    /,
    *,
    data: Data = HERE,
    as_json: AsJson = False,
) -> None:
    """Show one row."""
    with opened(data) as house:
        rows = house.stores.audit.page(number - 1, 1)
        seal = house.stores.seals.of(number)
        zone = house.settings.timezone
    if not rows or rows[0].number != number:
        raise Trouble(f"没有编号为 {number} 的记录。", f"there is no row {number}.")
    row = rows[0]
    if as_json:
        show_json(_told(row, seal))
        return
    sealed = f"{seal.position} {seal.hash.hex()}" if seal else said("尚未封印", "not sealed yet")
    lines = [
        (said("编号", "number"), row.number),
        (said("时间", "time"), f"{_iso(row.at)} ({moment(row.at, zone)} {zone})"),
        (said("更改", "kind"), row.kind),
        (said("对象", "subject"), _subject(row)),
        (said("操作者", "actor"), row.actor),
        *((f"  {name}", "" if value is None else value) for name, value in sorted(row.detail.items())),
        (said("封印", "seal"), sealed),
    ]
    show(sheet(lines))


@APP.command(
    help=said(
        "显示链尾：位置和哈希。另存到别处，日后可证明链没有被截断",
        "Print the end of the chain: position and hash. A copy kept elsewhere shows later that nothing was cut off.",
    )
)
def head(*, data: Data = HERE, as_json: AsJson = False) -> None:
    """Print the end of the chain."""
    with opened(data) as house:
        last = house.stores.seals.head()
    if as_json:
        show_json({"position": last.position, "hash": last.hash.hex()} if last else None)
    elif last is None:
        raise Trouble(
            "还没有封印：服务运行时每秒封印一次。", "nothing is sealed yet: a running server seals every second."
        )
    else:
        sys.stdout.write(f"{last.position} {last.hash.hex()}\n")


@APP.command(
    name="verify", help=said("校验整条链；有问题时退出码为 1", "Verify the chain; exit code 1 when it is broken.")
)
def verify_(
    *,
    first: Annotated[
        Position, Parameter(name="--from", help=said("从这个位置开始", "Begin at this position of the chain."))
    ] = 1,
    heads: Annotated[
        Path | None,
        Parameter(
            name="--head",
            help=said(
                "存有 audit head 输出(或服务日志)的文件",
                "A file of lines that `audit head` printed, or a server logged.",
            ),
        ),
    ] = None,
    data: Data = HERE,
    as_json: AsJson = False,
) -> None:
    """Verify the chain."""
    copied = _heads(heads) if heads else {}
    with opened(data) as house:
        house.keys.prepare(AUDIT)
        with _progress() as went:
            report = verify(house.stores, house.keys, house.clock, first=first, heads=copied, went=went)
    if as_json:
        show_json(_report(report))
    else:
        _show_report(report, data)
    if report.faults:
        sys.exit(1)


@APP.command(
    help=said("按封印的次序导出到标准输出", "Write the trail to standard output, in the order of its seals."),
)
def export(
    *,
    after: Annotated[int, Parameter(help=said("从这个位置之后开始", "Begin after this position; 0 for all."))] = 0,
    written: Annotated[
        Literal["jsonl", "csv"], Parameter(name="--format", help=said("格式", "In which form."))
    ] = "jsonl",
    data: Data = HERE,
) -> None:
    """Export the trail."""
    with opened(data) as house:
        _WRITERS[written](_chain(house.stores, after))


def _wanted(subject: str, actor: str, kind: str, since: int) -> Wanted:
    name, _, subject_id = subject.partition(":")
    known = get_args(Subject)
    if name and name not in known:
        names = ", ".join(known)
        raise Trouble(f"--subject {name}：有 {names}。", f"--subject {name}: there are {names}.")
    return Wanted(name, subject_id, actor, kind, since)


def _since(text: str, now: int, zone: str) -> int:
    if not text:
        return 0
    if (count := text[:-1]).isdecimal() and text[-1] in SINCE_UNITS and len(count) < 6:  # noqa: PLR2004 - any more is no date
        return now - int(timedelta(**{SINCE_UNITS[text[-1]]: int(count)}).total_seconds()) * SECOND
    try:
        told = datetime.fromisoformat(text)
    except ValueError:
        raise Trouble(
            f"--since {text}：请写成 2h、7d 或 2026-11-01T08:00。", f"--since {text}: write 2h, 7d or 2026-11-01T08:00."
        ) from None
    return int((told if told.tzinfo else told.replace(tzinfo=ZoneInfo(zone))).timestamp() * SECOND)


def _found(stores: Stores, wanted: Wanted) -> Iterator[AuditRow]:
    """Yield what is wanted, newest first; no question looks through more than a span of numbers."""
    below = stores.audit.newest() + 1
    while below > 1:
        above = max(0, below - SPAN - 1)
        rows = stores.audit.find(wanted, above, below, BATCH)
        yield from rows
        below = rows[-1].number if len(rows) == BATCH else above + 1


def _chain(stores: Stores, after: int) -> Iterator[Sealed]:
    while batch := stores.seals.page(after, BATCH):
        yield from (sealed for sealed in batch if sealed.row is not None)
        after = batch[-1].seal.position


def _write_lines(chain: Iterator[Sealed]) -> None:
    for sealed in chain:
        assert sealed.row  # noqa: S101 - `_chain` leaves out what is missing
        sys.stdout.write(msgspec.json.encode(_told(sealed.row, sealed.seal)).decode() + "\n")


def _write_table(chain: Iterator[Sealed]) -> None:
    written = csv.writer(sys.stdout)
    written.writerow(("position", "number", "time", "kind", "subject", "subject_id", "actor", "detail", "hash"))
    for sealed in chain:
        assert sealed.row  # noqa: S101 - see `_write_lines`
        told = _told(sealed.row, sealed.seal) | {"detail": msgspec.json.encode(sealed.row.detail).decode()}
        names = ("position", "number", "time", "kind", "subject", "subject_id", "actor", "detail", "hash")
        written.writerow([_cell(told[name]) for name in names])


_WRITERS: Mapping[str, Callable[[Iterator[Sealed]], None]] = {"jsonl": _write_lines, "csv": _write_table}


def _cell(value: object) -> object:
    """Return *value* for a spreadsheet, which must not take somebody's name for a formula."""
    return f"'{value}" if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r") else value


def _told(row: AuditRow, seal: Seal | None) -> dict[str, Any]:
    position, made = (seal.position, seal.hash.hex()) if seal else (None, None)
    return {"position": position, **_row(row), "hash": made}


def _row(row: AuditRow) -> dict[str, Any]:
    return {
        "number": row.number,
        "time": _iso(row.at),
        "kind": row.kind,
        "subject": row.subject,
        "subject_id": row.subject_id,
        "actor": row.actor,
        "detail": dict(row.detail),
    }


def _iso(at: int) -> str:
    return datetime.fromtimestamp(at / SECOND, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _subject(row: AuditRow) -> str:
    return f"{row.subject}:{row.subject_id}" if row.subject_id else row.subject


def _detail(row: AuditRow) -> str:
    return " ".join(f"{name}={value}" for name, value in row.detail.items() if value not in (None, ""))


def _heads(path: Path) -> dict[int, bytes]:
    found = _HEAD.findall(path.read_text(encoding="utf-8", errors="replace"))
    if not found:
        raise Trouble(
            f"{path} 里没有 lingpai audit head 输出的行。", f"{path} holds no line that `lingpai audit head` printed."
        )
    return {int(position): bytes.fromhex(hash_) for position, hash_ in found}


@contextmanager
def _progress() -> Iterator[Callable[[int, int], None]]:
    """Show a bar where somebody looks."""
    bar = Progress(
        BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), console=console(errors=True), transient=True
    )
    bar.disable = not sys.stderr.isatty()
    with bar:
        task = bar.add_task("", total=None)
        yield lambda done, all_: bar.update(task, completed=done, total=all_)


_FAULTS: Mapping[str, tuple[str, str]] = {
    "row-changed": (
        "位置 {position}：记录 {number} 与封印不符，被改过",
        "position {position}: row {number} is not what was sealed: it was changed",
    ),
    "row-moved": (
        "位置 {position}：记录 {number} 封印时在位置 {other}，次序被改过",
        "position {position}: row {number} was sealed at position {other}: the order was changed",
    ),
    "row-missing": (
        "位置 {position}：记录 {number} 不见了，被删除",
        "position {position}: row {number} is missing: it was deleted",
    ),
    "row-backdated": (
        "位置 {position}：记录 {number} 的时间比先封印的早得多，是事后插入的",
        "position {position}: row {number} says it is much older than what was sealed before it: it was put in later",
    ),
    "row-unsealed": (
        "记录 {number} 没有封印：是插入的，或没有服务在封印",
        "row {number} is not sealed: it was put in, or no server has run since",
    ),
    "seal-changed": (
        "位置 {position}：记录 {number} 的封印被改过",
        "position {position}: the seal of row {number} was changed",
    ),
    "seals-missing": (
        "位置 {position} 到 {other} 的封印不见了，被删除",
        "positions {position} to {other}: the seals are missing: they were deleted",
    ),
    "key-unknown": (
        "位置 {position}：记录 {number} 的封印用的密钥不在这里",
        "position {position}: the seal of row {number} names a key that is not here",
    ),
    "tail-cut": (
        "位置 {position} 有副本或刚才还在，链却止于 {other}：链尾被截断",
        "position {position} was copied or seen before, but the chain ends at {other}: its end was cut off",
    ),
    "head-differs": (
        "位置 {position}(记录 {number})与副本或刚才读到的不同：链被换过",
        "position {position} (row {number}) differs from what was copied or seen before: the chain was replaced",
    ),
}
"""What each fault is called, in Chinese and English."""


def _words(fault: Fault) -> str:
    return said(*_FAULTS[fault.what]).format(position=fault.position, number=fault.number, other=fault.other)


def _report(report: Report) -> dict[str, Any]:
    last = report.head
    return {
        "whole": not report.faults,
        "checked": report.checked,
        "head": {"position": last.position, "hash": last.hash.hex()} if last else None,
        "waiting": report.waiting,
        "faults": [
            {"what": one.what, "position": one.position or None, "number": one.number or None, "words": _words(one)}
            for one in report.faults
        ],
    }


def _show_report(report: Report, data: Path) -> None:
    for fault in report.faults:
        show(_words(fault))
    if report.faults:
        show(
            said(
                f"链已损坏：查了 {report.checked} 个封印，{len(report.faults)} 处不对。",
                f"The chain is broken: {report.checked} seals checked, {len(report.faults)} faults.",
            )
        )
        if all(fault.what == "row-unsealed" for fault in report.faults):
            typed = command("serve", data)
            show(
                said(
                    f"如果更改是在服务停止时做的：运行 {typed}，一秒后再校验。",
                    f"If they were made while no server ran: start `{typed}`, and verify again a second later.",
                )
            )
        return
    end = f"{report.head.position} {report.head.hash.hex()}" if report.head else "-"
    show(
        said(
            f"完好：查了 {report.checked} 个封印，{report.waiting} 条刚写的还没有封印。链尾：",
            f"Whole: {report.checked} seals checked, {report.waiting} rows too young to be sealed. The end:",
        ),
        end,
    )
