"""
Which requests of the transcripts are the SDK's to write: for each, the call that must write it, to the byte.

A request is not the SDK's where it says by a rule why not. The rules look at the request alone, never at what the
SDK would write, so that a fault of it cannot turn into an exception. They are those of sdks/js/tests/recognised.ts.
How many requests each rule takes is kept in `counted/`.
"""

import base64
import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import parse_qsl, quote, unquote

from lingpai_client import Client, Mowork, Oppmg, Thinkjs, Twokeys, Zhiyun
from lingpai_client.auth import ContractAuth
from transcripts import Exchange, plain_json, printed_recipe

Args = dict[str, Any]
Asks = Callable[[Client, Args | None], object]


@dataclass(frozen=True)
class Ours:
    """
    A request that the SDK must write.

    Args:
        tokens: What the session shows, as a storage keeps it; None without one.
        make: Makes the contract's `Auth`, told a storage and a clock.

    """

    tokens: Mapping[str, Any] | None
    now: int
    make: Callable[..., ContractAuth[Any]]
    ask: Callable[[Client], object]


class NotOurs(Exception):
    """Why a request is not the SDK's to write."""


def unless(holds: object, rule: str) -> None:
    if not holds:
        raise NotOurs(rule)


def recognised(exchange: Exchange) -> Ours:
    """Return what must write the request of *exchange*, or raise `NotOurs`."""
    unless(exchange.method in ("GET", "POST"), "another method")
    path, _, query = exchange.target.partition("?")
    prefix = f"/{exchange.contract}/"
    unless(path.startswith(prefix) and header(exchange, "host") is None, "a host of its own")
    return READERS[exchange.contract](f"{exchange.method} /{path.removeprefix(prefix)}", members(query), exchange)


def account(name: str) -> Asks:
    return lambda client, args: client.account(name, **(args or {}))


def signed_in(client: Client, args: Args | None) -> object:
    assert args
    return client.sign_in(args["account"] if "account" in args else args["username"], args["password"])


def signed_out(client: Client, args: Args | None) -> object:
    client.sign_out()
    return None


def notices(client: Client, args: Args | None) -> object:
    return client.call("notice", "list", args, public=True)


def added(client: Client, args: Args | None) -> object:
    return client.call("notice", "add", args)


UNUSED = "a call, or a method of it, that the SDK does not use"
ELSEWHERE = "members in another place"
OTHERWISE = "members left out, spelt otherwise, or in another order"
UNESCAPED = "text that is not escaped"

MOWORK: Mapping[str, Asks] = {
    "POST /user/login": signed_in,
    "POST /user/register": account("register"),
    "GET /user/getinfo": account("me"),
    "GET /user/checktoken": account("check_token"),
    "POST /user/password": account("change_password"),
    "POST /user/logout": signed_out,
    "GET /notice/list": notices,
    "POST /notice/add": added,
}


def mowork(call: str, query: list[tuple[str, str]], exchange: Exchange) -> Ours:
    ask = MOWORK.get(call)
    unless(ask, UNUSED)
    only(exchange, ["X-Token", "X-Username"])
    get = call.startswith("GET")
    body = None if get else json_object(exchange)
    unless(not exchange.body if get else not query, ELSEWHERE)
    unless(not get or escaped_well(exchange.target.partition("?")[2]), UNESCAPED)
    given: list[tuple[str, Any]] = list(query) if get else list((body or {}).items())
    names = " ".join(name for name, _ in given)
    shape = re.fullmatch(r"client_type client_sys_version api_version( req_timestamp)?((?: requestParam\S*)*)", names)
    unless(shape, OTHERWISE)
    assert shape
    token, name = header(exchange, "X-Token"), header(exchange, "X-Username")
    unless((not token) == (not name) == (not shape[1]), "a credential without the others")
    unless(token or "logout" not in call, "nobody to log out")
    kinds = all(member == "requestParam" or isinstance(value, str) for member, value in given)
    unless(kinds, "a member of another kind")
    if get:
        found = [(re.fullmatch(r"requestParam\[(\w+)\]", n), v) for n, v in query[4 if shape[1] else 3 :]]
        unless(all(member for member, _ in found), OTHERWISE)
        args: Any = {member[1]: value for member, value in found if member}
    else:
        args = (body or {}).get("requestParam")
        unless(args is None or isinstance(args, dict), "a member of another kind")
        unless("requestParam" not in (body or {}) or args, "arguments that the types forbid")
    wanted = ARGUMENTS.get(call, ())
    unless(all(isinstance((args or {}).get(each), str) for each in wanted), "arguments that the types forbid")
    unless(not name or re.fullmatch(r"[!-$&-~]+", name) or escaped_name(name), "a name that is not escaped")
    common = dict(given)
    username = unquote(name) if name and "%" in name else name
    return Ours(
        {"username": username, "token": token, "told": common.get("req_timestamp"), "expires": ""} if token else None,
        exchange.now,
        lambda **options: Mowork(
            "http://stage/mowork",
            client_type=common["client_type"],
            client_sys_version=common["client_sys_version"],
            api_version=common["api_version"],
            **options,
        ),
        lambda client: (ask or signed_out)(client, args),
    )


