"""
`lingpai demo`: a new database with the story in it.

The demo is made in a folder of its own and its database moved to its place when it is whole, so that there is all of it
or nothing. The file `demo` beside the database marks it: `lingpai serve` serves such data to this machine
only.
"""

import os
import secrets
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table

from lingpai.cli.opening import OPERATOR
from lingpai.cli.parameters import HERE, AsJson, Data, command
from lingpai.cli.passwords import random_password, random_text
from lingpai.cli.printing import Trouble, console, marked, said, show, show_json, table
from lingpai.cli.story import COMPANIES, NOTICES, PEOPLE, PROGRAMS, SESSIONS, Person, Program
from lingpai.cli.token import mint_token
from lingpai.composition import SETTINGS, House, holds_data, is_url, master_key_source, open_house
from lingpai.edge.steps import built_in_id
from lingpai.operations.add_client import AddClient, NewClient
from lingpai.operations.add_company import AddCompany
from lingpai.operations.add_user import AddUser, Joining, NewUser
from lingpai.operations.enable import EnableClient, EnableUser, Enabling
from lingpai.principals.master_key import make_key_file
from lingpai.vocabulary.events import Event
from lingpai.vocabulary.secret import Secret
from lingpai.vocabulary.settings import load_settings
from lingpai.vocabulary.values import Client, Company, Notice, User

MARK = "demo"
"""The file that says so."""

BASE_URL = "http://127.0.0.1:8000"
"""Where `lingpai serve` listens unless told otherwise."""

DAY = 86_400_000

MARK_TEXT = """\
This folder holds demo data, made by `lingpai demo`.
While this file is here, `lingpai serve` listens on loopback addresses only.
"""

SETTINGS_TEXT = """\
# Written by `lingpai demo`. Every setting has a default; what stands here replaces it.

[contracts.mowork]
# In the demo anybody may make an account, so that a registration form has something to talk to. Elsewhere
# registration is closed by default, since whoever can reach the server could sign up.
registration = "open"
"""


@dataclass(frozen=True, slots=True)
class MadeUser:
    """A user of the demo, and the password, which is kept nowhere else."""

    user: User
    person: Person
    password: Secret
    companies: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class MadeClient:
    """A client of the demo, and its secret."""

    client: Client
    program: Program
    secret: Secret


@dataclass(frozen=True, slots=True)
class MadeToken:
    """A live session of the demo, by its bearer token."""

    contract: str
    user: User
    token: Secret


@dataclass(frozen=True, slots=True)
class Made:
    """Everything that was made, with every credential: to be printed once, and forgotten."""

    base_url: str
    companies: tuple[Company, ...]
    users: tuple[MadeUser, ...]
    clients: tuple[MadeClient, ...]
    tokens: tuple[MadeToken, ...]

    def user(self, name: str) -> MadeUser:
        """Return the user called *name*."""
        return next(made for made in self.users if made.user.name == name)

    def client_of(self, contract: str) -> MadeClient | None:
        """Return the client that *contract* is tried with, or None where it has none."""
        return next((made for made in self.clients if contract in made.client.contracts), None)

    def plain(self) -> dict[str, Any]:
        """Return the object that tests and tools read."""
        admin = next(made for made in self.users if made.user.role == "admin")
        return {
            "base_url": self.base_url,
            "admin": {"username": admin.user.name, "password": admin.password.reveal()},
            "users": [
                {
                    "uid": made.user.id,
                    "username": made.user.name,
                    "password": made.password.reveal(),
                    "companies": list(made.companies),
                }
                for made in self.users
            ],
            "clients": [
                {
                    "client_id": made.client.id,
                    "client_secret": made.secret.reveal(),
                    "contracts": sorted(made.client.contracts),
                }
                for made in self.clients
            ],
            "access_tokens": [
                {"contract": made.contract, "uid": made.user.id, "access_token": made.token.reveal()}
                for made in self.tokens
            ],
        }


def demo(
    *,
    base_url: Annotated[
        str, Parameter(help=said("输出中写的服务地址", "Where the server will be, for what is printed."))
    ] = BASE_URL,
    data: Data = HERE,
    as_json: AsJson = False,
) -> None:
    """Fill a new database with companies, users, clients and sessions, and print every credential once."""
    made = make_demo(data, base_url)
    if as_json:
        show_json(made.plain())
    else:
        show_made(made, data)


