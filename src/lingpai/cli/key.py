"""`lingpai key …`: which keys there are, and rotating each."""

import time
from pathlib import Path
from typing import Annotated, Any

from cyclopts import App, Parameter

from lingpai.cli.opening import OPERATOR, opened
from lingpai.cli.parameters import COMMANDS, HERE, KEYS, AsJson, Data, command
from lingpai.cli.printing import Trouble, moment, said, show, show_json, table
from lingpai.composition import House, date_stamp
from lingpai.operations.drop_keys import DropKeys
from lingpai.operations.rotate_key import RotateKey
from lingpai.operations.rotate_master import MasterRotation, RotateMaster
from lingpai.principals.keys import DATA, PEPPER
from lingpai.principals.remembered import LEASE_SECONDS
from lingpai.principals.retiring import KEPT, Retired
from lingpai.principals.services import PURPOSE
from lingpai.vocabulary.outcomes import Outcome, Refused
from lingpai.vocabulary.values import WorkingKey

APP = App(
    name="key",
    group=KEYS,
    group_commands=COMMANDS,
    help=said("密钥：列出、更换、更换主密钥", "Keys: list, rotate, rotate the master key."),
)

LATEST_SECONDS = 10
"""A new key is in use after two; a machine that is busy gets longer."""

MARGIN_SECONDS = 0.5
"""So much longer than the lease we wait for the others: they look ten times a second."""

Purpose = Annotated[str, Parameter(help=said("用途，见 key list", "What it is for: see `key list`."))]


@APP.command(name="list", help=said("列出密钥(不显示内容)", "List the working keys; their values are never shown."))
def list_(*, data: Data = HERE, as_json: AsJson = False) -> None:
    """List the keys by purpose, the newest first."""
    with opened(data) as house:
        rows, zone = _states(house), house.settings.timezone
    if as_json:
        show_json([_row(row, state) for row, state in rows])
        return
    heads = [said(*head) for head in (("用途", "purpose"), ("编号", "id"), ("状态", "state"))]
    heads += [said(*head) for head in (("生成", "made"), ("保留至", "kept until"))]
    words = {
        "in use": said("使用中", "in use"),
        "announced": said("即将使用", "announced"),
        "accepted": said("仍接受", "accepted"),
    }
    show(
        table(
            heads,
            [
                (row.purpose, row.id, words[state], *(moment(at, zone) if at else "" for at in (row.created, row.ends)))
                for row, state in rows
            ],
        )
    )


@APP.command(help=said("更换一个用途的密钥；没有人需要重新登录", "Rotate the key for a purpose; nobody is signed out."))
def rotate(
    purpose: Purpose,
    /,
    *,
    leaked: Annotated[
        bool,
        Parameter(
            name="--now",
            negative="",
            help=said(
                "旧密钥已泄露：立即作废，依赖它的会话全部结束",
                "The old one has leaked: drop it, and end the sessions that rest on it.",
            ),
        ),
    ] = False,
    data: Data = HERE,
    as_json: AsJson = False,
) -> None:
    """Announce a new key, wait until it is used, and move what can be moved."""
    with opened(data) as house:
        house.prepare()
        _check_purpose(house, purpose, leaked=leaked)
        RotateKey(house.stores, house.keys)(OPERATOR, purpose)
        _await_use(house)
        if leaked:
            # Until every other worker makes nothing with the old one any more.
            time.sleep(LEASE_SECONDS + MARGIN_SECONDS)
            ended = _drop(house, purpose)
            retired = Retired()
        else:
            ended = 0
            retired = house.retiring.tidy()
        newest = house.stores.keys.of(purpose)[0]
    if as_json:
        show_json({"purpose": purpose, "id": newest.id, "clients": retired.clients, "sessions_ended": ended})
        return
    show(said(f"{purpose} 已更换，现在使用 {newest.id} 号。", f"Rotated {purpose}: key {newest.id} is in use."))
    if leaked:
        show(said(f"旧密钥已作废，结束了 {ended} 个会话。", f"The old ones are gone, and {ended} sessions ended."))
        if purpose == DATA:
            show(
                said(
                    f"若数据库也已泄露，请逐个更换应用密钥：{command('client rotate-secret', data)}",
                    "If the database has leaked too, rotate the clients' secrets: "
                    f"{command('client rotate-secret CLIENT_ID', data)}",
                )
            )
        return
    if purpose in (PEPPER, DATA):
        show(
            said(
                f"{retired.clients} 个应用的密钥已按新密钥保存。",
                f"The secrets of {retired.clients} clients are kept under it now.",
            )
        )
    if purpose in KEPT:
        return
    show(
        said(
            "旧密钥继续有效，直到依赖它的会话全部到期，然后由服务自动删除。",
            "What was made with the one before stays good; the server drops that when nothing of it can live.",
        )
    )


