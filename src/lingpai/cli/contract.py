"""`lingpai contract …`: the house styles that there are, what each says of itself, and whether one adds up."""

import logging
import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from keyword import iskeyword
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from cyclopts import App, Parameter

from lingpai import contracts
from lingpai.cli.parameters import COMMANDS, HERE, AsJson, Data, command
from lingpai.cli.printing import Trouble, said, show, show_json, show_text, table
from lingpai.cli.skeleton import PLAIN_WORD, write_skeleton
from lingpai.cli.stage import Stage
from lingpai.cli.transcripts import Differs, play
from lingpai.composition import SETTINGS, House, declarations, sketch
from lingpai.edge.contract import Contract, Declaration
from lingpai.edge.describing import Places, Shaped
from lingpai.edge.explorer import OWN_PATHS
from lingpai.edge.openapi import openapi, unsaid
from lingpai.edge.reference import markdown
from lingpai.vocabulary.settings import SettingRefused, Settings, load_settings

APP = App(
    name="contract",
    group_commands=COMMANDS,
    help=said("接口约定：列出、新建、检查、文档", "Contracts: list, begin, check and describe them."),
)

Which = Annotated[str, Parameter(help=said("接口约定的名称，或其 Python 文件", "Its name, or the Python file of one."))]

Spoken = Annotated[
    Literal["zh", "en"] | None,
    Parameter(name="--language", help=said("输出的语言", "The language of what is written.")),
]

Output = Annotated[
    Path | None,
    Parameter(name="--output", help=said("写入文件，而不是打印", "Write to this file instead of printing.")),
]


@APP.command(name="list", help=said("列出全部接口约定", "Show which there are."))
def list_contracts(*, data: Data = HERE, as_json: AsJson = False) -> None:
    """Show every contract that can be found, with what it serves."""
    house = sketch(_settings(data))
    rows = [_row(house, declaration) for declaration in declarations(house.settings).values()]
    if as_json:
        show_json(rows)
        return
    heads = [said("名称", "name"), said("来自", "from"), said("地址", "address"), said("接口", "calls")]
    heads += [said("业务", "business"), said("编码", "codes")]
    shown = (
        (row["name"], row["from"], " ".join(row["addresses"]), row["calls"], row["business"], row["codes"])
        for row in rows
    )
    show(table(heads, shown))


def _row(house: House, declaration: Declaration) -> dict[str, Any]:
    settings, contract = house.settings_of(declaration), _built(house, declaration)
    hosts = dict.fromkeys((*settings.account_hosts, *settings.business_hosts))
    routes = contract.all_routes()
    business = sum(route.side == "business" for route in routes)
    return {
        "name": declaration.name,
        "from": _source(declaration),
        "addresses": [f"/{declaration.name}/", *hosts] if settings.enabled else [said("已停用", "switched off")],
        "calls": len(routes) - business,
        "business": business,
        "codes": len(set(contract.spelling.values())),
    }


def _built(house: House, declaration: Declaration) -> Contract:
    try:
        return house.built(declaration)
    except ValueError as trouble:
        raise Trouble(f"接口约定不成立：{trouble}", f"a contract does not add up: {trouble}") from None


def _source(declaration: Declaration) -> str:
    own = Path(next(iter(contracts.__path__)))
    return "lingpai" if declaration.file.parent == own else str(declaration.file)


@APP.command(
    help=said("新建一个接口约定：可以直接运行和检查的包", "Begin one: a package that is served and checked at once.")
)
def new(
    name: Annotated[str, Parameter(help=said("一个小写英文单词", "One plain word, in lower case."))],
    /,
    *,
    to: Annotated[Path | None, Parameter(help=said("写到哪里；默认 ./名称", "Where to; else ./NAME."))] = None,
) -> None:
    """Write the skeleton of a contract's package."""
    if not PLAIN_WORD.fullmatch(name) or name in sys.stdlib_module_names or iskeyword(name):
        raise Trouble(
            f"{name} 不能作名称：请用一个小写英文单词，如 postcard。",
            f"{name} cannot be its name: one plain word in lower case, such as postcard.",
        )
    if name in declarations(Settings()):
        raise Trouble(f"已经有接口约定 {name}，请另取名称。", f"there is a contract {name} already: take another name.")
    folder = to or Path(name)
    if folder.exists() and any(folder.iterdir()):
        raise Trouble(f"{folder} 已存在，且不是空目录。", f"{folder} is there already, and not empty.")
    written = write_skeleton(name, folder)
    for path in written:
        show_text(str(path))
    file = next(path for path in written if path.suffix == ".py" and path.stem == name)
    show(said("检查它：", "Check it:"))
    show_text(f"  {command(f'contract check {file}', HERE)}")
    show(said("运行它：", "Serve it:"))
    show_text(f"  LINGPAI_CONTRACT_FILES={file} {command('serve', HERE)}")


