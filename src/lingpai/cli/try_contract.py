"""`lingpai try CONTRACT`: a tour of one contract, each request sent to a server and shown with its answer."""

import getpass
import os
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Annotated
from urllib.parse import urlsplit

from cyclopts import Parameter

from lingpai.cli.parameters import HERE, AsJson, command
from lingpai.cli.printing import Trouble, check_no_password, console, marked, said, show, show_json
from lingpai.cli.story import TRIED_BY
from lingpai.cli.tours import tour_of
from lingpai.cli.tours.showing import shown, told
from lingpai.cli.tours.throwaway import throwaway
from lingpai.cli.tours.walking import Held, Tour, Walk, Walked
from lingpai.composition import declarations
from lingpai.vocabulary.settings import load_settings

NEVER_SHOWN = ("username", "client_id", "user_id", "told", "expires")
"""What a front end holds that is no secret."""


@Parameter(name="*")
@dataclass(frozen=True, slots=True)
class Elsewhere:
    """A server that runs already; nothing there is changed but one sign-in and its sign-out."""

    base_url: Annotated[
        str,
        Parameter(
            help=said(
                "已在运行的服务的地址；默认自己启动一个临时的演示服务",
                "Address of a server that runs; else the tour starts a demo of its own, and removes it.",
            )
        ),
    ] = ""
    user: Annotated[str, Parameter(help=said("在那里登录的用户名", "Who signs in there."))] = ""
    client: Annotated[
        str, Parameter(help=said("那里的应用(twokeys、zhiyun)", "The client there (twokeys, zhiyun)."))
    ] = ""
    secrets_stdin: Annotated[
        bool,
        Parameter(
            negative="",
            help=said(
                "从标准输入读取密码，第二行为应用密钥",
                "Read the password from standard input, and the client's secret from its second line.",
            ),
        ),
    ] = False


def try_contract(
    contract: Annotated[str, Parameter(help=said("哪个接口约定", "Which contract."))],
    /,
    *,
    elsewhere: Elsewhere = Elsewhere(),
    as_json: AsJson = False,
) -> None:
    """Walk through a contract: sign in, read, a business call, refresh, an ending, a refusal."""
    tour = _tour(contract)
    with ExitStack() as stack:
        if elsewhere.base_url:
            base = _base(elsewhere.base_url)
            walk = Walk(contract, tour, base, _held_there(elsewhere, contract), None)
        else:
            if elsewhere != Elsewhere():
                raise Trouble(
                    "--user、--client、--secrets-stdin 要和 --base-url 一起用。",
                    "--user, --client and --secrets-stdin go with --base-url.",
                )
            house = stack.enter_context(throwaway(tour.settings))
            username = TRIED_BY[contract][0]
            client = house.made.client_of(contract)
            held = {
                "username": username,
                "password": house.made.user(username).password.reveal(),
                "client_id": client.client.id if client else "",
                "client_secret": client.secret.reveal() if client else "",
            }
            walk = Walk(contract, tour, house.base_url, held, lambda: house.end_sessions(username), _wait)
        fits = _tell_all(walk) if as_json else _show_all(walk)
    if not fits:
        raise Trouble(
            f"{contract} 的应答与预期不同，见上一步。", f"{contract} did not answer as expected: see the last step."
        )


def _tell_all(walk: Walk) -> bool:
    steps = list(walk)
    hidden = _hidden(walk, steps)
    show_json({"contract": walk.contract, "base_url": walk.base_url, "steps": [told(step, hidden) for step in steps]})
    return all(step.fits for step in steps)


