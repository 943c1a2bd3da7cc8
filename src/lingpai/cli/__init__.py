"""
The command line: the same operations, from a terminal.

One file for each group of commands. Whatever goes wrong that somebody can mend is one
line on standard error, and exit code 2.
"""

import sys
from collections.abc import Sequence
from zoneinfo import ZoneInfoNotFoundError

from cyclopts import App, CycloptsError, Group, Parameter

from lingpai import __version__
from lingpai.cli.examples import EXAMPLES, example_text
from lingpai.cli.mistakes import mistaken
from lingpai.cli.parameters import ACCOUNTS, CARE, CONTRACTS, KEYS, RUN, SESSIONS
from lingpai.cli.printing import Trouble, said, without_secrets
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

COMMANDS = (
    # Name, where it is, its group, what it does. What is not called is not imported, so that help comes at once.
    ("serve", "serve:serve", RUN, "启动服务", "Serve every contract."),
    (
        *("demo", "demo:demo", RUN, "生成演示数据，凭据只显示一次"),
        "Fill a new database with demo data, and print its credentials once.",
    ),
    (
        *("try", "try_contract:try_contract", RUN, "导览一个接口约定：签名、请求、应答、刷新、结束、拒绝"),
        "Tour a contract: proof, request, answer, refresh, ending, refusal.",
    ),
    (
        *("user", "user:APP", ACCOUNTS, "用户：新增、列出、显示、修改、重设密码、停用、启用"),
        "Users: add, list, show, change, reset, disable, enable.",
    ),
    (
        *("company", "company:APP", ACCOUNTS, "公司：新增、列出、显示、加入、退出"),
        "Companies: add, list, show, join, leave.",
    ),
    (
        *("client", "policies:APP", ACCOUNTS, "应用：新增、列出、显示、修改、停用、更换密钥、策略"),
        "Client apps: add, list, show, change, disable, rotate secrets, policies.",
    ),
    ("session", "session:APP", SESSIONS, "会话：列出、显示、结束", "Sessions: list, show, end."),
    ("token", "token:APP", SESSIONS, "令牌：签发", "Tokens: mint."),
    (
        *("audit", "audit:APP", SESSIONS, "审计记录：列出、查看、校验、导出"),
        "The audit trail: list, show, verify, export.",
    ),
    ("key", "key:APP", KEYS, "密钥：列出、更换、更换主密钥", "Keys: list, rotate, rotate the master key."),
    (
        *("contract", "contract:APP", CONTRACTS, "接口约定：列出、新建、检查、文档"),
        "Contracts: list, begin, check and describe them.",
    ),
    ("module", "module:APP", CONTRACTS, "业务模块：列出、新建", "Modules of business calls: list, begin a new one."),
    (
        *("forward", "forward:APP", CONTRACTS, "代理或守卫后面的服务：列出、密钥"),
        "Services behind a proxy or a guard: their keys, a list.",
    ),
    (
        *("doctor", "doctor:doctor", CARE, "体检：时钟、密钥、数据库、代理、版本；哪里不对，怎么办"),
        "Look at clock, keys, database, proxies, versions.",
    ),
    ("migrate", "migrate:migrate", CARE, "升级数据库结构，不启动服务", "Bring the schema up without serving."),
    ("config", "config:APP", CARE, "设置：显示、检查", "Settings: show those in force, check a file."),
    ("clock", "clock:APP", CARE, "时钟：显示、确认正确", "The clock: show it, say that it is right."),
)
for _place, (_name, _where, _group, _zh, _en) in enumerate(COMMANDS):
    APP.command(f"{__name__}.{_where}", name=_name, group=_group, help=said(_zh, _en), sort_key=_place)


def mendable() -> tuple[type[Exception], ...]:
    """Return what whoever typed the command, or set the machine up, can do something about."""
    from lingpai.composition import ContractTrouble, DataTrouble
    from lingpai.principals.keys import KeyTrouble

    known = (Trouble, SettingRefused, CycloptsError, Refused, ZoneInfoNotFoundError, OSError)
    return (*known, KeyTrouble, DataTrouble, ContractTrouble)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command that *arguments* (or the process's own) name, and exit."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        _show_examples(words)
        APP(words, exit_on_error=False, print_error=False)
        sys.stdout.flush()
    except KeyboardInterrupt:
        sys.stderr.write(said("\nlingpai: 已中断\n", "\nlingpai: stopped\n"))
        sys.exit(STOPPED)
    except BrokenPipeError:
        # Whoever read our output has seen enough; closing it quietly keeps Python from complaining at its end.
        sys.stderr.close()
        sys.exit(1)
    except Exception as trouble:
        if not isinstance(trouble, mendable()):
            raise
        line = " ".join(without_secrets(_words(trouble), words).split())
        sys.stderr.write(f"lingpai: {line}\n")
        sys.exit(2)


STOPPED = 130
"""How a shell tells that somebody pressed Ctrl-C."""


def _show_examples(words: Sequence[str]) -> None:
    """Let the help of the command in *words* end with its example."""
    if not any(word in words for word in APP.help_flags):
        return
    chain = [word for word in words if not word.startswith("-")][:2]
    if (typed := " ".join(chain)) in EXAMPLES:
        named = APP
        for word in chain:
            named = named[word]
        named.help_epilogue = example_text(typed)


def _words(trouble: Exception) -> str:
    if isinstance(trouble, Refused):
        return _refusal(trouble)
    if zh := getattr(trouble, "zh", ""):
        return said(zh, str(trouble))
    if isinstance(trouble, ZoneInfoNotFoundError):
        return said(f"timezone:{trouble}", f"timezone: {trouble}")
    if isinstance(trouble, CycloptsError):
        return mistaken(trouble)
    if isinstance(trouble, OSError) and trouble.filename is not None and trouble.strerror:
        return f"{trouble.filename}: {trouble.strerror}"
    return str(trouble)


def _refusal(refused: Refused) -> str:
    if refused.outcome is Outcome.STORE_SILENT:
        return said(f"数据库没有应答：{refused}", f"the database does not answer: {refused}")
    wrong = [f"{name} {said(*words)}" for name, words in refused.fields.items()]
    return "; ".join(wrong) or str(refused)
