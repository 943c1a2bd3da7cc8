"""
What can be set: values with defaults, refused by name when they are wrong.

They come from `lingpai.toml` and from `LINGPAI_*` variables, which win.
"""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import msgspec

from lingpai.vocabulary.secret import Secret

Seconds = Annotated[int, msgspec.Meta(ge=1, le=10 * 365 * 86_400)]
"""A length of time, in whole seconds."""

Zone = Annotated[str, msgspec.Meta(pattern="^[A-Za-z_]+(/[A-Za-z_+-]+)*$")]
"""A time zone by its IANA name."""


class ContractSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """
    What every contract lets you set; a contract adds its own lifetimes and windows.

    Args:
        enabled: Whether it is served at all.
        account_hosts: Host names that serve its account side at their root.
        business_hosts: Host names that serve its business side at their root; a host in both serves both.
        origins: Pages that may call: exact origins, `loopback`, or `*`.
        entrance: "anyone", "members" (of some company) or "role:<name>".
        registration: "open", "invite" or "closed".
        invitation: What an invited guest must show.
        timezone: In which times without a zone are printed.

    """

    enabled: bool = True
    account_hosts: tuple[str, ...] = ()
    business_hosts: tuple[str, ...] = ()
    origins: tuple[str, ...] = ("loopback",)
    entrance: Annotated[str, msgspec.Meta(pattern="^(anyone|members|role:.+)$")] = "anyone"
    registration: Literal["open", "invite", "closed"] = "closed"
    invitation: str = ""
    timezone: Zone = "Asia/Shanghai"

    def invited(self) -> Secret | None:
        """Return the invitation, where there is one."""
        return Secret(self.invitation) if self.invitation else None


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """
    What the server lets you set, besides its contracts.

    Args:
        database: Where everything is kept: PostgreSQL's URL, or the path of an SQLite file (from the data folder).
        timezone: In which times without a zone are printed, where a contract does not say otherwise.
        notice_writers: Who may add notices: "users" or "admins" (of some company).
        threads: How many calls one worker serves from the database at once.
        trusted_proxies: Addresses of our proxies, whose `X-Forwarded-For` is believed.
        contracts: By name, what each contract's own settings say.
        contract_files: Files of contracts that live outside the package.

    """

    database: str = "lingpai.db"
    timezone: Zone = "Asia/Shanghai"
    notice_writers: Literal["users", "admins"] = "users"
    threads: Annotated[int, msgspec.Meta(ge=1, le=256)] = 16
    trusted_proxies: tuple[str, ...] = ()
    contracts: dict[str, dict[str, Any]] = {}
    contract_files: tuple[str, ...] = ()


class SettingRefused(Exception):
    """A setting is unknown or wrong. The message names it and says what is asked for."""


PREFIX = "LINGPAI_"
"""Of the variables that set something: `LINGPAI_CONTRACTS__OPPMG__ACCESS_SECONDS=2`."""


def load_settings(file: Path | None, variables: Mapping[str, str]) -> Settings:
    """
    Return the settings in *file* (TOML; None, or one that does not exist, for none), overridden by *variables*.

    Raises:
        SettingRefused: Naming the setting.

    """
    raw: dict[str, Any] = {}
    if file is not None and file.exists():
        try:
            raw = tomllib.loads(file.read_text(encoding="utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as broken:
            raise SettingRefused(f"{file}: {broken}") from None
    if variables.get(DATABASE_URL):
        raw["database"] = variables[DATABASE_URL]
    for name, value in variables.items():
        if name.startswith(PREFIX) and name not in NOT_SETTINGS and not name.startswith("LINGPAI_TEST_"):
            _put(raw, name.removeprefix(PREFIX).lower().split("__"), value)
    return read_settings(raw, Settings, "")


DATABASE_URL = "DATABASE_URL"
"""The variable that hosters set; `LINGPAI_DATABASE` wins over it."""

NOT_SETTINGS = frozenset({"LINGPAI_DATA", "LINGPAI_DEMO"})
"""Variables of ours that say where and how to run, not what to set. Those named LINGPAI_TEST_… belong to the tests."""

T = TypeVar("T", bound=msgspec.Struct)


def read_settings(raw: Mapping[str, Any], kind: type[T], section: str) -> T:
    """
    Return *raw* as settings of *kind*; text is read as number, truth or list where such is asked for.

    Raises:
        SettingRefused: Naming the setting with its *section*.

    """
    lists = {f.name for f in msgspec.structs.fields(kind) if "tuple" in str(f.type)}
    readable = {
        name: [part.strip() for part in value.split(",") if part.strip()]
        if name in lists and isinstance(value, str)
        else value
        for name, value in raw.items()
    }
    try:
        return msgspec.convert(readable, kind, strict=False)
    except msgspec.ValidationError as wrong:
        where = f"[{section}] " if section else ""
        names = ", ".join(sorted(f.name for f in msgspec.structs.fields(kind)))
        raise SettingRefused(f"{where}{wrong}. Settings here: {names}.") from None


def _put(raw: dict[str, Any], path: list[str], value: str) -> None:
    for name in path[:-1]:
        raw = raw.setdefault(name, {})
        if not isinstance(raw, dict):
            raise SettingRefused(f"{name} is no section")
    raw[path[-1]] = value
