"""
What can be set: values with defaults, refused by name when they are wrong.

They come from `lingpai.toml` and from `LINGPAI_*` variables, which win.
"""

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, TypeVar, get_args
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
from msgspec.inspect import (
    BoolType,
    DictType,
    IntType,
    LiteralType,
    StrType,
    StructType,
    UnionType,
    VarTupleType,
    type_info,
)

from lingpai.vocabulary.addresses import is_network, network_meant
from lingpai.vocabulary.secret import Secret

Seconds = Annotated[int, msgspec.Meta(ge=1, le=10 * 365 * 86_400)]
"""A length of time, in whole seconds."""

Zone = Annotated[str, msgspec.Meta(pattern="^[A-Za-z_]+(/[A-Za-z_+-]+)*$")]
"""A time zone by its IANA name."""

_SCHEMES = r"(?!https://.*:443$|http://.*:80$)[a-z][a-z0-9+.-]*://"

Origins = tuple[
    Annotated[
        str,
        msgspec.Meta(pattern=rf"^(\*|loopback|null|file://|{_SCHEMES}(\[[0-9a-f:]+\]|[a-z0-9._-]+)(:[0-9]{{1,5}})?)$"),
    ],
    ...,
]
"""Origins as browsers write them (WHATWG HTML, serialization of an origin): one written otherwise matches no page."""


class ContractSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """
    What every contract lets you set; a contract adds its own lifetimes and windows.

    Args:
        enabled: Whether it is served at all.
        account_hosts: Host names that serve its account side at their root.
        business_hosts: Host names that serve its business side at their root; a host in both serves both.
        origins: Pages that may call: origins as browsers write them, `loopback`, or `*`.
        entrance: "anyone", "members" (of some company) or "role:<name>".
        registration: "open", "invite" or "closed".
        invitation: What an invited guest must show.
        timezone: In which times without a zone are printed.
        weak: Its weak forms, where nothing was said about the client: "on", "off", or the date from which off.

    """

    NOT_SET: ClassVar[frozenset[str]] = frozenset()
    """Those of them that mean nothing to a contract, and are unknown there; it says so itself."""

    enabled: bool = True
    account_hosts: tuple[str, ...] = ()
    business_hosts: tuple[str, ...] = ()
    origins: Origins = ("loopback",)
    entrance: Annotated[str, msgspec.Meta(pattern="^(anyone|members|role:.+)$")] = "anyone"
    registration: Literal["open", "invite", "closed"] = "closed"
    invitation: str = ""
    timezone: Zone = "Asia/Shanghai"
    weak: dict[str, Any] = {}

    def invited(self) -> Secret | None:
        """Return the invitation, where there is one."""
        return Secret(self.invitation) if self.invitation else None


class ModuleSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What every module lets you set: nothing; a module adds its own."""

    NOT_SET: ClassVar[frozenset[str]] = frozenset()


class LogSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """
    What the server writes down.

    Args:
        requests: Which calls, each: "none" (only a sample of those that were refused), "refused" or "all".

    """

    requests: Literal["none", "refused", "all"] = "none"


Region = Annotated[str, msgspec.Meta(pattern="^[A-Z]{2}$")]
"""A country by its two letters (ISO 3166)."""


class ForwardSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """
    What can be set for one service that stands behind a proxy, or a guard, which asks us.

    Args:
        contracts: What its callers may speak.
        prefix: What stands before a contract's own paths there, such as `/shop`; taken off before a contract reads one.
        public: Paths, with all below them, that need no user: a contract's proofs for public calls do.
        role: Whoever calls must have this role; empty for any.
        scope: The client that calls must have this scope alias; empty for any.
        company: Whoever calls must speak for this company or, where a contract chooses none, belong to it.
        seconds: How long what the service is told of its caller is good for.

    """

    contracts: tuple[str, ...] = ()
    prefix: Annotated[str, msgspec.Meta(pattern="^(/[^/]+)*$")] = ""
    public: tuple[str, ...] = ()
    role: str = ""
    scope: str = ""
    company: int | None = None
    seconds: Annotated[int, msgspec.Meta(ge=5, le=60)] = 60


class MetricsSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """
    Who may read `/metrics`.

    Args:
        addresses: Addresses and networks; to anybody else there is no such page.

    """

    addresses: tuple[str, ...] = ("127.0.0.0/8", "::1/128")


OFF = "off"
"""What stands for no limit."""

_RATE = "[1-9][0-9]{0,8}/(second|minute|hour|day)"

CallRate = Annotated[str, msgspec.Meta(pattern=f"^(off|{_RATE}( *; *{_RATE})*)$")]
"""How many calls in how long; several, parted by semicolons, hold together."""


class LimitsSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """
    How many dear calls are taken. The first four count by network: an IPv4 address, an IPv6 /64.

    Args:
        sign_in: Sign-ins, and changes of a password, right or wrong.
        register: Registrations.
        authorize: Auth codes given (zhiyun): a partner's server asks for those of all its users.
        refresh: Pairs of tokens renewed (oppmg).
        client: Any of these through one client with a secret.
        shared: URL of the Valkey or Redis in which all workers count together; else each counts its share.

    """

    sign_in: CallRate = "600/minute; 6000/hour"
    register: CallRate = "60/minute; 600/hour"
    authorize: CallRate = "6000/minute"
    refresh: CallRate = "3000/minute"
    client: CallRate = "6000/minute"
    shared: Annotated[str, msgspec.Meta(pattern="^((valkey|redis)s?://.+)?$")] = ""


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """
    What the server lets you set, besides its contracts.

    Args:
        database: Where everything is kept: PostgreSQL's URL, or the path of an SQLite file (from the data folder).
        master_key_file: Where the master key is kept (from the data folder); empty for `master.key` there.
        master_key_command: What prints the master key, run without a shell; instead of a file.
        timezone: In which times without a zone are printed, where a contract does not say otherwise.
        phone_region: The country whose phone numbers are written without its code. Say it before there are users.
        workers: How many processes serve this data on this machine; `lingpai serve` says it to those that it starts.
        docs: Who may read a contract's page at `/<contract>/docs`: true for everybody, false for nobody, "loopback"
            for browsers of this machine.
        threads: How many calls one worker serves from the database at once.
        limits: How many dear calls are taken.
        trusted_proxies: Addresses and networks of our proxies, whose headers tell who asks, over what, for which host.
        proxy_headers: Which headers they write: "x-forwarded" (`X-Forwarded-For`, `-Proto`, `-Host`) or "forwarded".
        contracts: By name, what each contract's own settings say.
        contract_files: Files of contracts that live outside the package.
        log: What is written down.
        metrics: Who may read `/metrics`.
        modules: By name, what each module's own settings say.
        module_files: Files, or folders of packages, of modules that are not installed.
        forward: By name, the services that stand behind a proxy, or a guard, which asks us.
        file: Where they were read from, for what is told of them; it cannot be set itself.

    """

    NOT_SET: ClassVar[frozenset[str]] = frozenset({"file"})

    database: str = "lingpai.db"
    master_key_file: str = ""
    master_key_command: str = ""
    timezone: Zone = "Asia/Shanghai"
    phone_region: Region = "CN"
    workers: Annotated[int, msgspec.Meta(ge=1, le=1024)] = 1
    docs: bool | Literal["loopback"] = "loopback"
    threads: Annotated[int, msgspec.Meta(ge=1, le=256)] = 16
    limits: LimitsSettings = LimitsSettings()
    trusted_proxies: tuple[str, ...] = ()
    proxy_headers: Literal["x-forwarded", "forwarded"] = "x-forwarded"
    contracts: dict[str, dict[str, Any]] = {}
    contract_files: tuple[str, ...] = ()
    log: LogSettings = LogSettings()
    metrics: MetricsSettings = MetricsSettings()
    modules: dict[str, dict[str, Any]] = {}
    module_files: tuple[str, ...] = ()
    forward: dict[str, dict[str, Any]] = {}
    file: str = "lingpai.toml"


class SettingRefused(Exception):
    """
    A setting is unknown or wrong. The message names it, says where it came from and what is asked for.

    Args:
        zh: The message in Chinese.

    """

    def __init__(self, en: str, zh: str = "") -> None:
        super().__init__(en)
        self.zh = zh or en


class _Variable(str):
    """The value of a variable, which remembers its name."""

    __slots__ = ("name",)
    name: str


FILE = "lingpai.toml"
"""The file that settings come from, as it is called where its folder is not known."""

PREFIX = "LINGPAI_"
"""Of the variables that set something: `LINGPAI_CONTRACTS__OPPMG__ACCESS_SECONDS=2`."""


def load_settings(file: Path | None, variables: Mapping[str, str]) -> Settings:
    """
    Return the settings in *file* (TOML; None, or one that does not exist, for none), overridden by *variables*.

    Raises:
        SettingRefused: Naming the setting.

    """
    named = str(file or FILE)
    raw = raw_settings(file, variables)
    return msgspec.structs.replace(read_settings(raw, Settings, "", named), file=named)


def raw_settings(file: Path | None, variables: Mapping[str, str]) -> dict[str, Any]:
    """
    Return what *file* and *variables* say, as they say it.

    Raises:
        SettingRefused: The file is no TOML, or a variable names a section that is none.

    """
    raw: dict[str, Any] = {}
    if file is not None and file.exists():
        try:
            raw = tomllib.loads(file.read_text(encoding="utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as broken:
            raise SettingRefused(f"{file}: {broken}", f"{file} 不是正确的 TOML：{broken}") from None
    if variables.get(DATABASE_URL):
        raw["database"] = _from_variable(DATABASE_URL, variables)
    if variables.get(REDIS_URL):
        _put(raw, ["limits", "shared"], _from_variable(REDIS_URL, variables))
    for name in variables:
        if name.startswith(PREFIX) and name not in NOT_SETTINGS and not name.startswith("LINGPAI_TEST_"):
            _put(raw, name.removeprefix(PREFIX).lower().split("__"), _from_variable(name, variables))
    return raw


DATABASE_URL = "DATABASE_URL"
"""The variable that hosters set; `LINGPAI_DATABASE` wins over it."""

REDIS_URL = "REDIS_URL"
"""The variable that hosters set; `LINGPAI_LIMITS__SHARED` wins over it."""

NOT_SETTINGS = frozenset({"LINGPAI_DATA", "LINGPAI_DEMO", "LINGPAI_MASTER_KEY"})
"""
Variables of ours that say where and how to run, not what to set; or a secret, which no setting is.

