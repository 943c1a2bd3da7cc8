"""`lingpai doctor`: what is right, what is not, and what to do about it."""

import os
import resource
import shutil
import stat
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from lingpai import __version__
from lingpai.cli.findings import Finding, Verdict, bad, fine
from lingpai.cli.opening import every
from lingpai.cli.parameters import HERE, AsJson, Data, command
from lingpai.cli.policies import first_day
from lingpai.cli.printing import marked, moment, said, show, show_json, table
from lingpai.cli.seen_through import asked_through
from lingpai.composition import DataTrouble, House, Schema, holds_data, is_url, open_house, schema_of
from lingpai.principals.chain import AUDIT
from lingpai.principals.keys import KeyTrouble
from lingpai.principals.verifying import verify
from lingpai.vocabulary.clock import SECOND, system_clock
from lingpai.vocabulary.outcomes import Refused
from lingpai.vocabulary.settings import SettingRefused

LAST = 2000
"""So many links at the end of the audit chain are verified."""

FULL = 0.05
"""A disk with less of itself free is nearly full."""

FEW_FILES = 4096
"""Open files that a busy worker may need: two for each connection."""

MARKS = {"ok": "[green]✓[/]", "warn": "[yellow]![/]", "bad": "[bold red]✗[/]"}

TRAPS = ("msgspec", "granian", "sqlalchemy", "cryptography", "argon2-cffi", "psycopg", "redis", "cyclopts")
"""Libraries whose version matters when something is wrong."""


@dataclass(frozen=True, slots=True)
class Patient:
    """What is looked at."""

    data: Path
    house: House
    schema: Schema


def doctor(
    *,
    url: Annotated[
        str,
        Parameter(
            help=said(
                "公开地址：经过代理访问服务，看它眼中的来访者",
                "The public address: ask the server through its proxy what it sees of whoever asks.",
            )
        ),
    ] = "",
    data: Data = HERE,
    as_json: AsJson = False,
) -> None:
    """Look at everything, say what is wrong, and end with code 1 where something is bad."""
    findings = list(_all(data, url))
    if as_json:
        show_json(
            {
                "version": __version__,
                "checks": [
                    {"name": one.name, "verdict": one.verdict, "found": said(one.zh, one.en), "todo": one.todo}
                    for one in findings
                ],
            }
        )
    else:
        _show(findings)
    if any(one.verdict == "bad" for one in findings):
        sys.exit(1)


def _show(findings: list[Finding]) -> None:
    what = said("项目", "what")
    made = table(("", what, said("情况", "found")), [], whole=(what,))
    for one in findings:
        found = marked(
            "{found}" + ("\n[bold]→ {todo}[/]" if one.todo else ""), found=said(one.zh, one.en), todo=one.todo
        )
        made.add_row(marked(MARKS[one.verdict]), one.name, found)
    show(made)
    wrong, warn = (sum(one.verdict == verdict for one in findings) for verdict in ("bad", "warn"))
    show(
        "",
        said(
            f"{len(findings)} 项，{wrong} 项有问题，{warn} 项要留意。",
            f"{len(findings)} checks: {wrong} bad, {warn} to mind.",
        ),
    )


def _all(data: Path, url: str) -> Iterator[Finding]:
    yield from _machine(data)
    yield from _versions()
    try:
        if not holds_data(data, os.environ):
            yield bad("data", f"{data} 里没有数据", f"there is no data in {data}", command("serve", data))
            return
    except SettingRefused as refused:
        yield bad("settings", refused.zh, str(refused), command("config check", data))
        return
    except KeyTrouble as trouble:
        yield bad("master key", str(trouble), str(trouble))
        return
    yield from _opened(data)
    if url:
        yield from asked_through(url)


def _opened(data: Path) -> Iterator[Finding]:
    try:
        schema = schema_of(data, os.environ)
    except SettingRefused as refused:
        yield bad("database", refused.zh, str(refused), command("config check", data))
        return
    except (DataTrouble, OSError) as trouble:
        yield bad("database", f"打不开：{trouble}", f"it cannot be opened: {trouble}")
        return
    yield from _database(schema, data)
    if schema.to_do() or (schema.version or "") > schema.head:
        # To open it would change it.
        return
    try:
        house = open_house(data, os.environ)
    except KeyTrouble as trouble:
        yield bad("master key", str(trouble), str(trouble))
        return
    except (DataTrouble, SettingRefused, Refused, OSError) as trouble:
        yield bad("database", str(trouble), str(trouble))
        return
    try:
        for look in LOOKS:
            yield from _looked(look, Patient(data, house, schema))
    finally:
        house.stores.close()


