"""`lingpai module …`: which business calls there are, and a new module to begin with."""

import keyword
import re
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Annotated, Any

from cyclopts import App, Parameter

from lingpai.cli.opening import opened
from lingpai.cli.parameters import ACCOUNTS, COMMANDS, HERE, AsJson, Data
from lingpai.cli.printing import Trouble, said, show, show_json, show_text, table
from lingpai.composition import House, module_declarations
from lingpai.vocabulary.settings import Settings

APP = App(
    name="module",
    group=ACCOUNTS,
    group_commands=COMMANDS,
    help=said("业务模块：列出、新建", "Modules of business calls: list, begin a new one."),
)

SKELETON: dict[str, str] = {
    "pyproject.toml": "pyproject.toml.txt",
    "README.md": "README.md.txt",
    "src/$name/__init__.py": "module.py.txt",
    "tests/test_$name.py": "test.py.txt",
    "tests/$name.http": "transcript.http.txt",
}
"""The files of a new module, and what each is made from."""


@APP.command(name="list", help=said("列出模块和它们的接口", "List modules and their calls."))
def list_(*, data: Data = HERE, as_json: AsJson = False) -> None:
    """List modules."""
    with opened(data) as house:
        rows = _rows(house)
    if as_json:
        show_json(rows)
        return
    heads = [said(*head) for head in (("模块", "module"), ("接口", "calls"), ("接口约定", "contracts"))]
    heads += [said("回调", "hooks")]
    columns = ("module", "calls", "contracts", "hooks")
    show(table(heads, [[_cell(row[column]) for column in columns] for row in rows], whole=heads[:1]))


@APP.command(help=said("新建模块：立即可用，带测试", "Begin a module that works at once, with its test."))
def new(
    name: Annotated[str, Parameter(help=said("模块名，小写字母", "Its name: lower-case letters."))],
    /,
    *,
    into: Annotated[Path, Parameter(name="--into", help=said("放在哪个目录下", "In which folder."))] = Path(),
) -> None:
    """Begin a module."""
    _check_name(name)
    home = into / name
    if home.exists():
        raise Trouble(f"{home} 已存在。", f"{home} is there already.")
    words = {"name": name, "Name": "".join(part.title() for part in name.split("_"))}
    skeleton = files("lingpai.cli") / "skeleton" / "module"
    for path, source in SKELETON.items():
        file = home / Template(path).substitute(words)
        file.parent.mkdir(parents=True, exist_ok=True)
        text = (skeleton / source).read_text(encoding="utf-8")
        file.write_text(Template(text).substitute(words), encoding="utf-8")
    package = home / "src" / name
    show(said(f"模块 {name} 在 {home}。启动服务时带上它：", f"The module {name} is in {home}. Serve it with:"))
    show_text(f"  LINGPAI_MODULE_FILES={package} lingpai serve")
    show(
        said(
            f"或在 lingpai.toml 里写 module_files，或 pip install {home}。",
            f"Or name it in lingpai.toml as module_files, or pip install {home}.",
        )
    )


def _check_name(name: str) -> None:
    if not re.fullmatch("[a-z][a-z0-9_]{1,29}", name) or keyword.iskeyword(name):
        raise Trouble(
            f"{name} 不能做模块名：用小写字母、数字和下划线，以字母开头。",
            f"{name} is no name for a module: lower-case letters, digits and underscores, a letter first.",
        )
    if name in module_declarations(Settings()):
        raise Trouble(f"已经有模块 {name}。", f"there is a module {name} already.")


def _rows(house: House) -> list[dict[str, Any]]:
    return [
        {
            "module": name,
            "about": said(*made.module.about),
            "calls": [f"{call.module}/{call.name}" for call in made.calls],
            "contracts": [contract for contract in house.served if made.offer(contract)],
            "hooks": [path for path in house.hooks if path.startswith(f"/hooks/{name}/")],
        }
        for name, made in house.modules.items()
    ]


def _cell(value: Any) -> str:
    return ", ".join(value) if isinstance(value, list) else str(value)
