"""`lingpai user …`: who may sign in."""

import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Annotated, Any, Literal

from cyclopts import App, Parameter

from lingpai.cli.opening import OPERATOR, PAGE, counted, every, find_company, find_user, live_sessions, opened
from lingpai.cli.parameters import ACCOUNTS, COMMANDS, HERE, AsJson, Data, Limit, UserName, command
from lingpai.cli.passwords import PasswordFrom, choose_password
from lingpai.cli.printing import Trouble, marked, moment, said, sheet, show, show_json, table
from lingpai.composition import House
from lingpai.operations.add_user import AddUser, Joining, NewUser
from lingpai.operations.change_addresses import AddressesAsked, ChangeAddresses
from lingpai.operations.enable import EnableUser, Enabling
from lingpai.operations.forget_tries import ForgetTries
from lingpai.operations.reset_password import PasswordReset, ResetPassword
from lingpai.vocabulary.clock import SECOND
from lingpai.vocabulary.outcomes import Outcome, Refused
from lingpai.vocabulary.values import Company, Membership, Session, Sex, User

APP = App(
    name="user",
    group=ACCOUNTS,
    group_commands=COMMANDS,
    help=said(
        "用户：新增、列出、显示、修改、重设密码、停用、启用", "Users: add, list, show, change, reset, disable, enable."
    ),
)


@Parameter(name="*")
@dataclass(frozen=True, slots=True)
class Profile:
    """What is known of a new user besides the name."""

    truename: Annotated[str, Parameter(help=said("姓名", "The name in real life."))] = ""
    nickname: Annotated[str, Parameter(help=said("昵称", "What others call them."))] = ""
    sex: Annotated[Sex, Parameter(show_default=False, help=said("性别", "As they tell it."))] = Sex.UNTOLD
    phone: Annotated[str, Parameter(help=said("手机号", "A phone number."))] = ""
    phone_verified: Annotated[
        bool,
        Parameter(
            negative="",
            help=said("手机号已验证，可用来登录", "The number is proved to be theirs: it is good to sign in with."),
        ),
    ] = False
    email: Annotated[str, Parameter(help=said("邮箱", "An e-mail address."))] = ""
    email_verified: Annotated[
        bool,
        Parameter(
            negative="",
            help=said("邮箱已验证，可用来登录", "The address is proved to be theirs: it is good to sign in with."),
        ),
    ] = False
    role: Annotated[str, Parameter(help=said("角色，如 admin", "A role, such as admin."))] = ""


@Parameter(name="*")
@dataclass(frozen=True, slots=True)
class Places:
    """Which companies a new user belongs to."""

    company: Annotated[
        tuple[str, ...],
        Parameter(
            negative="",
            help=said(
                "所属公司的编号或全名，可重复", "Id or whole name of a company that they belong to; may be repeated."
            ),
        ),
    ] = ()
    company_admin: Annotated[
        tuple[str, ...],
        Parameter(negative="", help=said("同上，并且是管理员", "The same, where they are an administrator.")),
    ] = field(default=())


@APP.command(help=said("新增用户", "Add a user."))
def add(
    name: UserName,
    /,
    *,
    profile: Profile = Profile(),
    places: Places = Places(),
    password: PasswordFrom = PasswordFrom(),  # noqa: B008 - frozen
    data: Data = HERE,
    as_json: AsJson = False,
) -> None:
    """Add a user."""
    if not name.strip():
        raise Trouble("用户名不能为空。", "the user's name must not be empty.")
    _check_proved(profile.phone, "--phone", proved=profile.phone_verified)
    _check_proved(profile.email, "--email", proved=profile.email_verified)
    with opened(data) as house:
        joinings = [Joining(find_company(house, one, data).id) for one in places.company]
        joinings += [Joining(find_company(house, one, data).id, is_admin=True) for one in places.company_admin]
        known = {member: getattr(profile, member) for member in Profile.__slots__}
        chosen = choose_password(password, name)
        asked = NewUser(
            User(id=0, name=name, name_key="", password="", **known), chosen.password.reveal(), tuple(joinings)
        )
        try:
            kept = AddUser(house.stores, house.clock, addresses=house.addresses)(OPERATOR, asked)
        except Refused as refusal:
            if refusal.outcome is not Outcome.NAME_TAKEN:
                raise
            raise _taken(name, profile) from None
    made = chosen.password.reveal() if chosen.made else None
    if as_json:
        show_json({"uid": kept.id, "username": kept.name, "password": made})
    else:
        show(said(f"已新增用户 {kept.name}，编号 {kept.id}。", f"Added user {kept.name}, id {kept.id}."))
        _tell_password(made)


