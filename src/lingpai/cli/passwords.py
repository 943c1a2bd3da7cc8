"""Where a password comes from: the terminal (hidden), standard input, chance; never an argument, which others see."""

import getpass
import secrets
import sys
from dataclasses import dataclass
from typing import Annotated

from cyclopts import Parameter

from lingpai.cli.printing import Trouble, said
from lingpai.principals.passwords.strength import LONGEST
from lingpai.vocabulary.secret import Secret

TYPEABLE = "abcdefghjkmnpqrstuvwxyz23456789"
"""Letters and digits of which no two look alike."""


@Parameter(name="*")
@dataclass(frozen=True, slots=True)
class PasswordFrom:
    """How the password is given; without either option the terminal asks for it."""

    password_stdin: Annotated[
        bool,
        Parameter(negative="", help=said("从标准输入读取密码(一行)", "Read the password from standard input, a line.")),
    ] = False
    random_password: Annotated[
        bool,
        Parameter(negative="", help=said("随机生成密码，只显示一次", "Make a random password, and print it once.")),
    ] = False


@dataclass(frozen=True, slots=True)
class Chosen:
    """A password, and whether it was made here, so that somebody has to be told."""

    password: Secret
    made: bool = False


def random_password() -> Secret:
    """Return twelve random characters in three groups: 59 bits, read out and typed without a mistake."""
    return Secret("-".join(random_text(4) for _ in range(3)))


def random_text(size: int) -> str:
    """Return *size* random characters that cannot be taken for one another."""
    return "".join(secrets.choice(TYPEABLE) for _ in range(size))


def choose_password(source: PasswordFrom, name: str) -> Chosen:
    """
    Return the password for the user called *name* from where *source* says.

    Raises:
        Trouble: There is none, it is no text that a contract could read, the two that were typed differ, or nobody
            can be asked.

    """
    if source.password_stdin and source.random_password:
        raise Trouble(
            "--password-stdin 和 --random-password 只能用一个。",
            "--password-stdin and --random-password exclude each other.",
        )
    if source.random_password:
        return Chosen(random_password(), made=True)
    if source.password_stdin:
        return Chosen(_usable(_line(sys.stdin.buffer.readline())))
    if not sys.stdin.isatty():
        raise Trouble(
            "这里没有终端可以输入密码：请用 --password-stdin 或 --random-password。",
            "there is no terminal to ask for the password: use --password-stdin or --random-password.",
        )
    first = getpass.getpass(
        said(f"{name} 的新密码(直接回车则随机生成):", f"New password for {name} (empty for a random one): ")
    )
    if not first:
        return Chosen(random_password(), made=True)
    if first != getpass.getpass(said("再输入一次：", "Once more: ")):
        raise Trouble("两次输入的密码不同，什么也没有改变。", "the two passwords differ; nothing was changed.")
    return Chosen(_usable(first))


def _line(read: bytes) -> str:
    try:
        return read.decode().rstrip("\r\n")
    except UnicodeDecodeError:
        raise Trouble("密码必须是 UTF-8 文本。", "the password must be text in UTF-8.") from None


def _usable(typed: str) -> Secret:
    if not typed:
        raise Trouble("密码不能为空。", "the password must not be empty.")
    if len(typed) > LONGEST:
        # No contract reads a longer one, so nobody could sign in with it.
        raise Trouble(f"密码最多 {LONGEST} 个字符。", f"the password must not exceed {LONGEST} characters.")
    return Secret(typed)
