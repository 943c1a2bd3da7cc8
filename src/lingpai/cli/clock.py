"""`lingpai clock …`: the time that is judged by, and saying that the machine's clock is right after it was ahead."""

from typing import Annotated

from cyclopts import App, Parameter

from lingpai.cli.opening import OPERATOR, opened
from lingpai.cli.parameters import CARE, COMMANDS, HERE, AsJson, Data
from lingpai.cli.printing import Trouble, moment, said, sheet, show, show_json
from lingpai.composition import METRICS
from lingpai.edge.metrics import living_workers
from lingpai.operations.trust_clock import TrustClock
from lingpai.vocabulary.clock import SECOND, system_clock

APP = App(
    name="clock",
    group=CARE,
    group_commands=COMMANDS,
    help=said("时钟：显示、确认正确", "The clock: show it, say that it is right."),
)


@APP.command(name="show", help=said("显示本机时钟和数据库记住的最晚时间", "Show the clock, and the latest time seen."))
def show_clock(*, data: Data = HERE, as_json: AsJson = False) -> None:
    """Show what time it is, and the latest that any worker has seen."""
    with opened(data) as house:
        now, latest, zone = system_clock(), house.stores.moments.latest(), house.settings.timezone
    behind = max(0, latest - now) // SECOND
    if as_json:
        show_json({"now": now, "latest_seen": latest or None, "behind_seconds": behind})
        return
    lines = [
        (said("本机时钟", "this machine"), f"{moment(now, zone)} {zone}"),
        (said("见过的最晚时间", "latest seen"), moment(latest, zone) if latest else said("无", "none")),
        (said("落后(秒)", "behind (s)"), behind),
    ]
    show(sheet(lines))


@APP.command(
    help=said(
        "本机时钟曾经快过、现在已校准：忘掉见过的最晚时间(先停掉所有服务)",
        "The clock was ahead and is right now: forget the latest time seen. Stop every server first.",
    )
)
def trust(
    *,
    yes: Annotated[
        bool, Parameter(negative="", help=said("时钟确实正确，服务都已停止", "It is right, and no server runs."))
    ] = False,
    data: Data = HERE,
) -> None:
    """Forget the latest time seen."""
    with opened(data) as house:
        now, latest, zone = system_clock(), house.stores.moments.latest(), house.settings.timezone
        if latest <= now:
            show(said("时钟没有落后，什么也不用做。", "The clock is not behind: there is nothing to do."))
            return
        if not yes:
            raise Trouble(
                f"时钟现在是 {moment(now, zone)}，见过 {moment(latest, zone)}。退回去会使其间到期的会话重新有效："
                "确认时钟正确、服务都已停止，再加 --yes。",
                f"the clock says {moment(now, zone)}, and {moment(latest, zone)} was seen. Going back revives what has "
                "expired since: when the clock is right and every server stopped, say --yes.",
            )
        if running := living_workers(data / METRICS):
            raise Trouble(
                f"有 {running} 个服务进程还在这个数据目录上运行，它们会把记住的时间写回来：先停掉服务，再运行一次。",
                f"workers that run on this data ({running}) remember that time and would keep it again: stop the "
                "server, then say this once more.",
            )
        TrustClock(house.stores)(OPERATOR)
    show(
        said(
            "已忘掉，可以启动服务了。别的机器上若还有服务在运行，它会把时间写回来：停掉它，再运行一次。",
            "It is forgotten; servers can be started. One that still runs on another machine keeps the old time again: "
            "stop it, then say this once more.",
        )
    )