def _looked(look: Callable[[Patient], Iterator[Finding]], patient: Patient) -> Iterator[Finding]:
    name = look.__name__.strip("_").replace("_", " ")
    try:
        yield from look(patient)
    except SettingRefused as refused:
        yield bad(name, refused.zh, str(refused), command("config check", patient.data))
    except (KeyTrouble, Refused, ValueError, OSError) as trouble:
        yield bad(name, str(trouble), str(trouble))


def _machine(data: Path) -> Iterator[Finding]:
    folder = next((one for one in (data, *data.absolute().parents) if one.exists()), Path())
    usage = shutil.disk_usage(folder)
    free = f"{usage.free / 2**30:.1f} GiB"
    if usage.free < usage.total * FULL:
        yield Finding("disk", "warn", f"只剩 {free}", f"{free} are left", said("腾出空间", "make room"))
    else:
        yield fine("disk", f"剩余 {free}", f"{free} are free")
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if files < FEW_FILES:
        todo = said("用 ulimit -n 65536 启动，或 systemd 的 LimitNOFILE", "ulimit -n 65536, or LimitNOFILE of systemd")
        yield Finding("open files", "warn", f"上限 {files}", f"the limit is {files}", todo)
    else:
        yield fine("open files", f"上限 {files}", f"the limit is {files}")


def _versions() -> Iterator[Finding]:
    python = ".".join(map(str, sys.version_info[:3]))
    found = []
    for name in TRAPS:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            continue
    told = f"lingpai {__version__}, Python {python}, {', '.join(found)}"
    yield fine("versions", told, told)


def _database(schema: Schema, data: Path) -> Iterator[Finding]:
    engine, looked = schema.looked.engine, schema.looked
    if looked.journal not in ("", "wal"):
        todo = said("启动一次服务，它会改成 WAL", "start a server once: it sets WAL")
        yield Finding("journal", "warn", f"{engine}，{looked.journal} 模式", f"{engine} in mode {looked.journal}", todo)
    else:
        mode = ", WAL" if looked.journal else ""
        yield fine("database", f"{engine}{mode}", f"{engine}{mode}")
    if (schema.version or "") > schema.head:
        yield bad("schema", f"来自更新的版本 {schema.version}", f"made by a later version: {schema.version}", "upgrade")
    elif schema.to_do():
        yield bad(
            "schema",
            f"版本 {schema.version}，程序是 {schema.head}",
            f"it is {schema.version}, the program {schema.head}",
            command("migrate", data),
        )
    else:
        yield fine("schema", f"版本 {schema.version}，模块 {len(schema.modules)} 个", f"{schema.version}")
    if looked.now is not None:
        apart = abs(looked.now - system_clock()) / SECOND
        if apart > 2:  # noqa: PLR2004 - what a request takes, and more
            todo = said("校准两边的时钟(NTP)", "set both clocks (NTP)")
            yield bad("server's clock", f"与数据库相差 {apart:.0f} 秒", f"{apart:.0f} s from the database's", todo)
        else:
            yield fine("server's clock", "与数据库一致", "it agrees with the database's")


def _clock(patient: Patient) -> Iterator[Finding]:
    now, latest, zone = system_clock(), patient.house.stores.moments.latest(), patient.house.settings.timezone
    behind = (latest - now) // SECOND
    if behind > 60:  # noqa: PLR2004 - as `principals.timekeeping` has it
        yield bad(
            "clock",
            f"落后 {behind} 秒：见过 {moment(latest, zone)}",
            f"{behind} s behind: {moment(latest, zone)} was seen",
            said("校准时钟；若它曾经快过：", "set it; if it had been ahead: ") + command("clock trust", patient.data),
        )
    else:
        yield fine("clock", f"{moment(now, zone)} {zone}", f"{moment(now, zone)} {zone}")