OPPMG: Mapping[str, Asks] = {
    "POST /auth/login": signed_in,
    "GET /v1/auth/refresh_token": account("refresh"),
    "POST /v1/auth/change_company": account("change_company"),
    "POST /v1/auth/logout": signed_out,
    "GET /v1/user/info": account("me"),
    "POST /v1/user/password": account("change_password"),
    "POST /v1/notice/list": notices,
    "POST /v1/notice/add": added,
}


def oppmg(call: str, query: list[tuple[str, str]], exchange: Exchange) -> Ours:
    ask = OPPMG.get(call)
    unless(ask, UNUSED)
    unless(not query, ELSEWHERE)
    only(exchange, ["x-mmm-accesstoken", "x-mmm-refreshtoken"])
    access, refresh = header(exchange, "x-mmm-accesstoken"), header(exchange, "x-mmm-refreshtoken")
    unless((access is None) == (refresh is None), "a credential without the others")
    unless(access != "" and refresh != "", "an empty token")
    unless(access or not re.search("refresh|logout", call), "nobody to log out, and nothing to renew")
    unless(not access or not re.search("login|list", call), "tokens where the SDK shows none")
    args = json_object(exchange) if exchange.body else None
    arguments(call, args)
    tokens = {"access_token": access, "expires_in": 4e9, "refresh_token": refresh, "refresh_expires": 4e9}
    whole = {name: int(value) if isinstance(value, float) else value for name, value in tokens.items()}
    return Ours(
        whole if access else None,
        0,
        lambda **options: Oppmg("http://stage/oppmg", **options),
        lambda client: (ask or signed_out)(client, args),
    )


TWOKEYS: Mapping[str, Asks] = {
    "POST /api/login/login": signed_in,
    "POST /api/login/logout": signed_out,
    "POST /api/user/info": account("me"),
    "POST /api/user/password": account("change_password"),
    "GET /api/notice/list": notices,
    "POST /api/notice/add": added,
    "GET /api/repair/getlist": lambda client, args: client.call("repair", "getlist", args, public=True, method="GET"),
}


def twokeys(call: str, query: list[tuple[str, str]], exchange: Exchange) -> Ours:
    ask = TWOKEYS.get(call)
    unless(ask, UNUSED)
    only(exchange, [], "application/x-www-form-urlencoded")
    unless(",".join(name for name, _ in query).startswith("client_id,api_token"), OTHERWISE)
    (_, client_id), (_, shown), *rest = query
    secret = exchange.secrets.get(client_id, "")
    recipe = "an api_token that is not the printed recipe of its line"
    unless(secret and shown == printed_recipe(call.split("/")[1:], exchange.now, secret), recipe)
    unless(escaped_well(exchange.target.partition("?")[2]), UNESCAPED)
    get = call.startswith("GET")
    unless(get or not rest, ELSEWHERE)
    unless(get or escaped_well(exchange.body), UNESCAPED)
    given = rest if get else members(exchange.body)
    user = dict(given[:2]) if [name for name, _ in given[:2]] == ["user_id", "user_token"] else {}
    args = dict(given[2:] if user else given) or None
    unless(not (get and user) and not {"user_id", "user_token"} & set(args or ()), ELSEWHERE)
    unless(user.get("user_token") or "logout" not in call, "nobody to log out")
    arguments(call, args)
    success: Literal[0, 1] = 0 if "as 0" in exchange.title else 1
    tokens = {"user_id": int(user["user_id"]), "user_token": user["user_token"]} if user.get("user_token") else None
    return Ours(
        tokens,
        exchange.now,
        lambda **options: Twokeys(
            "http://stage/twokeys", client_id=client_id, client_secret=secret, success_code=success, **options
        ),
        lambda client: (ask or signed_out)(client, args),
    )