def is_demo(data: Path) -> bool:
    """Return whether *data* holds a demo."""
    return has_data(data) and (data / MARK).exists()


def has_data(data: Path) -> bool:
    """Return whether there is a database in *data*, of whatever kind."""
    return holds_data(data, os.environ)


def make_demo(data: Path, base_url: str) -> Made:
    """
    Make the demo in *data*, all of it or nothing, and return it with its credentials.

    Settings and a master key that are there already are kept and used.

    Raises:
        Trouble: There is a database already, or it would be kept elsewhere.

    """
    settings = load_settings(data / SETTINGS, os.environ)
    database = settings.database
    if is_url(database) or Path(database).name != database:
        raise Trouble(
            "演示数据只写入数据目录中的 SQLite：请先去掉 DATABASE_URL 或 database 设置。",
            "demo data is made in an SQLite file of the data folder: unset DATABASE_URL, or the setting database.",
        )
    if has_data(data):
        raise _taken(data)
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    source = master_key_source(data, settings, os.environ)
    if not source.is_there():
        make_key_file(source.file, secrets.token_bytes)
    with tempfile.TemporaryDirectory(prefix=".demo-", dir=data) as folder:
        making = Path(folder)
        if source.is_file and source.file.is_relative_to(data):
            shutil.copy2(source.file, making / source.file.relative_to(data))
        if (data / SETTINGS).exists():
            shutil.copy2(data / SETTINGS, making / SETTINGS)
        else:
            _write_new(making / SETTINGS, SETTINGS_TEXT)
        house = open_house(making, os.environ)
        try:
            house.prepare()
            made = _fill(house, base_url)
            house.seal()
        finally:
            house.stores.close()
        try:
            # Whoever puts the database there has made the data: only then it is marked, and has its settings.
            # Unlike a rename, this fails where somebody else was faster.
            os.link(making / database, data / database)
        except FileExistsError:
            raise _taken(data) from None
        _write_new(data / MARK, MARK_TEXT)
        _write_new(data / SETTINGS, SETTINGS_TEXT)
    return made


def show_made(made: Made, data: Path) -> None:
    """Print every credential."""
    show(
        marked(
            said(
                "[bold]演示数据已写入 {data}[/]。以下密码、密钥和令牌只显示这一次。",
                "[bold]Demo data is in {data}.[/] Passwords, secrets and tokens are shown this once.",
            ),
            data=data,
        ),
        "",
        _companies(made),
        "",
        _users(made),
        "",
        _clients(made),
        "",
        _tokens(made),
        "",
        marked(
            said(
                "启动：[bold]{serve}[/]\n重设密码：[bold]{reset}[/]",
                "Start: [bold]{serve}[/]\nA new password: [bold]{reset}[/]",
            ),
            serve=command("serve", data),
            reset=command(said("user reset 用户名", "user reset NAME"), data),
        ),
    )


def _fill(house: House, base_url: str) -> Made:
    with _progress() as progress:
        companies = tuple(_add_company(house, company) for company in COMPANIES)
        named = progress.track(PEOPLE, description=said("正在生成演示数据", "Making demo data"))
        users = tuple(_add_user(house, person, companies) for person in named)
    clients = tuple(_add_client(house, program) for program in PROGRAMS)
    made = Made(base_url, companies, users, clients, ())
    tokens = [_sign_in(house, made, *session) for session in SESSIONS]
    for author, title, content in NOTICES:
        _add_notice(house, made.user(author).user, title, content)
    _disable(house, made)
    return replace(made, tokens=tuple(token for token in tokens if token))


