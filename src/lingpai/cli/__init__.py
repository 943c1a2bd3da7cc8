"""
The command line: the same operations, from a terminal.

One file for each group of commands. Whatever goes wrong that somebody can mend is one
line on standard error, and exit code 2.
"""

import sys
from collections.abc import Sequence
from zoneinfo import ZoneInfoNotFoundError

from cyclopts import App, CycloptsError, Group, MissingArgumentError, Parameter

from lingpai import __version__
from lingpai.cli import (
    audit,
    client,
    company,
    contract,
    demo,
    forward,
    key,
    module,
    policies,  # noqa: F401 - it adds its commands to those of client
    serve,
    session,
    token,
    user,
)
from lingpai.cli.parameters import RUN
from lingpai.cli.printing import Trouble, said
from lingpai.composition import DataTrouble
from lingpai.principals.keys import KeyTrouble
from lingpai.vocabulary.outcomes import Outcome, Refused
from lingpai.vocabulary.settings import SettingRefused

APP = App(
    name="lingpai",
    version=f"lingpai {__version__}",
    help=said(
        "令牌：一套账号系统，听得懂每个前端的接口约定。设置取自 lingpai.toml 和 LINGPAI_* 环境变量。",
        "令牌: an account system that speaks every front end's API contract. "
        "Settings come from lingpai.toml and LINGPAI_* variables.",
    ),
    group_commands=Group(said("其他", "Else"), sort_key=9),
    help_format="plaintext",
    default_parameter=Parameter(show_default=lambda default: default or None),
)
APP.command(serve.serve, group=RUN, help=said("启动服务", "Serve every contract."))
APP.command(
    demo.demo,
    group=RUN,
    help=said("生成演示数据，凭据只显示一次", "Fill a new database with demo data, and print its credentials once."),
)
APP.command(user.APP)
APP.command(company.APP)
APP.command(client.APP)
APP.command(forward.APP)
APP.command(session.APP)
APP.command(token.APP)
APP.command(audit.APP)
APP.command(key.APP)
APP.command(contract.APP)
APP.command(module.APP)

MENDABLE = (Trouble, SettingRefused, KeyTrouble, DataTrouble, CycloptsError, Refused, ZoneInfoNotFoundError, OSError)
"""What whoever typed the command, or set the machine up, can do something about."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command that *arguments* (or the process's own) name, and exit."""
    try:
        APP(arguments, exit_on_error=False, print_error=False)
    except BrokenPipeError:
        # Whoever read our output has seen enough; closing it quietly keeps Python from complaining at its end.
        sys.stderr.close()
        sys.exit(1)
    except MENDABLE as trouble:
        line = " ".join(_words(trouble).split())
        sys.stderr.write(f"lingpai: {line}\n")
        sys.exit(2)


def _words(trouble: Exception) -> str:
    if isinstance(trouble, Refused):
        if trouble.outcome is Outcome.STORE_SILENT:
            return said(f"数据库没有应答：{trouble}", f"the database does not answer: {trouble}")
        wrong = [f"{name} {said(*words)}" for name, words in trouble.fields.items()]
        return "; ".join(wrong) or str(trouble)
    if isinstance(trouble, SettingRefused):
        return said(trouble.zh, str(trouble))
    if isinstance(trouble, ZoneInfoNotFoundError):
        return said(f"timezone:{trouble}", f"timezone: {trouble}")
    if type(trouble) is MissingArgumentError and trouble.argument is not None:
        return _missing(trouble.command_chain or (), trouble.argument.name, trouble.keyword)
    return str(trouble)


def _missing(command: Sequence[str], name: str, typed: str | None) -> str:
    of = " ".join(command)
    if typed is None:
        return said(f"{of}：缺少 {name}。", f"{of}: {name} is missing.")
    return said(f"{of}：{typed} 后面缺少值。", f"{of}: {typed} is missing its value.")