ZHIYUN: Mapping[str, Asks] = {
    "POST auth/login": signed_in,
    "GET auth/authorize": account("authorize"),
    "POST auth/logout": signed_out,
    "GET user/getUserInfo": account("me"),
    "GET company/getCompanyInfo": account("company"),
    "GET notice/list": notices,
    "POST notice/add": added,
}


def zhiyun(call: str, query: list[tuple[str, str]], exchange: Exchange) -> Ours:
    parts = re.fullmatch(r"(\w+) /apis/rest/(\w+)Service/(\w+)/(json|xml)", call)
    unless(parts, UNUSED)
    assert parts
    name = f"{parts[1]} {parts[2]}/{parts[3]}"
    ask = ZHIYUN.get(name)
    unless(ask, UNUSED)
    only(exchange, ["Authorization"], "application/x-www-form-urlencoded", f"application/{parts[4]}")
    basic = re.fullmatch(r"Basic (\S+)", header(exchange, "Authorization") or "")
    client_id, _, secret = decoded(basic[1] if basic else "").partition(":")
    whole = basic and basic[1] == base64.b64encode(f"{client_id}:{secret}".encode()).decode()
    unless(whole and client_id and secret and ":" not in secret, "no whole header of the Basic scheme")
    shape = NEEDS.get(name.partition(" ")[2], ("access_token", "client_id", "auth_code"))
    unless([member for member, _ in query] == [*shape, "t_", "p_"], OTHERWISE)
    member = dict(query)
    now = int(member["t_"]) if re.fullmatch(r"\d{13}", member["t_"]) else -1
    belong = now >= 0 and member["p_"] == str(now % 10000 * 3 + 2345)
    unless(belong, "a t_ and p_ that do not belong together, or are no milliseconds")
    unless(member.get("client_id", client_id) == client_id, "another client_id than the header")
    unless(escaped_well(exchange.target.partition("?")[2]) and escaped_well(exchange.body), UNESCAPED)
    args = dict(members(exchange.body)) or None
    arguments(name, args)
    tokens = {
        "access_token": member.get("access_token"),
        "auth_code": member.get("auth_code", ""),
        "authorized": now / 1000,
    }
    return Ours(
        tokens if member.get("access_token") else None,
        now,
        lambda **options: Zhiyun(
            "http://stage/zhiyun",
            client_id=client_id,
            client_secret=secret,
            answers="xml" if parts[4] == "xml" else "json",
            **options,
        ),
        lambda client: (ask or signed_out)(client, args),
    )


THINKJS: Mapping[str, Asks] = {
    "POST /api/system/token/create": signed_in,
    "POST /api/system/token/delete": signed_out,
    "GET /api/system/user/info": account("me"),
    "POST /api/system/user/password": account("change_password"),
    "POST /api/notice/list": lambda client, args: client.call("notice", "list", args),
    "POST /api/notice/add": added,
}


def thinkjs(call: str, query: list[tuple[str, str]], exchange: Exchange) -> Ours:
    ask = THINKJS.get(call)
    unless(ask, UNUSED)
    unless(not query, ELSEWHERE)
    only(exchange, ["Authorization"])
    token = header(exchange, "Authorization")
    unless(token != "", "an empty token")
    unless(token or "delete" not in call, "nobody to log out")
    unless(not token or "create" not in call, "tokens where the SDK shows none")
    args = json_object(exchange) if exchange.body else None
    arguments(call, args)
    return Ours(
        {"token": token} if token else None,
        exchange.now,
        lambda **options: Thinkjs("http://stage/thinkjs", **options),
        lambda client: (ask or signed_out)(client, args),
    )


