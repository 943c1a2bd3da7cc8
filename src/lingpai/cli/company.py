"""`lingpai company …`: what users belong to."""

from dataclasses import dataclass, fields
from itertools import islice
from typing import Annotated, Any, Literal

from cyclopts import App, Parameter

from lingpai.cli.opening import OPERATOR, every, find_company, find_user, opened
from lingpai.cli.parameters import ACCOUNTS, COMMANDS, HERE, AsJson, Data, Limit, Named, UserName, command
from lingpai.cli.printing import Trouble, moment, said, sheet, show, show_json, table
from lingpai.operations.add_company import AddCompany
from lingpai.operations.change_membership import JoinCompany, LeaveCompany, MembershipAsked
from lingpai.vocabulary.outcomes import Outcome, Refused
from lingpai.vocabulary.values import Company, Member

APP = App(
    name="company",
    group=ACCOUNTS,
    group_commands=COMMANDS,
    help=said("公司：新增、列出、显示、加入、退出", "Companies: add, list, show, join, leave."),
)


@Parameter(name="*")
@dataclass(frozen=True, slots=True)
class Particulars:
    """What zhiyun tells of a company besides its name."""

    type: Annotated[
        Literal["1", "2"], Parameter(help=said("1 公司，2 个体工商户", "1 for a company, 2 for a sole trader."))
    ] = "1"
    tax_number: Annotated[str, Parameter(help=said("税号", "The tax number."))] = ""
    province: Annotated[str, Parameter(help=said("省", "The province."))] = ""
    city: Annotated[str, Parameter(help=said("市", "The city."))] = ""
    zone: Annotated[str, Parameter(help=said("区", "The district."))] = ""
    address: Annotated[str, Parameter(help=said("地址", "The address."))] = ""
    tel_phone: Annotated[str, Parameter(help=said("电话", "The telephone."))] = ""
    legal_person_name: Annotated[str, Parameter(help=said("法人姓名", "Who represents it in law."))] = ""
    legal_person_phone: Annotated[str, Parameter(help=said("法人手机", "Their phone."))] = ""


@APP.command(help=said("新增公司", "Add a company."))
def add(
    name: Annotated[str, Parameter(help=said("公司全名", "The whole name."))],
    /,
    *,
    particulars: Particulars = Particulars(),
    data: Data = HERE,
    as_json: AsJson = False,
) -> None:
    """Add a company."""
    if not name.strip():
        raise Trouble("公司名不能为空。", "the company's name must not be empty.")
    known = {field.name: getattr(particulars, field.name) for field in fields(particulars)}
    with opened(data) as house:
        kept = AddCompany(house.stores, house.clock)(OPERATOR, Company(0, name, **known))
    if as_json:
        show_json({"company_id": kept.id, "company_name": kept.name})
    else:
        show(said(f"已新增公司 {kept.name}，编号 {kept.id}。", f"Added company {kept.name}, id {kept.id}."))


@APP.command(name="list", help=said("列出公司", "List companies."))
def list_(
    *,
    after: Annotated[int, Parameter(help=said("从这个编号之后开始", "Begin after this id."))] = 0,
    limit: Limit = 200,
    data: Data = HERE,
    as_json: AsJson = False,
) -> None:
    """List companies by id."""
    with opened(data) as house:
        found = list(islice(every(house.stores.companies.page, after), limit + 1))
    companies = found[:limit]
    if as_json:
        show_json([{"company_id": one.id, "company_name": one.name, "type": one.type} for one in companies])
        return
    heads = [said(*head) for head in (("编号", "id"), ("名称", "name"), ("城市", "city"), ("法人", "represented by"))]
    show(table(heads, [[one.id, one.name, f"{one.province}{one.city}", one.legal_person_name] for one in companies]))
    if len(found) > limit:
        more = command(f"company list --after {companies[-1].id}", data)
        show(said(f"还有更多：{more}", f"There are more: {more}"))