def _keys(patient: Patient) -> Iterator[Finding]:
    source, house = patient.house.master_key, patient.house
    if source is not None and source.is_file:
        mode = stat.S_IMODE(source.file.stat().st_mode)
        yield fine("master key", f"文件 {source.file}，{mode:o}", f"the file {source.file}, {mode:o}")
        if source.file.parent == patient.data and not is_url(house.settings.database):
            todo = said(
                "备份时把它与数据库分开存放", "keep its backup apart from the database's: together they open everything"
            )
            yield Finding("key's backup", "ok", "与数据库在同一目录", "it lies beside the database", todo)
    else:
        where = said("变量或命令", "a variable or a command")
        yield fine("master key", where, f"it comes from {where}")
    purposes = sorted({row.purpose for row in house.stores.keys.all()})
    for purpose in purposes:
        house.keys.prepare(purpose)
    if house.keys.are_all_open():
        yield fine("keys", f"{len(purposes)} 种，都能打开", f"{len(purposes)} purposes, each opens")
    else:
        yield bad("keys", "有密钥打不开", "one does not open", said("恢复正确的主密钥", "restore the right master key"))


def _settings(patient: Patient) -> Iterator[Finding]:
    house = patient.house
    served, _ = house.served, house.entrances
    hosts = sum(len(one.hosts) for one in served.values())
    yield fine(
        "settings", f"{len(served)} 个接口约定，{hosts} 个域名", f"{len(served)} contracts, {hosts} hosts of their own"
    )


def _proxies(patient: Patient) -> Iterator[Finding]:
    settings = patient.house.settings
    _ = patient.house.proxies
    if settings.trusted_proxies:
        listed, headers = ", ".join(settings.trusted_proxies), settings.proxy_headers
        yield fine("proxies", f"{listed} 写 {headers}", f"{listed} write {headers}")
    else:
        yield Finding(
            "proxies",
            "ok",
            "没有列出：转发头不予理会",
            "none is listed: nobody's X-Forwarded headers count",
            said("若前面有代理，请设 trusted_proxies", "behind a proxy, name it in trusted_proxies"),
        )


def _weak_forms(patient: Patient) -> Iterator[Finding]:
    house = patient.house
    day = first_day(house.clock(), house.settings.timezone)
    uses: dict[str, int] = {}
    for use in house.stores.weak_uses.since(day):
        uses[use.form] = uses.get(use.form, 0) + use.uses
    if uses:
        told = ", ".join(f"{form} {count}" for form, count in sorted(uses.items()))
        todo = command("client weak", patient.data)
        verdict: Verdict = "warn" if "plain-http" in uses else "ok"
        yield Finding("weak forms", verdict, f"30 天内：{told}", f"in 30 days: {told}", todo)
    else:
        yield fine("weak forms", "30 天内没有使用", "none was used in 30 days")


def _audit(patient: Patient) -> Iterator[Finding]:
    house = patient.house
    head = house.stores.seals.head()
    if head is None:
        yield Finding("audit", "ok", "还没有封印", "nothing is sealed yet")
        return
    house.keys.prepare(AUDIT)
    first = max(1, head.position - LAST + 1)
    report = verify(house.stores, house.keys, house.clock, first=first)
    if report.faults:
        todo = command("audit verify", patient.data)
        count = len(report.faults)
        yield bad(
            "audit", f"最后 {report.checked} 条有 {count} 处不对", f"{count} faults in the last {report.checked}", todo
        )
    else:
        yield fine("audit", f"最后 {report.checked} 条完好", f"the last {report.checked} links are whole")


def _workers(patient: Patient) -> Iterator[Finding]:
    settings, cores = patient.house.settings, os.cpu_count() or 1
    told = f"{cores} cores, {settings.threads} threads a worker"
    yield fine("workers", f"{cores} 核，每个进程 {settings.threads} 个线程", told)


def _people(patient: Patient) -> Iterator[Finding]:
    stores = patient.house.stores
    users = sum(1 for _ in zip(range(10_000), every(stores.accounts.page, 0), strict=False))
    more = "+" * (users == 10_000)  # noqa: PLR2004 - counted no further
    if users:
        yield fine("users", f"{users}{more}", f"{users}{more}")
    else:
        yield Finding("users", "warn", "还没有用户", "there are none", command("user add NAME", patient.data))


LOOKS = (_clock, _keys, _settings, _proxies, _weak_forms, _audit, _workers, _people)
