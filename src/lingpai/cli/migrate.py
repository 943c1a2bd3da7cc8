"""`lingpai migrate`: bring the schema up, ours and the modules', without serving."""

import os
import sys
from typing import Annotated, Any

from cyclopts import Parameter

from lingpai.cli.opening import opened
from lingpai.cli.parameters import HERE, AsJson, Data
from lingpai.cli.printing import Trouble, said, show, show_json
from lingpai.composition import Schema, holds_data, schema_of


def migrate(
    *,
    check: Annotated[
        bool,
        Parameter(
            negative="",
            help=said("只检查，不改动；需要升级时退出码为 1", "Change nothing; exit code 1 when something is to do."),
        ),
    ] = False,
    data: Data = HERE,
    as_json: AsJson = False,
) -> None:
    """Bring the database's schema up to this version."""
    before = _schema(data)
    if check:
        if as_json:
            show_json({"to_do": before.to_do(), **_told(before)})
        else:
            show(*(_sentences(before) or [said("已是最新。", "There is nothing to do.")]))
        if before.to_do():
            sys.exit(1)
        return
    with opened(data, make=False) as house:
        house.prepare()
    if as_json:
        show_json({"done": before.to_do(), **_told(_schema(data))})
    elif before.to_do():
        show(*_sentences(before), said("已升级。", "Done."))
    else:
        show(said("已是最新。", "There was nothing to do."))


def _schema(data: Data) -> Schema:
    if not holds_data(data, os.environ):
        raise Trouble(f"{data} 里没有数据。", f"there is no data in {data}.")
    schema = schema_of(data, os.environ)
    if schema.version is not None and schema.version > schema.head:
        raise Trouble(
            f"数据库是更新的版本({schema.version})，这里只认识到 {schema.head}：请升级程序。",
            f"the database was made by a later version ({schema.version}); this one knows {schema.head}: upgrade it.",
        )
    return schema


def _told(schema: Schema) -> dict[str, Any]:
    modules = {name: {"version": made, "head": head} for name, (made, head) in schema.modules.items()}
    return {"version": schema.version, "head": schema.head, "modules": modules}


def _sentences(schema: Schema) -> list[str]:
    lines = []
    if schema.version != schema.head:
        version = schema.version or said("无", "none")
        lines.append(said(f"表结构：{version} → {schema.head}", f"The schema: {version} to {schema.head}."))
    lines += [
        said(f"模块 {name}：第 {made} 步 → 第 {head} 步", f"The module {name}: step {made} to {head}.")
        for name, (made, head) in schema.modules.items()
        if made < head
    ]
    return lines