@APP.command(
    help=said(
        "现在就整理换下的密钥(服务每分钟也做)", "Move and drop what old keys hold, as the server does each minute."
    )
)
def tidy(*, data: Data = HERE, as_json: AsJson = False) -> None:
    """Look after keys that were rotated."""
    with opened(data) as house:
        house.prepare()
        _await_use(house)
        retired = house.retiring.tidy()
    if as_json:
        show_json({"clients": retired.clients, "keys_dropped": retired.keys})
        return
    show(
        said(
            f"{retired.clients} 个应用的密钥已按新密钥保存，删除了 {retired.keys} 个旧密钥。",
            f"Secrets of {retired.clients} clients kept anew, {retired.keys} old keys dropped.",
        )
    )


@APP.command(name="rotate-master", help=said("更换主密钥", "Rotate the master key, under which all others are sealed."))
def rotate_master(
    *,
    new_file: Annotated[
        Path | None,
        Parameter(
            help=said(
                "新主密钥的文件(没有则生成)，用于主密钥来自变量或命令时",
                "File of the new key, made where it is missing: for a master key from a variable or a command.",
            )
        ),
    ] = None,
    data: Data = HERE,
    as_json: AsJson = False,
) -> None:
    """Seal every key under a new master key."""
    with opened(data) as house:
        source = house.master_key
        if source is None or source.is_file == (new_file is not None):
            raise _wrong_new_file(is_file=new_file is not None)
        asked = MasterRotation(date_stamp(house.clock), new_file)
        done = RotateMaster(house.stores, house.keys, source)(OPERATOR, asked)
    file = new_file or source.file
    if as_json:
        show_json({"keys": done.keys, "file": str(file), "before": str(done.before) if done.before else None})
        return
    show(said(f"{done.keys} 个密钥已用新主密钥封存：{file}", f"{done.keys} keys are sealed under the new one: {file}"))
    if done.before:
        show(
            said(
                f"旧主密钥留在 {done.before}：此前的备份要用它打开。请移到备份密钥处，不要放在数据库旁。",
                f"The old one is kept in {done.before}: backups made before need it. "
                "Move it to where you keep such keys, away from the database.",
            ),
            said(
                "正在运行的服务不受影响。有其他节点时，现在就把新文件复制过去。",
                "Running servers go on. Where there are other nodes, copy the new file to each now.",
            ),
        )
    else:
        show(
            said(
                "现在把它放到主密钥的来源处，再重启各节点；在此之前不要更换其他密钥。",
                "Put it where the master key comes from, then restart every node; rotate no other key before that.",
            )
        )


def _wrong_new_file(*, is_file: bool) -> Trouble:
    if is_file:
        return Trouble(
            "主密钥是文件，会直接更换：去掉 --new-file。",
            "the master key is a file, and is replaced in its place: leave out --new-file.",
        )
    return Trouble(
        "主密钥来自变量或命令，无法在此替换：用 --new-file 指定新主密钥的文件。",
        "the master key comes from a variable or a command, where it cannot be replaced from here: "
        "name a file for the new one with --new-file.",
    )


def _check_purpose(house: House, purpose: str, *, leaked: bool) -> None:
    if leaked and purpose in KEPT:
        raise Trouble(
            f"{purpose} 的旧密钥要永久保留，用来校验已有的记录：去掉 --now。",
            f"keys for {purpose} are kept for ever, to verify what was made with them: leave out --now.",
        )
    if purpose.startswith(PURPOSE):
        service = purpose.removeprefix(PURPOSE)
        raise Trouble(
            f"服务 {service} 要拿到新密钥：用 lingpai forward key {service}。",
            f"the service {service} has to be given its new key: use `lingpai forward key {service}`.",
        )
    known = sorted({row.purpose for row in house.stores.keys.all()})
    if purpose not in known:
        there = ", ".join(known)
        raise Trouble(
            f"没有用途为 {purpose} 的密钥。有：{there}。", f"there is no key for {purpose}. There are: {there}."
        )


def _await_use(house: House) -> None:
    """Wait until the newest keys are used, which every worker begins at about the same time."""
    deadline = time.monotonic() + LATEST_SECONDS
    while not house.keys.settle() and time.monotonic() < deadline:
        time.sleep(0.05)


def _drop(house: House, purpose: str) -> int:
    try:
        return DropKeys(house.stores, house.keys, house.clock)(OPERATOR, purpose)
    except Refused as refusal:
        if refusal.outcome is not Outcome.NOT_ALLOWED:
            raise
        raise Trouble(
            f"旧密钥还不能作废：{refusal}。请再试一次。", f"the old key cannot be dropped yet: {refusal}. Try again."
        ) from None


def _states(house: House) -> list[tuple[WorkingKey, str]]:
    """Return every key, by purpose and the newest first, with what it is now."""
    now, used = house.clock(), set()
    states = []
    for row in sorted(house.stores.keys.all(), key=lambda row: (row.purpose, -row.id)):
        state = "accepted" if row.purpose in used else "in use" if row.begins <= now else "announced"
        states.append((row, state))
        if state == "in use":
            used.add(row.purpose)
    return states


def _row(row: WorkingKey, state: str) -> dict[str, Any]:
    return {"purpose": row.purpose, "id": row.id, "state": state, "made": row.created, "ends": row.ends}