@APP.command(name="show", help=said("显示一家公司和它的成员", "Show a company and its members."))
def show_company(
    named: Named,
    /,
    *,
    after: Annotated[int, Parameter(help=said("从这个用户编号之后开始", "Begin after this user's id."))] = 0,
    limit: Limit = 50,
    data: Data = HERE,
    as_json: AsJson = False,
) -> None:
    """Show one company with a page of its members."""
    with opened(data) as house:
        company = find_company(house, named, data)
        found = house.stores.companies.members(company.id, after, limit + 1)
        zone = house.settings.timezone
    members, more = found[:limit], len(found) > limit
    known = {field.name: getattr(company, field.name) for field in fields(company) if field.name not in ("id", "name")}
    if as_json:
        rows = [_member(one) for one in members]
        show_json({"company_id": company.id, "company_name": company.name, **known, "members": rows, "more": more})
        return
    told = {**known, "created": moment(company.created, zone) if company.created else ""}
    lines = [(said("编号", "id"), company.id), (said("名称", "name"), company.name)]
    show(sheet([*lines, *((said(*words), told[name]) for name, words in WORDS.items() if told[name])]))
    heads = [said("编号", "id"), said("用户名", "user"), said("姓名", "true name")]
    heads += [said("管理员", "administrator"), said("状态", "state")]
    yes, off = said("是", "yes"), said("已停用", "disabled")
    cells = [
        (one.user.id, one.user.name, one.user.truename, yes * one.is_admin, off * (not one.user.enabled))
        for one in members
    ]
    show("", table(heads, cells))
    if more:
        next_page = command(f"company show {company.id} --after {members[-1].user.id}", data)
        show(said(f"还有更多：{next_page}", f"There are more: {next_page}"))


def _member(one: Member) -> dict[str, Any]:
    user = {"uid": one.user.id, "username": one.user.name, "truename": one.user.truename}
    return {**user, "is_admin": one.is_admin, "enabled": one.user.enabled}


WORDS = {
    "tax_number": ("税号", "tax number"),
    "province": ("省", "province"),
    "city": ("市", "city"),
    "zone": ("区", "district"),
    "address": ("地址", "address"),
    "tel_phone": ("电话", "telephone"),
    "legal_person_name": ("法人", "represented by"),
    "legal_person_phone": ("法人手机", "their phone"),
    "created": ("新增于", "added"),
}
"""What is told of a company, in Chinese and English."""


@APP.command(help=said("让用户加入公司", "Make a user a member."))
def join(
    user: UserName,
    company: Named,
    /,
    *,
    admin: Annotated[bool, Parameter(negative="", help=said("作为管理员", "As an administrator of it."))] = False,
    data: Data = HERE,
) -> None:
    """Make a user a member of a company; a member's standing there is set anew."""
    with opened(data) as house:
        who, where = find_user(house, user, data), find_company(house, company, data)
        JoinCompany(house.stores)(OPERATOR, MembershipAsked(who.id, where.id, is_admin=admin))
    show(said(f"{who.name} 已加入 {where.name}。", f"{who.name} belongs to {where.name}."))


@APP.command(help=said("让用户退出公司", "End a membership; sessions that speak for the company end with it."))
def leave(user: UserName, company: Named, /, *, data: Data = HERE) -> None:
    """End a membership."""
    with opened(data) as house:
        who, where = find_user(house, user, data), find_company(house, company, data)
        try:
            LeaveCompany(house.stores, house.clock)(OPERATOR, MembershipAsked(who.id, where.id))
        except Refused as refusal:
            if refusal.outcome is not Outcome.NOTHING_THERE:
                raise
            raise Trouble(f"{who.name} 不属于 {where.name}。", f"{who.name} is no member of {where.name}.") from None
    show(said(f"{who.name} 已退出 {where.name}。", f"{who.name} has left {where.name}."))
