"""`lingpai config …`: the settings in force, and whether a file of them is right."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import msgspec
from cyclopts import App, Parameter

from lingpai.cli.parameters import CARE, COMMANDS, HERE, AsJson, Data
from lingpai.cli.printing import Trouble, said, show, show_json, table
from lingpai.composition import SETTINGS, check_database, declarations, module_declarations, sketch
from lingpai.vocabulary.settings import (
    DATABASE_URL,
    NOT_SETTINGS,
    PREFIX,
    REDIS_URL,
    SettingRefused,
    Settings,
    load_settings,
    raw_settings,
    read_settings,
    told_settings,
)

APP = App(
    name="config",
    group=CARE,
    group_commands=COMMANDS,
    help=said("设置：显示、检查", "Settings: show those in force, check a file."),
)

PARTS = ("contracts", "modules", "forward")
"""Sections of sections: each contract, module and service has its own."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting: its name with its sections, its value as it may be told, and who said so."""

    name: str
    value: Any
    source: str


@APP.command(name="show", help=said("显示生效的设置和来源，机密已遮住", "Show what is in force, and who said so."))
def show_config(
    *,
    changed: Annotated[
        bool, Parameter(negative="", help=said("只显示不是默认值的", "Only what is not left at its default."))
    ] = False,
    data: Data = HERE,
    as_json: AsJson = False,
) -> None:
    """Show the settings in force."""
    rows = [row for row in _settings(data) if not changed or row.source != DEFAULT]
    if as_json:
        show_json([{"name": row.name, "value": row.value, "source": row.source} for row in rows])
        return
    default = said("默认", "default")
    heads = [said("设置", "setting"), said("值", "value"), said("来源", "from")]
    cells = [(row.name, _cell(row.value), default if row.source == DEFAULT else row.source) for row in rows]
    show(table(heads, cells, whole=heads[:1]))


@APP.command(
    help=said("检查设置：每个错误一行，有错时退出码为 2", "Check settings: each error on a line; exit code 2 on any.")
)
def check(
    file: Annotated[
        Path | None, Parameter(help=said("哪个文件；默认数据目录中的 lingpai.toml", "Which; else that of the folder."))
    ] = None,
    /,
    *,
    data: Data = HERE,
    as_json: AsJson = False,
) -> None:
    """Say everything that is wrong with a file of settings, together with the variables."""
    if file is not None and not file.is_file():
        raise Trouble(f"没有文件 {file}。", f"there is no file {file}.")
    path = file or data / SETTINGS
    wrong = [said(each.zh, str(each)) for each in _wrong(path)]
    if as_json:
        show_json({"file": str(path), "errors": wrong})
    else:
        show(*wrong)
    if wrong:
        raise Trouble(f"{path}：{len(wrong)} 处错误。", f"{path}: errors: {len(wrong)}.")
    if not as_json:
        where = path if path.exists() else said(f"{path} 不存在，全部取默认值", f"{path} does not exist: all defaults")
        show(said(f"设置正确：{where}。", f"The settings are right: {where}."))


DEFAULT = "default"


def _settings(data: Path) -> list[Setting]:
    settings = load_settings(data / SETTINGS, os.environ)
    house = sketch(settings)
    told = told_settings(settings)
    told.pop("file")
    for name, declaration in declarations(settings).items():
        told["contracts"][name] = _told_part(house.settings_of(declaration), told["contracts"].get(name, {}))
    for name, module in module_declarations(settings).items():
        known = msgspec.convert(settings.modules.get(name, {}), module.settings, strict=False)
        told["modules"][name] = _told_part(known, told["modules"].get(name, {}))
    sources = dict(_sources(data / SETTINGS))
    return [Setting(name, value, sources.get(name, DEFAULT)) for name, value in _flat(told)]


def _told_part(known: Any, told: Mapping[str, Any]) -> dict[str, Any]:
    """Return all that holds for a contract or module; what was said of it is told as logs tell it."""
    # Text from a variable is of a type of its own, which remembers where it came from.
    all_of_it = msgspec.to_builtins(known, enc_hook=str)
    return {**{name: value for name, value in all_of_it.items() if name not in known.NOT_SET}, **told}


def _flat(told: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in told.items():
        if isinstance(value, Mapping) and value:
            yield from _flat(value, f"{before}{name}.")
        else:
            yield before + name, value


def _sources(file: Path) -> Iterator[tuple[str, str]]:
    yield from ((name, str(file)) for name, _ in _flat(raw_settings(file, {})))
    if os.environ.get(DATABASE_URL):
        yield "database", DATABASE_URL
    if os.environ.get(REDIS_URL):
        yield "limits.shared", REDIS_URL
    for variable in os.environ:
        if variable.startswith(PREFIX) and variable not in NOT_SETTINGS:
            yield variable.removeprefix(PREFIX).lower().replace("__", "."), variable


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    return str(value)


def _wrong(path: Path) -> Sequence[SettingRefused]:
    """Return every error: those of the top, then those of each contract, module and service."""
    try:
        raw = raw_settings(path, os.environ)
    except SettingRefused as refused:
        return [refused]
    found, right = _tried(raw, path)
    settings = load_right(right, path) if found else load_settings(path, os.environ)
    return [*found, *_wrong_parts(settings)]


def _tried(raw: Mapping[str, Any], path: Path) -> tuple[list[SettingRefused], dict[str, Any]]:
    found: list[SettingRefused] = []
    right: dict[str, Any] = {}
    for name, value in raw.items():
        parts = value.items() if isinstance(value, Mapping) and name not in PARTS else [("", value)]
        for inner, part in parts:
            one = {name: {inner: part} if inner else part}
            try:
                load_right(one, path)
            except SettingRefused as refused:
                found.append(refused)
            else:
                right[name] = {**right.get(name, {}), inner: part} if inner else part
    return found, right


def load_right(raw: Mapping[str, Any], path: Path) -> Settings:
    """Return *raw* as settings that were read from *path*."""
    return msgspec.structs.replace(read_settings(raw, Settings, "", str(path)), file=str(path))


def _wrong_parts(settings: Settings) -> Iterator[SettingRefused]:
    """Yield what is wrong in the whole and in each part, looked at alone, each once."""
    whole = sketch(_only(settings, "", "", {}))
    looks: list[Callable[[], object]] = [
        lambda: check_database(settings.database),
        lambda: whole.proxies,
        lambda: whole.metrics_readers,
        lambda: whole.served,
    ]
    for part in PARTS:
        for name, said_so in getattr(settings, part).items():
            # What callers of a service may speak is part of it, so a service is looked at whole.
            words = [said_so] if part == "forward" else [{word: value} for word, value in said_so.items()]
            looks += [partial(_look_at, _only(settings, part, name, alone), part) for alone in words]
    told: set[str] = set()
    for look in looks:
        try:
            look()
        except (SettingRefused, ValueError) as wrong:
            if str(wrong) not in told:
                yield wrong if isinstance(wrong, SettingRefused) else SettingRefused(str(wrong))
            told.add(str(wrong))


def _only(settings: Settings, part: str, name: str, said_so: Mapping[str, Any]) -> Settings:
    empty: dict[str, dict[str, Any]] = {each: {} for each in PARTS}
    return msgspec.structs.replace(settings, **{**empty, **({part: {name: dict(said_so)}} if part else {})})


def _look_at(settings: Settings, part: str) -> None:
    house = sketch(settings)
    _ = house.modules, house.entrances if part == "forward" else house.served