@APP.command(help=said("检查一个接口约定，并演练它的记录", "See whether one adds up, and play its transcript."))
def check(which: Which, /, *, data: Data = HERE, as_json: AsJson = False) -> None:
    """Say in one line each what does not add up; exit code 2 where something does not."""
    found = list(checked(which, _settings(data)))
    if as_json:
        show_json([msgspec.to_builtins(each) for each in found])
    else:
        for each in found:
            show_text(f"{_MARKS[each.kind]} {said(each.zh, each.en)}")
    if any(each.kind == "wrong" for each in found):
        raise Trouble(f"{which} 不成立。", f"{which} does not add up.")


@dataclass(frozen=True, slots=True)
class Found:
    """One thing that a check has found."""

    kind: Literal["good", "note", "wrong"]
    zh: str
    en: str


_MARKS = {"good": "✓", "note": "·", "wrong": "✗"}


def checked(which: str, settings: Settings | None = None) -> Iterator[Found]:
    """Yield what there is to say of a contract, by its name or by the path of its file."""
    try:
        declaration, settings = _declaration(which, settings or Settings())
        contract = sketch(settings).built(declaration)
    except (Trouble, SettingRefused):
        raise
    except ValueError as trouble:
        for part in str(trouble).removeprefix(f"{Path(which).stem}: ").split("; "):
            yield Found("wrong", part, part)
        return
    # A contract's file is somebody's program: whatever it does wrong is said, and in which line.
    except Exception as defect:  # noqa: BLE001
        words = f"{type(defect).__name__}: {defect}{_line_of(defect)}"
        yield Found("wrong", f"构建失败：{words}", f"it cannot be built: {words}")
        return
    routes, codes = len(contract.all_routes()), len(set(contract.spelling.values()))
    yield Found("good", f"{routes} 个接口，{codes} 个编码", f"{routes} calls, {codes} codes: it adds up")
    yield from _described(contract)
    yield from _rehearsed(declaration, settings)


def _described(contract: Contract) -> Iterator[Found]:
    for path in sorted(OWN_PATHS & contract.table.keys()):
        yield Found("note", f"{path} 归它自己，说明页让位", f"{path} is its own, so our page of that name gives way")
    for part, name, kind in (
        (contract.reader, "reader", Places),
        (contract.envelope, "envelope", Shaped),
    ):
        if not isinstance(part, kind):
            method = "places" if kind is Places else "shapes"
            yield Found(
                "note",
                f"{name} {type(part).__name__} 没有 {method}()，OpenAPI 不知其形状",
                f"the {name} {type(part).__name__} has no {method}(), so OpenAPI does not know its shape",
            )
    for route in unsaid(contract):
        yield Found(
            "note",
            f"{route.path} 的 answer 没有标注返回类型，应答的成员不会出现在文档中",
            f"{route.path}: its answer is not annotated, so no document tells its members",
        )
    try:
        openapi(contract)
    except Exception as defect:  # noqa: BLE001 - the same
        yield Found("wrong", f"无法生成 OpenAPI：{defect}", f"no OpenAPI document can be made of it: {defect}")
    else:
        yield Found("good", "OpenAPI 文档已生成", "an OpenAPI document can be made of it")