Those named LINGPAI_TEST_… belong to the tests.
"""

T = TypeVar("T", bound=msgspec.Struct)


def read_settings(raw: Mapping[str, Any], kind: type[T], section: str, file: str = FILE) -> T:
    """
    Return *raw* as settings of *kind*; text is read as number, truth or list where such is asked for.

    Args:
        file: What those are said to come from that no variable gave.

    Raises:
        SettingRefused: Naming the setting with its *section*, and where it came from.

    """
    hidden: frozenset[str] = getattr(kind, "NOT_SET", frozenset())
    fields = {field.name: field.type for field in msgspec.structs.fields(kind) if field.name not in hidden}
    readable: dict[str, Any] = {}
    for name, value in raw.items():
        named = f"[{section}] {name}" if section else name
        if name not in fields:
            raise unknown_setting(named, name, fields, value, file)
        if isinstance(value, Mapping) and isinstance(fields[name], type) and issubclass(fields[name], msgspec.Struct):
            readable[name] = read_settings(value, fields[name], name, file)
            continue
        readable[name] = _parted(value) if isinstance(type_info(fields[name]), VarTupleType) else value
        try:
            msgspec.convert(readable[name], fields[name], strict=False)
            if fields[name] == Zone:
                ZoneInfo(str(value))
        except (msgspec.ValidationError, ZoneInfoNotFoundError, OSError):
            raise wrong_setting(named, _asked_for(fields[name]), _culprit(readable[name], fields[name]), file) from None
    return msgspec.convert(readable, kind, strict=False)


def _parted(value: Any) -> Any:
    """Return the parts of a list that is written as text, each with its variable's name; JSON is no such list."""
    if not isinstance(value, str) or value.lstrip().startswith("["):
        return value
    texts = [text for part in value.split(",") if (text := part.strip())]
    return [_from(value.name, text) for text in texts] if isinstance(value, _Variable) else texts


def _culprit(value: Any, kind: Any) -> Any:
    """Return the part of a list that is no part of a *kind*; *value* where it is no list."""
    if isinstance(value, list):
        for part in value:
            try:
                msgspec.convert([part], kind, strict=False)
            except msgspec.ValidationError:
                return part
    return value


def check_networks(named: str, listed: Iterable[str], file: str = FILE) -> None:
    """
    Make sure that each of *listed*, the setting *named*, is an address or a network.

    Raises:
        SettingRefused: Naming the first that is none, and the network that it is in where that was meant.

    """
    for text in listed:
        if not is_network(text):
            near = network_meant(text)
            asked = (
                f"addresses and networks, such as {near}, parted by commas in a variable",
                f"地址和网段，如 {near}，在变量中用逗号分开",
            )
            raise wrong_setting(named, asked, text, file)


def wrong_setting(named: str, asked_for: tuple[str, str], value: object, file: str = FILE) -> SettingRefused:
    """Return the refusal of *value* for the setting *named*: what is *asked_for*, in English and Chinese."""
    (en, zh), source = asked_for, source_of(value, file)
    return SettingRefused(
        f"{source}: {named} must be {en}{_not(', not', value)}.",
        f"{source}：{named} 应为{zh}{_not('，而不是', value)}。",
    )


def unknown_setting(named: str, name: str, known: Iterable[str], value: object, file: str = FILE) -> SettingRefused:
    """Return the refusal of *named*, whose last part is the unknown *name*: it says which of *known* is near."""
    source = source_of(value, file)
    near = get_close_matches(name, known, 1)
    names = ", ".join(sorted(known))
    en = f"Did you mean {near[0]}?" if near else f"There are: {names}."
    zh = f"是不是 {near[0]}？" if near else f"有：{names}。"
    return SettingRefused(f"{source}: {named} is unknown. {en}", f"{source}：没有设置 {named}。{zh}")