READERS: Mapping[str, Callable[[str, list[tuple[str, str]], Exchange], Ours]] = {
    "mowork": mowork,
    "oppmg": oppmg,
    "twokeys": twokeys,
    "zhiyun": zhiyun,
    "thinkjs": thinkjs,
}

NAMED = ("username", "password")
CHANGED = ("old_password", "new_password")
NOTICE = ("title", "content")

ARGUMENTS: Mapping[str, tuple[str, ...]] = {
    "POST /user/login": NAMED,
    "POST /user/register": NAMED,
    "POST /user/password": CHANGED,
    "POST /notice/add": NOTICE,
    "POST /auth/login": ("account", "password"),
    "POST /v1/user/password": CHANGED,
    "POST /v1/notice/add": NOTICE,
    "POST /api/login/login": NAMED,
    "POST /api/user/password": CHANGED,
    "POST /api/notice/add": NOTICE,
    "POST auth/login": NAMED,
    "POST notice/add": NOTICE,
    "POST /api/system/token/create": NAMED,
    "POST /api/system/user/password": CHANGED,
}
"""What a caller would give; the transcripts also try what nobody would."""

NEEDS: Mapping[str, tuple[str, ...]] = {
    "auth/login": (),
    "auth/authorize": ("access_token",),
    "auth/logout": ("access_token",),
    "notice/list": (),
}


def arguments(call: str, args: Args | None) -> None:
    forbidden = "arguments that the types forbid"
    unless(args != {} or "notice" in call or "getlist" in call, forbidden)
    wanted = ARGUMENTS.get(call)
    if wanted is not None:
        unless(args and tuple(args) == wanted and all(isinstance(args[name], str) for name in wanted), forbidden)
    if "change_company" in call:
        unless(args and list(args) == ["company_id"] and type(args["company_id"]) is int, forbidden)
    if re.search("(list|info|logout|refresh_token|delete)$", call):
        unless(not args or (list(args) == ["page"] and "list" in call), forbidden)


def header(exchange: Exchange, name: str) -> str | None:
    return next((value for each, value in exchange.headers if each.lower() == name.lower()), None)


def only(
    exchange: Exchange,
    credentials: Iterable[str],
    kind: str = "application/json",
    accepted: str = "application/json",
) -> None:
    names = [name.lower() for name, _ in exchange.headers]
    unless(len(set(names)) == len(names), "a header twice")
    known = {*(name.lower() for name in credentials), "accept", "accept-language", "content-type"}
    unless(set(names) <= known, "a header that the SDK does not send")
    unless(header(exchange, "Accept") in (None, accepted), "a header that the SDK does not send")
    unless(header(exchange, "Content-Type") in (None, kind), "another content type")
    blank = any(re.search(r"^\s|\s$|[^\x00-\x7f]", value) for _, value in exchange.headers)
    unless(not blank, "blanks or bytes that no header of ours holds")


def json_object(exchange: Exchange) -> Args:
    unless(not re.search(r'(\[|\{"a":){100}', exchange.body), "JSON nested without end")
    try:
        value = json.loads(exchange.body)
    except (ValueError, RecursionError):
        raise NotOurs("no JSON") from None
    unless(isinstance(value, dict), "no JSON object")
    unless(plain_json(value) == exchange.body, "JSON with blanks, with escapes, or with a member twice")
    assert isinstance(value, dict)
    return value


def members(query: str) -> list[tuple[str, str]]:
    return parse_qsl(query, keep_blank_values=True) if query else []


def escaped_well(text: str) -> bool:
    """Whether each byte that needs an escape has one; a blank may be `+` alone."""
    wrong = re.search(r"%20|%(?![0-9A-F]{2})|[^A-Za-z0-9%&=+.*_-]", text)
    return not wrong and not re.search(r"%(?:FF|FE|00)", text)


def escaped_name(name: str) -> bool:
    """Whether *name* is what an escape made, and none was needed otherwise."""
    return bool(re.fullmatch(r"[!-~]+", name)) and quote(unquote(name), safe="!~*'()") == name


def decoded(basic: str) -> str:
    try:
        return base64.b64decode(basic).decode()
    except ValueError:
        return ""
