"""What is said of a command that was typed wrongly, in the reader's language; in English mostly cyclopts' own words."""

import re
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from typing import get_args

from cyclopts import (
    CoercionError,
    CycloptsError,
    MissingArgumentError,
    UnknownCommandError,
    UnknownOptionError,
    UnusedCliTokensError,
    ValidationError,
)

from lingpai.cli.printing import said

_AT_LEAST = re.compile(r"Must be >= ([0-9]+)\.")
"""What cyclopts says of a number below its bound."""


def mistaken(mistake: CycloptsError) -> str:
    """Return the sentence for *mistake*."""
    if type(mistake) is MissingArgumentError and mistake.argument is not None:
        return _missing(mistake.command_chain or (), mistake.argument.name, mistake.keyword)
    if isinstance(mistake, UnusedCliTokensError):
        # How many, and not which: a password is easily typed there.
        of, number = " ".join(mistake.command_chain or ()) or "lingpai", len(mistake.unused_tokens or ())
        return said(f"{of}：多了 {number} 个参数，见 --help。", f"{of}: too many arguments, by {number}: see --help.")
    if isinstance(mistake, UnknownCommandError):
        return _unknown_command(mistake)
    if isinstance(mistake, UnknownOptionError):
        option = mistake.token.keyword or mistake.token.value
        known = [name for argument in mistake.argument_collection if argument.parse for name in argument.names]
        return said(f"没有选项 {option}。{_near(option, known)}", str(mistake))
    if isinstance(mistake, CoercionError | ValidationError):
        return said(_bad_value(mistake), str(mistake))
    return str(mistake)


def _unknown_command(mistake: UnknownCommandError) -> str:
    typed = (mistake.unused_tokens or [""])[0]
    if typed.startswith("-"):
        return said(
            f"选项 {typed} 要写在命令后面，如 lingpai user list --data DIR。",
            f"the option {typed} stands behind the command, as in lingpai user list --data DIR.",
        )
    known = [name for name in (mistake.app or ()) if not name.startswith("-")]
    return said(f"没有命令 {typed}。{_near(typed, known)}有：{', '.join(known)}。", str(mistake))


def _bad_value(mistake: CoercionError | ValidationError) -> str:
    """Return in Chinese which value of what is wrong."""
    argument = mistake.argument
    typed = argument.tokens if argument else []
    token = mistake.token if isinstance(mistake, CoercionError) else next(iter(typed), None)
    name = (token and token.keyword) or (argument.name.lstrip("-").upper() if argument else "")
    of = f"{name} 的值 {token.value} 不对。" if token else f"{name} 的值不对。"
    choices = [choice for choice in get_args(argument.hint) if isinstance(choice, str)] if argument else []
    if choices:
        return f"{of}可选：{', '.join(choices)}。"
    if isinstance(mistake, ValidationError) and mistake.exception_message:
        bound = _AT_LEAST.fullmatch(mistake.exception_message)
        return f"{of}至少为 {bound[1]}。" if bound else f"{of}{mistake.exception_message}"
    return f"{of}应为整数。" if isinstance(mistake, CoercionError) and mistake.target_type is int else of


def _near(typed: str, known: Iterable[str]) -> str:
    near = get_close_matches(typed, list(known), 1)
    return f"是不是 {near[0]}？" if near else ""


def _missing(command: Sequence[str], name: str, typed: str | None) -> str:
    of = " ".join(command)
    if typed is None:
        return said(f"{of}：缺少 {name}。", f"{of}: {name} is missing.")
    return said(f"{of}：{typed} 后面缺少值。", f"{of}: {typed} is missing its value.")