@Parameter(name="*")
@dataclass(frozen=True, slots=True)
class Wanted:
    """Which users are listed."""

    company: Annotated[str, Parameter(help=said("只看这家公司的成员", "Only members of this company."))] = ""
    state: Annotated[
        Literal["all", "enabled", "disabled"],
        Parameter(help=said("只看启用的或停用的", "Only those that are enabled, or disabled.")),
    ] = "all"
    role: Annotated[str, Parameter(help=said("只看这个角色", "Only those with this role."))] = ""

    def fits(self, user: User) -> bool:
        """Return whether *user* is wanted; whose member they are is asked elsewhere."""
        return self.state in ("all", "enabled" if user.enabled else "disabled") and self.role in ("", user.role)

    def typed(self) -> str:
        """Return the options that say the same."""
        options = {"--company": self.company, "--state": self.state.replace("all", ""), "--role": self.role}
        return "".join(f" {name} {shlex.quote(value)}" for name, value in options.items() if value)


@APP.command(name="list", help=said("列出用户", "List users."))
def list_(
    *,
    after: Annotated[int, Parameter(help=said("从这个编号之后开始", "Begin after this id."))] = 0,
    wanted: Wanted = Wanted(),
    limit: Limit = 200,
    data: Data = HERE,
    as_json: AsJson = False,
) -> None:
    """List users by id."""
    with opened(data) as house:
        found = _users(house, find_company(house, wanted.company, data) if wanted.company else None, after)
        users = list(islice(filter(wanted.fits, found), limit + 1))
        rows = [_row(house, user) for user in users[:limit]]
    if as_json:
        show_json(rows)
        return
    heads = [said(*head) for head in (("编号", "id"), ("用户名", "name"), ("姓名", "true name"))]
    heads += [said(*head) for head in (("手机号", "phone"), ("公司", "companies"), ("角色", "role"), ("状态", "state"))]
    show(table(heads, [_cells(row) for row in rows]))
    if len(users) > limit:
        more = command(f"user list --after {users[limit - 1].id}{wanted.typed()}", data)
        show(said(f"还有更多：{more}", f"There are more: {more}"))


@APP.command(
    help=said(
        "修改手机号、邮箱；换了地址，就要重新验证",
        "Change phone number or e-mail address; a new one is not proved unless you say so.",
    )
)
def change(
    name: UserName,
    /,
    *,
    phone: Annotated[str | None, Parameter(help=said("手机号，空串为删除", "A phone number; empty for none."))] = None,
    phone_verified: Annotated[
        bool | None, Parameter(help=said("手机号已验证(或未验证)", "The number is proved to be theirs, or is not."))
    ] = None,
    email: Annotated[str | None, Parameter(help=said("邮箱，空串为删除", "An e-mail address; empty for none."))] = None,
    email_verified: Annotated[
        bool | None, Parameter(help=said("邮箱已验证(或未验证)", "The address is proved to be theirs, or is not."))
    ] = None,
    data: Data = HERE,
    as_json: AsJson = False,
) -> None:
    """Change the addresses of a user."""
    with opened(data) as house:
        user = find_user(house, name, data)
        _check_proved(user.phone if phone is None else phone, "--phone", proved=phone_verified)
        _check_proved(user.email if email is None else email, "--email", proved=email_verified)
        asked = AddressesAsked(user.id, phone, phone_verified, email, email_verified)
        try:
            kept = ChangeAddresses(house.stores, house.addresses)(OPERATOR, asked)
        except Refused as refusal:
            if refusal.outcome is not Outcome.NAME_TAKEN:
                raise
            raise Trouble(
                "这个手机号或邮箱已被另一个用户用来登录。", "another user signs in with this phone number or address."
            ) from None
    if as_json:
        show_json({"uid": kept.id, "username": kept.name, **_addresses(kept)})
    else:
        phone_shown, email_shown = _told_addresses(kept)
        show(
            said(
                f"{kept.name}：手机号 {phone_shown}，邮箱 {email_shown}。",
                f"{kept.name}: phone {phone_shown}, e-mail {email_shown}.",
            )
        )


@APP.command(help=said("重设密码，并结束该用户的全部会话", "Give a user a new password; all their sessions end."))
def reset(
    name: UserName,
    /,
    *,
    password: PasswordFrom = PasswordFrom(),  # noqa: B008 - frozen
    data: Data = HERE,
    as_json: AsJson = False,
) -> None:
    """Set a new password."""
    with opened(data) as house:
        user = find_user(house, name, data)
        chosen = choose_password(password, user.name)
        ResetPassword(house.stores, house.clock)(OPERATOR, PasswordReset(user.id, chosen.password))
    made = chosen.password.reveal() if chosen.made else None
    if as_json:
        show_json({"uid": user.id, "username": user.name, "password": made})
    else:
        show(
            said(
                f"{user.name} 的密码已重设，原有会话全部结束。",
                f"{user.name} has a new password; the sessions they had are over.",
            )
        )
        _tell_password(made)