def _rehearsed(declaration: Declaration, settings: Settings) -> Iterator[Found]:
    transcript = declaration.file.with_suffix(".http")
    if not transcript.exists():
        yield Found("note", f"没有记录 {transcript.name}", f"there is no transcript {transcript.name} beside it")
        return
    stage = Stage(declaration.name, {"contract_files": settings.contract_files})
    spelling = stage.house.served[declaration.name].contract.spelling
    heard: list[tuple[int, str]] = []
    # A transcript plants faults on purpose: what the server would log of them is nobody's concern here.
    logging.disable(logging.ERROR)
    try:
        heard.extend(answer for _, answer in play(transcript, stage))
    except (Differs, ValueError) as difference:
        yield Found("wrong", str(difference), str(difference))
        return
    finally:
        logging.disable(logging.NOTSET)
    yield Found("good", f"{len(heard)} 次对话与记录一致", f"{len(heard)} exchanges went as the transcript says")
    for code in dict.fromkeys(spelling.values()):
        if not any(status == code.status and code.chinese in body for status, body in heard):
            yield Found(
                "note",
                f"记录中没有听到 {code.number} {code.chinese}",
                f"the transcript never hears {code.number} {code.chinese}",
            )


@APP.command(help=said("打印一个接口约定的说明页(Markdown)", "Print the page of one, in Markdown."))
def docs(which: Which, /, *, language: Spoken = None, output: Output = None, data: Data = HERE) -> None:
    """Print calls, members and codes of a contract."""
    spoken = language or _reader_s()
    _put(markdown(_document(which, data, spoken), spoken), output)


@APP.command(name="openapi", help=said("打印一个接口约定的 OpenAPI 3.1 文档", "Print one as an OpenAPI 3.1 document."))
def print_openapi(which: Which, /, *, language: Spoken = None, output: Output = None, data: Data = HERE) -> None:
    """Print the document, as JSON."""
    document = _document(which, data, language or _reader_s())
    _put(msgspec.json.format(msgspec.json.encode(document), indent=2).decode() + "\n", output)


def _document(which: str, data: Path, language: Literal["zh", "en"]) -> Mapping[str, Any]:
    declaration, settings = _declaration(which, _settings(data))
    house = sketch(settings)
    contract = _built(house, declaration)
    own = house.settings_of(declaration)
    hosts = {**dict.fromkeys(own.business_hosts, "business"), **dict.fromkeys(own.account_hosts, "account")}
    hosts |= dict.fromkeys({*own.account_hosts} & {*own.business_hosts}, "")
    return openapi(contract, about=declaration.about(language), hosts=hosts, language=language)


def _put(text: str, output: Path | None) -> None:
    if output is None:
        sys.stdout.write(text)
    else:
        output.write_text(text, encoding="utf-8")
        show(said(f"已写入 {output}。", f"Written to {output}."))


def _reader_s() -> Literal["zh", "en"]:
    """Return the language of whoever reads the terminal."""
    return "en" if said("zh", "en") == "en" else "zh"


def _settings(data: Path) -> Settings:
    return load_settings(data / SETTINGS, os.environ)


def _declaration(which: str, settings: Settings) -> tuple[Declaration, Settings]:
    """Return the contract that *which* names, and settings by which it is found."""
    path = Path(which)
    if path.suffix == ".py":
        if not path.is_file():
            raise Trouble(f"没有文件 {path}。", f"there is no file {path}.")
        known = {declaration.file.resolve(): declaration for declaration in declarations(settings).values()}
        if found := known.get(path.resolve()):
            return found, settings
        before = set(declarations(settings))
        settings = msgspec.structs.replace(settings, contract_files=(*settings.contract_files, str(path)))
        name = next(name for name in declarations(settings) if name not in before)
        return declarations(settings)[name], settings
    found = declarations(settings).get(which)
    if found is None:
        listed = ", ".join(sorted(declarations(settings)))
        raise Trouble(f"没有接口约定 {which}。现有：{listed}。", f"there is no contract {which}. There are: {listed}.")
    return found, settings


def _line_of(defect: BaseException) -> str:
    """Return where in somebody's file *defect* was raised."""
    trace, place = defect.__traceback__, ""
    while trace is not None:
        place = f" ({Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno})"
        trace = trace.tb_next
    return place