def _progress() -> Progress:
    # What takes long is the hashing of the passwords.
    terminal = console(errors=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    return Progress(*columns, console=terminal, transient=True, disable=not terminal.is_terminal)


def _add_company(house: House, company: Company) -> Company:
    long_ago = house.clock() - 900 * DAY
    return AddCompany(house.stores, house.clock)(OPERATOR, replace(company, created=long_ago))


def _add_user(house: House, person: Person, companies: Sequence[Company]) -> MadeUser:
    password = random_password()
    numbers = [one for one in person.works_in.split(",") if one]
    joinings = tuple(Joining(companies[int(one.rstrip("*")) - 1].id, one.endswith("*")) for one in numbers)
    profile = person.profile(house.clock() - 300 * DAY)
    user = AddUser(house.stores, house.clock, addresses=house.addresses)(
        OPERATOR, NewUser(profile, password.reveal(), joinings)
    )
    return MadeUser(user, person, password, tuple(joining.company_id for joining in joinings))


def _add_client(house: House, program: Program) -> MadeClient:
    secret = Secret(random_text(program.secret_size))
    # Disabled only at the end, as it is in life.
    asked = NewClient(replace(program.client, enabled=True), secret)
    client = AddClient(house.stores, house.keys, house.clock, house.randomness)(OPERATOR, asked).client
    return MadeClient(client, program, secret)


def _sign_in(house: House, made: Made, contract: str, name: str, client_type: str) -> MadeToken | None:
    served = house.served.get(contract)
    if served is None or served.contract.terms.mint is None:
        return None
    program = made.client_of(contract)
    client = program.client if program else house.stores.clients.by_id(built_in_id(contract, client_type))
    if client is None:
        return None
    user = made.user(name).user
    granted = mint_token(house, served.contract, user, client)
    return MadeToken(contract, user, Secret(granted.token))


def _add_notice(house: House, author: User, title: str, content: str) -> None:
    event = Event("notice:added", "user", str(author.id), OPERATOR, told=False)
    with house.stores.change(event) as change:
        change.notices.add(Notice(0, title, content, author.id, house.clock()))


def _disable(house: House, made: Made) -> None:
    for user in made.users:
        if not user.person.enabled:
            EnableUser(house.stores, house.clock)(OPERATOR, Enabling(user.user.id, enabled=False))
    for client in made.clients:
        if not client.program.client.enabled:
            EnableClient(house.stores)(OPERATOR, Enabling(client.client.id, enabled=False))


def _companies(made: Made) -> Table:
    heads = [said("编号", "id"), said("公司", "company")]
    return table(heads, [[company.id, company.name] for company in made.companies])


def _users(made: Made) -> Table:
    heads = ["uid", said("用户名", "user"), said("密码", "password"), said("姓名", "name")]
    heads += [said("公司", "works in"), said("身份", "who")]
    rows = [
        [
            one.user.id,
            one.user.name,
            one.password.reveal(),
            one.user.truename,
            ", ".join(str(number) for number in one.companies),
            said(*one.person.does) + ("" if one.person.enabled else said("(已停用)", " (disabled)")),
        ]
        for one in made.users
    ]
    return table(heads, rows, whole=(heads[1], heads[2]))


def _clients(made: Made) -> Table:
    heads = ["client_id", "client_secret", said("应用", "client"), said("接口约定", "contracts"), said("用途", "what")]
    rows = [
        [
            one.client.id,
            one.secret.reveal(),
            one.client.name,
            ", ".join(sorted(one.client.contracts)),
            said(*one.program.does),
        ]
        for one in made.clients
    ]
    return table(heads, rows, whole=(heads[0], heads[1]))


def _tokens(made: Made) -> Table:
    heads = [said("接口约定", "contract"), said("用户", "user"), "access_token"]
    rows = [[one.contract, one.user.name, one.token.reveal()] for one in made.tokens]
    return table(heads, rows, whole=(heads[2],))


def _taken(data: Path) -> Trouble:
    if is_demo(data):
        return Trouble(
            f"{data} 里已经有演示数据，凭据只在生成时显示一次。重设密码：{command('user reset 用户名', data)}",
            f"demo data is in {data} already, and its credentials were shown when it was made. "
            f"A new password: {command('user reset NAME', data)}",
        )
    return Trouble(
        f"{data} 里的数据不是演示数据，不会改动。请用 --data 指定另一个目录。",
        f"{data} holds data that is no demo, and stays as it is. Name another folder with --data.",
    )


def _write_new(path: Path, text: str) -> None:
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
