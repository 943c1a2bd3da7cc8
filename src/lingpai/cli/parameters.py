"""Options that several commands have, and the groups that they are listed in."""

import shlex
import shutil
import sys
from pathlib import Path
from typing import Annotated

from cyclopts import Group, Parameter, validators

from lingpai.cli.printing import said

COMMANDS = Group(said("命令", "Commands"))
RUN = Group(said("运行", "Run"), sort_key=1)
ACCOUNTS = Group(said("账号", "Accounts"), sort_key=2)
SESSIONS = Group(said("会话", "Sessions"), sort_key=3)
KEYS = Group(said("密钥", "Keys"), sort_key=4)
CONTRACTS = Group(said("接口约定", "Contracts"), sort_key=5)
CARE = Group(said("维护", "Care"), sort_key=6)

HERE = Path("lingpai-data")
"""Where the data is unless somebody says otherwise."""

Data = Annotated[
    Path,
    Parameter(
        name="--data",
        env_var="LINGPAI_DATA",
        help=said("数据目录：数据库、主密钥、lingpai.toml", "Folder of the database, the master key, lingpai.toml."),
    ),
]

AsJson = Annotated[
    bool, Parameter(name="--json", negative="", help=said("输出 JSON，供程序读取", "Print JSON, for programs."))
]

UserName = Annotated[str, Parameter(help=said("用户名", "The user's name."))]

OfUser = Annotated[str, Parameter(name="--user", help=said("用户名", "The user's name."))]

Named = Annotated[str, Parameter(help=said("公司编号或全名", "The company's id, or its whole name."))]

ClientId = Annotated[str, Parameter(help=said("应用编号(client_id)", "The client's id."))]

Limit = Annotated[
    int,
    Parameter(name="--limit", validator=validators.Number(gte=1), help=said("最多显示多少行", "Show so many at most.")),
]


def command(words: str, data: Path) -> str:
    """Return what to type for *words*: the program as it was typed, the folder where it is not the usual one."""
    typed = sys.argv[0]
    if typed.endswith("__main__.py"):
        program = f"{shlex.quote(sys.executable)} -m lingpai.cli"
    else:
        program = "lingpai" if typed == shutil.which("lingpai") else shlex.quote(typed)
    return f"{program} {words}" if data == HERE else f"{program} {words} --data {shlex.quote(str(data))}"