def _from_variable(name: str, variables: Mapping[str, str]) -> _Variable:
    return _from(name, variables[name])


def _from(name: str, text: str) -> _Variable:
    value = _Variable(text)
    value.name = name
    return value


def source_of(value: object, file: str) -> str:
    """Return the variable that *value*, or something in it, came from, else *file*."""
    if isinstance(value, _Variable):
        return value.name
    inner = value.values() if isinstance(value, Mapping) else ()
    return next((source for one in inner if (source := source_of(one, file)) != file), file)


def _asked_for(kind: Any) -> tuple[str, str]:
    """Return in English and Chinese what a value of *kind* is."""
    for named, its_words in _NAMED:
        if kind == named:
            return its_words
    info = type_info(kind)
    if isinstance(info, UnionType):
        return _asked_for(next(one for one in get_args(kind) if one is not type(None)))
    if isinstance(info, IntType):
        return f"a whole number{_bounds(info, ' from', ' to')}", f"整数{_bounds(info, '，从', ' 到')}"
    if isinstance(info, LiteralType):
        words = ", ".join(map(str, info.values))
        return f"one of {words}", f"其中之一：{words}"
    if isinstance(info, StrType) and info.pattern:
        return f"text like {info.pattern}", f"这样的文本：{info.pattern}"
    return next((words for one, words in _WORDS.items() if isinstance(info, one)), ("something else", "别的值"))


_NAMED: Sequence[tuple[Any, tuple[str, str]]] = (
    (Zone, ("a time zone such as Asia/Shanghai", "时区，如 Asia/Shanghai")),
    (
        Origins,
        (
            "origins in small letters, scheme://host[:port], no path, no slash at the end, no usual port; loopback; *",
            "小写的来源 scheme://host[:port]，不带路径，末尾没有斜杠，不写默认端口；或 loopback，或 *",
        ),
    ),
    (
        CallRate,
        ("a rate such as 600/minute, several parted by ;, or off", "频率，如 600/minute，多个用 ; 分开，或 off"),
    ),
)

_WORDS: dict[type, tuple[str, str]] = {
    BoolType: ("true or false", " true 或 false"),
    StrType: ("text", "文本"),
    VarTupleType: ("a list, parted by commas in a variable", "列表，在变量中用逗号分开"),
    StructType: ("a section", "一节"),
    DictType: ("a section", "一节"),
}


def _bounds(info: IntType, least: str, most: str) -> str:
    low = "" if info.ge is None else f"{least} {info.ge}"
    return low if info.le is None else f"{low}{most} {info.le}"


def _not(words: str, value: object) -> str:
    """Return *value* as it is told; what is no single value, long, or part of a URL is not: it could hold a secret."""
    is_told = isinstance(value, str | int | float) and len(str(value)) < _TOLD and "@" not in str(value)
    return f"{words} {value}" if is_told else ""


_TOLD = 30


def _put(raw: dict[str, Any], path: list[str], value: _Variable) -> None:
    for name in path[:-1]:
        raw = raw.setdefault(name, {})
        if not isinstance(raw, dict):
            raise SettingRefused(f"{value.name}: {name} is no section", f"{value.name}：{name} 不是一节")
    raw[path[-1]] = value


NO_GUESTS = frozenset({"registration", "invitation"})
"""Settings that mean nothing to a contract in which nobody registers."""

OPEN = frozenset({"entrance", "registration", "timezone", "origins", "account_hosts", "business_hosts"})
"""Settings of contracts and modules whose text anybody may read; of the others only numbers and yes or no."""


def told_settings(settings: Settings) -> dict[str, Any]:
    """Return *settings* for the log: of what may hold a secret, only that it is set."""
    told: dict[str, Any] = _plain(settings)
    for section in ("contracts", "modules"):
        for part in told[section].values():
            for name, value in part.items():
                if name not in OPEN and not isinstance(value, int):
                    part[name] = "…"
    for name, value in told.items():
        if value and isinstance(value, str) and any(word in name for word in ("secret", "password", "token", "key")):
            told[name] = "…"
    told["database"] = _without_password(settings.database)
    told["limits"]["shared"] = _without_password(settings.limits.shared)
    return told


def _without_password(place: str) -> str:
    """Return *place*, of which only scheme, host and path are left where it is a URL."""
    scheme, is_url, rest = place.partition("://")
    return f"{scheme}://…{rest.partition('?')[0].rpartition('@')[2]}" if is_url else place


def _plain(value: Any) -> Any:
    if isinstance(value, msgspec.Struct):
        return {name: _plain(getattr(value, name)) for name in value.__struct_fields__}
    if isinstance(value, Mapping):
        return {name: _plain(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    return value if value is None or isinstance(value, int | float) else str(value)