def _show_all(walk: Walk) -> bool:
    out, fits = console(), True
    where = (
        said("临时演示，结束后删除", "a throw-away demo, removed afterwards")
        if walk.end
        else said("只登录和退出，机密已遮住", "one sign-in and sign-out; secrets are masked")
    )
    show(
        marked("[bold]令牌 lingpai try {contract}[/]", contract=walk.contract),
        marked(
            "[bold cyan]{base}/{contract}/[/]  [dim]{where}[/]", base=walk.base_url, contract=walk.contract, where=where
        ),
    )
    taken: list[Walked] = []
    for number, step in enumerate(walk, 1):
        taken.append(step)
        folded = out.is_terminal
        out.print(shown(number, step, walk.held, _hidden(walk, taken), folded=folded), soft_wrap=not folded, crop=False)
        fits = fits and step.fits
    if fits:
        docs = command(f"contract docs {walk.contract}", HERE)
        show("", said(f"走完了。全部接口和编码：{docs}", f"That is all. Every call and code: {docs}"))
    return fits


def _hidden(walk: Walk, taken: Sequence[Walked]) -> tuple[str, ...]:
    """Return what is cut short: nothing of a house that will be gone, of somebody's all secrets that it ever told."""
    if walk.end is not None:
        return ()
    # A token that was renewed meanwhile is held no longer, and good for a while.
    held = (walk.held, *(step.had for step in taken))
    kept = {value for each in held for name, value in each.items() if name not in NEVER_SHOWN}
    proofs = {secret for step in taken for secret in step.secrets}
    return (*kept, *proofs)


def _tour(contract: str) -> Tour:
    tour = tour_of(contract)
    if tour is not None:
        return tour
    known = sorted(declarations(load_settings(None, os.environ)))
    toured = [name for name in known if tour_of(name)]
    if contract in known:
        check, docs = command(f"contract check {contract}", HERE), command(f"contract docs {contract}", HERE)
        raise Trouble(
            f"{contract} 没有导览。{check} 演练它的记录，{docs} 打印它的接口。",
            f"{contract} has no tour. `{check}` plays its transcript, `{docs}` prints its calls.",
        )
    near = get_close_matches(contract, toured, 1)
    there = ", ".join(toured)
    raise Trouble(
        f"没有接口约定 {contract}。" + (f"是不是 {near[0]}？" if near else f"有：{there}。"),
        f"there is no contract {contract}. " + (f"Did you mean {near[0]}?" if near else f"There are: {there}."),
    )


def _base(url: str) -> str:
    check_no_password(url, "--base-url")
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise Trouble(
            f"--base-url 应为 https://名称，而不是 {url}。", f"--base-url must look like https://name, not {url}."
        )
    return url.rstrip("/")


def _held_there(elsewhere: Elsewhere, contract: str) -> Held:
    """Return what the front end begins with; secrets are asked for, and never an argument, which others see."""
    needs_client = contract in ("twokeys", "zhiyun")
    if not elsewhere.user:
        raise Trouble("请用 --user 指定登录的用户。", "say with --user who signs in.")
    if needs_client and not elsewhere.client:
        raise Trouble(
            f"{contract} 需要应用：请用 --client 指定。", f"{contract} needs a client: say which with --client."
        )
    asked = [("password", said(f"{elsewhere.user} 的密码：", f"Password of {elsewhere.user}: "))]
    if needs_client:
        asked.append(("client_secret", said(f"{elsewhere.client} 的密钥：", f"Secret of {elsewhere.client}: ")))
    held: Held = {"username": elsewhere.user, "client_id": elsewhere.client, "client_secret": ""}
    if elsewhere.secrets_stdin:
        return held | {name: sys.stdin.readline().rstrip("\r\n") for name, _ in asked}
    if not sys.stdin.isatty():
        raise Trouble(
            "这里没有终端可以输入密码：请用 --secrets-stdin。",
            "there is no terminal to ask for the password: use --secrets-stdin.",
        )
    return held | {name: getpass.getpass(words) for name, words in asked}


def _wait(seconds: float) -> None:
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("   "), BarColumn(), TimeRemainingColumn())
    terminal = console(errors=True)
    with Progress(*columns, console=terminal, transient=True, disable=not terminal.is_terminal) as bar:
        end = time.monotonic() + seconds
        task = bar.add_task("", total=seconds)
        while (left := end - time.monotonic()) > 0:
            bar.update(task, completed=seconds - left)
            time.sleep(min(0.1, left))