@APP.command(
    name="show",
    help=said(
        "显示一个用户：状态、公司、会话、最近登录、失败次数",
        "Show a user: state, companies, sessions, failures.",
    ),
)
def show_user(name: UserName, /, *, data: Data = HERE, as_json: AsJson = False) -> None:
    """Show all that is known of one user."""
    with opened(data) as house:
        user = find_user(house, name, data)
        house.prepare()
        row, now, zone = _row(house, user), house.clock(), house.settings.timezone
        tries = [
            (called, one)
            for called, digest in house.trials.digests(user).items()
            for one in house.stores.tries.of(digest)
            if one.network or one.next > now
        ]
        live, latest = counted(live_sessions(house, user)), house.stores.sessions.of_user(user.id)[:LATEST]
        memberships = house.stores.companies.memberships(user.id)
    waits = [
        {
            "name": called,
            "network": one.network,
            "failures": one.count,
            "latest": moment(one.latest, zone),
            "wait_seconds": max(0, -((now - one.next) // SECOND)),
            "known": one.known > now,
        }
        for called, one in tries
    ]
    if as_json:
        sessions = {"live": live, "latest": [_sign_in(session) for session in latest]}
        more = {"works_in": user.company_id, "created": user.created, "sessions": sessions}
        show_json({**row, **more, "tries": waits})
        return
    show(sheet(_about(user, memberships, live, zone)))
    if latest:
        heads = [said("最近登录", "signed in"), said("接口约定", "contract"), said("应用", "client")]
        heads += [said("客户端类型", "client type"), said("最近使用", "last seen"), said("会话", "session")]
        show("", table(heads, [_sign_in_cells(session, zone) for session in latest], whole=heads[-1:]))
    if waits:
        heads = [said("名称", "name"), said("网络", "network"), said("失败次数", "failures")]
        heads += [said("最近一次", "latest"), said("须等待(秒)", "must wait (s)"), said("常用", "known")]
        show("", table(heads, [_tries_cells(one) for one in waits]))


@APP.command(
    help=said(
        "清除登录失败次数，让正在等待的用户立即可以登录",
        "Forget failed sign-ins, so that a user who has to wait can sign in at once.",
    )
)
def unblock(name: UserName, /, *, data: Data = HERE, as_json: AsJson = False) -> None:
    """Forget the tries of a user's names."""
    with opened(data) as house:
        user = find_user(house, name, data)
        house.prepare()
        gone = ForgetTries(house.stores, house.trials)(OPERATOR, user)
    if as_json:
        show_json({"uid": user.id, "username": user.name, "forgotten": gone})
    else:
        show(said(f"{user.name}：清除了 {gone} 条记录。", f"{user.name}: rows forgotten: {gone}."))


@APP.command(help=said("停用用户，并结束其全部会话", "Disable a user; all their sessions end."))
def disable(name: UserName, /, *, data: Data = HERE, as_json: AsJson = False) -> None:
    """Let a user act no more."""
    with opened(data) as house:
        user = find_user(house, name, data)
        ended = counted(live_sessions(house, user))
        EnableUser(house.stores, house.clock)(OPERATOR, Enabling(user.id, enabled=False))
    if as_json:
        show_json({"uid": user.id, "username": user.name, "enabled": False, "ended": ended})
    else:
        number = sum(ended.values())
        show(
            said(f"{user.name} 已停用，结束了 {number} 个会话。", f"{user.name} is disabled; sessions ended: {number}.")
        )


@APP.command(help=said("启用用户", "Enable a user again."))
def enable(name: UserName, /, *, data: Data = HERE, as_json: AsJson = False) -> None:
    """Let a user act again."""
    with opened(data) as house:
        user = find_user(house, name, data)
        EnableUser(house.stores, house.clock)(OPERATOR, Enabling(user.id, enabled=True))
    if as_json:
        show_json({"uid": user.id, "username": user.name, "enabled": True})
    else:
        show(said(f"{user.name} 已启用。", f"{user.name} is enabled."))


def _check_proved(address: str, option: str, *, proved: bool | None) -> None:
    """Make sure that what is called proved is there."""
    if proved and not address:
        raise Trouble(f"{option}-verified 要和 {option} 一起用。", f"{option}-verified asks for {option}.")


def _taken(name: str, profile: Profile) -> Trouble:
    # Only what is proved is nobody else's.
    proved = [(profile.phone_verified, profile.phone, "手机号", "the phone number")]
    proved.append((profile.email_verified, profile.email, "邮箱", "the address"))
    also_zh = "".join(f"或{zh} {value} " for is_proved, value, zh, _ in proved if is_proved and value)
    also_en = [f", or {en} {value}" for is_proved, value, _, en in proved if is_proved and value]
    also_en += [","] if also_en else []
    return Trouble(
        f"用户名 {name} {also_zh}已被占用，或与已有的用户名太相似。",
        f"the name {name}{''.join(also_en)} is taken by another user, or looks like another's.",
    )


def _addresses(user: User) -> dict[str, Any]:
    return {name: getattr(user, name) for name in ("phone", "phone_verified", "email", "email_verified")}


def _told_addresses(user: User) -> tuple[str, str]:
    proved, none = said("(已验证)", " (proved)"), said("无", "none")
    phone = user.phone + proved * user.phone_verified
    return phone or none, (user.email + proved * user.email_verified) or none


def _row(house: House, user: User) -> dict[str, Any]:
    memberships = house.stores.companies.memberships(user.id)
    return {
        "uid": user.id,
        "username": user.name,
        "truename": user.truename,
        **_addresses(user),
        "companies": [one.company_id for one in memberships],
        "admin_of": [one.company_id for one in memberships if one.is_admin],
        "role": user.role,
        "enabled": user.enabled,
    }


LATEST = 5
"""So many sign-ins are shown."""


def _users(house: House, company: Company | None, after: int) -> Iterator[User]:
    if company is None:
        yield from every(house.stores.accounts.page, after)
        return
    while members := house.stores.companies.members(company.id, after, PAGE):
        yield from (member.user for member in members)
        after = members[-1].user.id


def _sign_in(session: Session) -> dict[str, Any]:
    names = ("id", "contract", "client_id", "client_type", "began", "last_seen", "ended")
    return {name: getattr(session, name) for name in names}


def _sign_in_cells(session: Session, zone: str) -> list[object]:
    began, seen = moment(session.began, zone), moment(session.last_seen, zone)
    return [began, session.contract, session.client_id, session.client_type, seen, session.id]


def _about(
    user: User, memberships: Sequence[Membership], live: Mapping[str, int], zone: str
) -> list[tuple[str, object]]:
    """Return what is known of a user, line by line; what is empty is left out."""
    phone, email = _told_addresses(user)
    admin = said(" 管理员", " as administrator")
    companies = [f"{one.company_name} ({one.company_id}){admin * one.is_admin}" for one in memberships]
    sexes = {Sex.MALE: said("男", "male"), Sex.FEMALE: said("女", "female"), Sex.UNTOLD: ""}
    lines: list[tuple[str, object]] = [
        (said("编号", "id"), user.id),
        (said("用户名", "name"), user.name),
        (said("状态", "state"), said("启用", "enabled") if user.enabled else said("已停用", "disabled")),
        (said("姓名", "true name"), user.truename),
        (said("昵称", "nickname"), user.nickname),
        (said("性别", "sex"), sexes[user.sex]),
        (said("手机号", "phone"), phone if user.phone else ""),
        (said("邮箱", "e-mail"), email if user.email else ""),
        (said("角色", "role"), user.role),
        (said("公司", "companies"), said("、", ", ").join(companies)),
        (said("有效会话", "live sessions"), ", ".join(f"{name} {count}" for name, count in live.items()) or "0"),
        (said("新增于", "added"), moment(user.created, zone) if user.created else ""),
    ]
    return [(name, value) for name, value in lines if value != ""]


def _tries_cells(one: dict[str, Any]) -> list[object]:
    network = one["network"] or said("陌生网络合计", "all unknown ones")
    return [one["name"], network, one["failures"], one["latest"], one["wait_seconds"], said("是", "yes") * one["known"]]


def _cells(row: dict[str, Any]) -> list[object]:
    companies = ", ".join(f"{one}{'*' if one in row['admin_of'] else ''}" for one in row["companies"])
    state = "" if row["enabled"] else said("已停用", "disabled")
    return [row["uid"], row["username"], row["truename"], row["phone"], companies, row["role"], state]


def _tell_password(made: str | None) -> None:
    if made is not None:
        words = said("密码(只显示这一次)：[bold]{made}[/]", "Password, shown this once: [bold]{made}[/]")
        show(marked(words, made=made))
