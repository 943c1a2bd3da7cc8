"""
Puts everything together: settings, contract declarations, modules, stores.

The only file that names a store's implementation, and the only one that makes clocks,
randomness and keys.
"""

import importlib
import importlib.util
import os
import pkgutil
import secrets
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from lingpai import contracts, modules
from lingpai.edge.asgi import Desks, Shell
from lingpai.edge.contract import Contract, Declaration
from lingpai.edge.desk import Desk
from lingpai.edge.explorer import Explorer
from lingpai.edge.forwarding import Entrance
from lingpai.edge.logbook import Logbook
from lingpai.edge.metrics import Board, Values, count_apart
from lingpai.edge.proxies import Proxies, Readers
from lingpai.edge.steps import built_in_id
from lingpai.edge.tally import Tally
from lingpai.modules.module import Built, Hook, Module, Offers, built
from lingpai.modules.workbench import Workbench
from lingpai.operations.authorize import Authorize
from lingpai.operations.change_company import ChangeCompany
from lingpai.operations.change_password import ChangePassword
from lingpai.operations.check_token import CheckToken
from lingpai.operations.describe_company import DescribeCompany
from lingpai.operations.describe_user import DescribeColleague, DescribeSelf, look_up_in, nobody_remembered
from lingpai.operations.end_session import EndSession
from lingpai.operations.open_session import Opening
from lingpai.operations.register import Register
from lingpai.operations.renew import Renew, Rotation
from lingpai.operations.sign_in import SignIn
from lingpai.principals.addresses import Addresses
from lingpai.principals.admission import Admission
from lingpai.principals.bell import Bell, open_bell, silence
from lingpai.principals.chain import AUDIT
from lingpai.principals.housekeeping import Housekeeping
from lingpai.principals.keys import DATA, PEPPER, Keyring, KeyTrouble, opens
from lingpai.principals.master_key import (
    VARIABLE,
    MasterKeySource,
    choose_source,
    make_key_file,
    put_in_force,
    rotating,
)
from lingpai.principals.passwords.gate import HashingGate
from lingpai.principals.passwords.trials import PasswordTrials
from lingpai.principals.rates import Rates
from lingpai.principals.remembered import (
    Follower,
    FromMemory,
    ReadAndRemembered,
    Remembered,
    Ticks,
    ticks_while_asleep,
)
from lingpai.principals.retiring import Retiring
from lingpai.principals.sealer import Sealer
from lingpai.principals.services import is_service, purpose_of
from lingpai.principals.sightings import Sightings
from lingpai.principals.timekeeping import Timekeeper
from lingpai.principals.weak_uses import WeakUses
from lingpai.stores.interfaces import MadeByLater, Stores
from lingpai.stores.memory import FaultyHeld, Memory, Rows
from lingpai.stores.sql.looking import Looked, look_at_postgres, look_at_sqlite
from lingpai.stores.sql.sqlite import UnsoundSqlite, is_damaged
from lingpai.stores.sql.stores import open_sqlite
from lingpai.vocabulary.clock import SECOND, Clock, system_clock
from lingpai.vocabulary.events import Event, Unchanged
from lingpai.vocabulary.outcomes import NotRemembered, Refused
from lingpai.vocabulary.policies import read_rule
from lingpai.vocabulary.settings import (
    ContractSettings,
    ForwardSettings,
    SettingRefused,
    Settings,
    check_networks,
    load_settings,
    read_settings,
    source_of,
    unknown_setting,
    wrong_setting,
)
from lingpai.vocabulary.values import Client, Randomness, Sighting

DATABASE = Settings().database
BELL = "lingpai.bell"
METRICS = "metrics"
MASTER_KEY = "master.key"
SETTINGS = "lingpai.toml"

OWN_THREADS = 16
"""So many may ask the database besides the threads that serve calls: the follower, the sightings and their like."""

POSTGRES = ("postgresql", "postgres", "postgresql+psycopg")


def declarations(settings: Settings) -> dict[str, Declaration]:
    """
    Return every house style that can be found, by name.

    Those in our own folder, those that packages offer by the entry point
    `lingpai.contracts`, and those in the files that the settings name. Each declares itself as `DECLARATION`.

    Raises:
        SettingRefused: A file cannot be loaded, or two houses have one name.

    """
    found = [
        importlib.import_module(f"{contracts.__name__}.{module.name}").DECLARATION
        for module in pkgutil.iter_modules(contracts.__path__)
    ]
    found += [point.load() for point in entry_points(group="lingpai.contracts")]
    found += [
        _declared(path, settings, "contract_files", "DECLARATION", Declaration) for path in settings.contract_files
    ]
    named: dict[str, Declaration] = {}
    for declaration in found:
        if named.setdefault(declaration.name, declaration) is not declaration:
            raise SettingRefused(
                f"two contracts are called {declaration.name}", f"有两个接口约定都叫 {declaration.name}"
            )
    if unknown := set(settings.contracts) - set(named):
        name = min(unknown)
        raise unknown_setting(f"[contracts.{name}]", name, named, settings.contracts[name], settings.file)
    return named


def module_declarations(settings: Settings) -> dict[str, Module]:
    """
    Return every module that can be found, by name.

    Our own, those that packages offer by the entry point `lingpai.modules`, and those in the files, or
    folders of packages, that the settings name. Each declares itself as `MODULE`.

    Raises:
        SettingRefused: A file cannot be loaded, or two modules have one name.

    """
    inner = (
        importlib.import_module(f"{modules.__name__}.{file.name}") for file in pkgutil.iter_modules(modules.__path__)
    )
    found: list[Module] = [file.MODULE for file in inner if hasattr(file, "MODULE")]
    found += [point.load() for point in entry_points(group="lingpai.modules")]
    found += [_declared(path, settings, "module_files", "MODULE", Module) for path in settings.module_files]
    named: dict[str, Module] = {}
    for module in found:
        if named.setdefault(module.name, module) is not module:
            raise SettingRefused(f"two modules are called {module.name}", f"有两个模块都叫 {module.name}")
    if unknown := set(settings.modules) - set(named):
        name = min(unknown)
        raise unknown_setting(f"[modules.{name}]", name, named, settings.modules[name], settings.file)
    return named


T = TypeVar("T")


def _declared(named: str, settings: Settings, setting: str, name: str, kind: type[T]) -> T:
    """Return what the Python file that is *named*, or the package in that folder, declares as *name*."""

    def refusal(en: str, zh: str) -> SettingRefused:
        source = source_of(named, settings.file)
        return SettingRefused(f"{source}: {setting}: {en}", f"{source}：{setting}：{zh}")

    path = Path(named)
    file = path / "__init__.py" if path.is_dir() else path
    folder = [str(path)] if path.is_dir() else None
    spec = importlib.util.spec_from_file_location(path.stem, file, submodule_search_locations=folder)
    if spec is None or spec.loader is None or not file.exists():
        raise refusal(f"{path} is no Python file", f"{path} 不是 Python 文件")
    loaded = sys.modules.get(path.stem) if folder else None
    if loaded is None or getattr(loaded, "__file__", None) != str(file):
        loaded = importlib.util.module_from_spec(spec)
        if folder:
            # The package's own files import each other by its name.
            sys.modules[path.stem] = loaded
        try:
            spec.loader.exec_module(loaded)
        # It is somebody's program: whatever it raises, whoever named it can mend.
        except Exception as defect:
            words = f"{path}: {type(defect).__name__}: {defect}"
            raise refusal(words, words) from defect
    declared = getattr(loaded, name, None)
    if not isinstance(declared, kind):
        raise refusal(f"{path} declares no {name}", f"{path} 没有声明 {name}")
    return declared


@dataclass(frozen=True, slots=True)
class Served:
    """A contract, and the hosts that serve a side of it at their root ("" for both sides)."""

    contract: Contract
    hosts: Mapping[str, str]


@dataclass(frozen=True)
class House:
    """
    One worker's account system: everything that `app` serves and `cli` uses.

    Args:
        ticks: The clock of the change feed's lease.
        timekeeper: Where *clock* is one: then nothing is issued while the machine's clock is far back.
        data: The folder of this machine's workers.
        bell: Rung by whoever changes something on this machine; None where there is none.
        master_key: Where it comes from; None where it was handed in.

    """

    settings: Settings
    stores: Stores
    keys: Keyring
    clock: Clock = system_clock
    randomness: Randomness = secrets.token_bytes
    ticks: Ticks = ticks_while_asleep
    timekeeper: Timekeeper | None = None
    bell: Bell | None = None
    data: Path | None = None
    master_key: MasterKeySource | None = None

    @property
    def issuing_clock(self) -> Clock:
        """The time that sessions, pairs and codes begin at; refuses while the clock cannot be right."""
        return self.timekeeper.issuing if self.timekeeper else self.clock

    @cached_property
    def modules(self) -> Mapping[str, Built]:
        """
        The modules with their calls and hooks, by name.

        Raises:
            SettingRefused: A module's setting is unknown or wrong.

        """
        zone = ZoneInfo(self.settings.timezone)
        made = {}
        for name, module in module_declarations(self.settings).items():
            raw = self.settings.modules.get(name, {})
            settings = read_settings(raw, module.settings, f"modules.{name}", self.settings.file)
            workbench = Workbench(name, self.clock, zone, self.randomness, self.keys, self.stores)
            made[name] = built(module, workbench, settings)
        return made

    @cached_property
    def hooks(self) -> Mapping[str, Hook]:
        """Where machines ring that speak no contract, by path."""
        return {f"/hooks/{name}/{hook.name}": hook for name, made in self.modules.items() for hook in made.hooks}

    def offers(self, contract: str) -> Offers:
        """Return what the modules offer to *contract*."""
        return tuple(offer for made in self.modules.values() if (offer := made.offer(contract)))

    @cached_property
    def served(self) -> Mapping[str, Served]:
        """
        The contracts that are switched on, by name.

        Raises:
            SettingRefused: A contract's setting is unknown or wrong, or two contracts want one host.
            ContractTrouble: A contract does not add up.

        """
        served = {}
        taken: dict[str, str] = {}
        for name, declaration in declarations(self.settings).items():
            settings = self.settings_of(declaration)
            if settings.enabled:
                try:
                    contract = self.built(declaration)
                except ValueError as wrong:
                    raise ContractTrouble(str(wrong)) from wrong
                hosts = dict.fromkeys(map(str.lower, settings.account_hosts), "account")
                for host in map(str.lower, settings.business_hosts):
                    hosts[host] = "" if hosts.get(host) in ("account", "") else "business"
                for host in hosts:
                    if taken.setdefault(host, name) != name:
                        raise SettingRefused(
                            f"the host {host} is named by {taken[host]} and {name}",
                            f"域名 {host} 同时写在 {taken[host]} 和 {name} 里",
                        )
                served[name] = Served(contract, hosts)
        return served

    def settings_of(self, declaration: Declaration) -> Any:
        """
        Return what the settings say of a contract.

        Raises:
            SettingRefused: One of them is unknown or wrong.

        """
        raw = self.settings.contracts.get(declaration.name, {})
        if "timezone" not in declaration.settings.NOT_SET:
            raw = {"timezone": self.settings.timezone} | raw
        return read_settings(raw, declaration.settings, f"contracts.{declaration.name}", self.settings.file)

    def built(self, declaration: Declaration) -> Contract:
        """
        Return a contract, served or not, as the settings want it.

        Raises:
            SettingRefused: One of its settings is unknown or wrong.
            ValueError: It does not add up.

        """
        settings = self.settings_of(declaration)
        return self._with_weak_forms(declaration.build(settings, self.offers(declaration.name)), settings)

    def _with_weak_forms(self, contract: Contract, settings: ContractSettings) -> Contract:
        """Return *contract* with what its setting `weak` says; a form that it does not have is refused by name."""
        if not settings.weak:
            return contract
        zone, known = ZoneInfo(self.settings.timezone), contract.weak_forms()
        rules = {}
        for word, said in settings.weak.items():
            section, form = f"contracts.{contract.name}.weak", word.replace("_", "-")
            if form not in known:
                raise unknown_setting(f"[{section}] {word}", form, sorted(known), said, self.settings.file)
            try:
                rules[form] = read_rule(form, str(said), zone, 0)
            except ValueError:
                asked = "on, off, or the date from which it is off", " on、off，或停用日期"
                raise wrong_setting(f"[{section}] {word}", asked, said, self.settings.file) from None
        return replace(contract, weak=rules)

    @cached_property
    def proxies(self) -> Proxies:
        """
        The proxies that stand before this house.

        Raises:
            SettingRefused: One of them is no address and no network.

        """
        check_networks("trusted_proxies", self.settings.trusted_proxies, self.settings.file)
        return Proxies(self.settings.trusted_proxies, self.settings.proxy_headers)

    def explorer(self, name: str, base: str) -> Explorer:
        """Return the pages of the served contract *name*, which stands at *base*."""
        declaration, served = declarations(self.settings)[name], self.served[name]
        zone = self.settings_of(declaration).timezone
        return Explorer(served.contract, declaration.about, served.hosts, base, zone)

    @property
    def addresses(self) -> Addresses:
        """How phone numbers and e-mail addresses are spelt."""
        return Addresses(self.settings.phone_region)

    @cached_property
    def entrances(self) -> Mapping[tuple[str, str], Entrance]:
        """
        How callers come in to services that are not ours, by contract and service.

        Raises:
            SettingRefused: A service's setting is unknown or wrong, or one of its contracts cannot be served there.

        """
        entrances = {}
        for service, raw in self.settings.forward.items():
            section = f"forward.{service}"
            settings = read_settings(raw, ForwardSettings, section, self.settings.file)
            if not is_service(service):
                raise SettingRefused(
                    f"[{section}]: a service is named by up to 32 of a-z, 0-9 and -",
                    f"[{section}]：服务名由 a-z、0-9 和 - 组成，最多 32 个字符",
                )
            if not settings.contracts:
                raise SettingRefused(f"[{section}] contracts is empty", f"[{section}] contracts 为空")
            for name in settings.contracts:
                if name not in self.served:
                    raise unknown_setting(f"[{section}] contracts: {name}", name, self.served, name, self.settings.file)
                try:
                    entrances[name, service] = Entrance(service, self.served[name].contract, settings)
                except ValueError as wrong:
                    raise SettingRefused(
                        f"[{section}] {name}: {wrong}", f"[{section}] {name} 不能放在代理后面：{wrong}"
                    ) from None
        return entrances

    @cached_property
    def gate(self) -> HashingGate:
        """
        Where passwords are hashed.

        The machine's workers leave one core to everybody else, and so much as waits for its turn never takes more
        than half of the threads that serve calls.
        """
        settings = self.settings
        places = max(1, settings.threads // 2)
        threads = min(places, max(1, ((os.cpu_count() or 1) - 1) // settings.workers))
        return HashingGate(threads, places - threads)

    @property
    def trials(self) -> PasswordTrials:
        """Where passwords are judged."""
        return PasswordTrials(self.stores, self.keys, self.gate, self.addresses, self.clock)

    @cached_property
    def rates(self) -> Rates:
        """What counts dear calls."""
        return Rates(self.settings.limits, self.settings.workers)

    @cached_property
    def opening(self) -> Opening:
        """What opens sessions."""
        return Opening(self.keys, self.issuing_clock, self.randomness)

    @cached_property
    def remembered(self) -> Remembered:
        """This worker's memory; it hears of this worker's own changes at once."""
        remembered = Remembered(self.ticks, rung=self.bell.rung if self.bell else silence)
        self.stores.listen(remembered.apply)
        return remembered

    @cached_property
    def follower(self) -> Follower:
        """What tells the memory of other workers' changes."""
        return Follower(self.stores.feed, self.remembered, self.ticks, self.keys.hear)

    @cached_property
    def sightings(self) -> Sightings:
        """What this worker has seen and not written yet."""
        return Sightings(self.stores.traces, self.clock, self.remembered.wrote)

    @cached_property
    def weak_uses(self) -> WeakUses:
        """What this worker has counted of weak forms, and not written yet."""
        return WeakUses(self.stores.weak_uses, ZoneInfo(self.settings.timezone))

    @cached_property
    def housekeeping(self) -> Housekeeping:
        """What deletes rows that are long over."""
        return Housekeeping(self.stores, self.clock, self.retiring.tidy)

    @cached_property
    def retiring(self) -> Retiring:
        """What looks after keys that were rotated."""
        return Retiring(self.stores, self.keys, self.clock)

    @cached_property
    def sealer(self) -> Sealer:
        """What chains the audit trail."""
        return Sealer(self.stores, self.keys, self.clock, self.ticks)

    @cached_property
    def tally(self) -> Tally:
        """What this worker counts of its calls."""
        return Tally()

    @cached_property
    def logbook(self) -> Logbook:
        """Where this worker writes its calls down."""
        return Logbook(self.settings.log.requests)

    @cached_property
    def board(self) -> Board | None:
        """What this machine's workers measure; None where there is no folder for it."""
        return Board(self.data / METRICS, self.tally, self._measured) if self.data else None

    @cached_property
    def metrics_readers(self) -> Readers:
        """
        Who may read what is measured.

        Raises:
            SettingRefused: An address is none.

        """
        check_networks("[metrics] addresses", self.settings.metrics.addresses, self.settings.file)
        return Readers(self.settings.metrics.addresses)

    def _sealed_kinds(self) -> dict[tuple[str, ...], float]:
        return {(kind,): count for kind, count in list(self.sealer.kinds.items())}

    def _measured(self) -> Values:
        busy, waiting = self.shell.threads()
        one: dict[str, float] = {
            "lingpai_refusals_unlogged": self.logbook.unlogged(),
            "lingpai_hashing_shed": self.gate.shed,
            "lingpai_remembered_sessions": self.remembered.count(),
            "lingpai_threads_busy": busy,
            "lingpai_threads_waiting": waiting,
            "lingpai_hashing_inside": self.gate.inside,
            "lingpai_sightings_waiting": self.sightings.waiting(),
            "lingpai_lease_age_seconds": self.remembered.unconfirmed_seconds(),
            "lingpai_audit_unsealed_seconds": self.sealer.waiting_seconds(),
            "lingpai_clock_behind_seconds": self.timekeeper.behind() / SECOND if self.timekeeper else 0,
        }
        parted: dict[str, dict[tuple[str, ...], float]] = {name: {(): value} for name, value in one.items()}
        parted["lingpai_changes"] = self._sealed_kinds()
        parted["lingpai_weak_forms"] = {(*use,): count for use, count in self.weak_uses.totals().items()}
        return parted

    @cached_property
    def shell(self) -> Shell:
        """What serves requests."""
        self.keys.vouched_by(self.remembered.is_vouched)
        return Shell(
            Desks(self._remembering_desk(), self._asking_desk()),
            self._saw,
            self.weak_uses.count,
            threads=self.settings.threads,
            logbook=self.logbook,
            tally=self.tally,
            trusts=self.proxies.lists,
        )

    def prepare(self) -> None:
        """
        Make what contracts and modules rely on, where it is missing: working keys, built-in clients, tables.

        Raises:
            KeyTrouble: A key cannot be opened.
            SettingRefused: A proxy that is listed is none, or a reader of what is measured.
            DataTrouble: A module's tables were made by a later version of it.

        """
        _ = self.proxies, self.metrics_readers  # a wrong setting is told now, not with the first request
        for purpose in (PEPPER, DATA):
            self.keys.prepare(purpose)
        for name, made in self.modules.items():
            if made.module.migrations:
                self._migrate(name, made.module)
        for served in self.served.values():
            contract = served.contract
            for purpose, size in contract.keys.items():
                self.keys.prepare(purpose, size)
            for client_type in contract.client_types:
                self._prepare_client(contract.name, client_type)
        for service in {service for _, service in self.entrances}:
            self.keys.prepare(purpose_of(service))

    def seal(self) -> None:
        """Seal what the audit trail holds now, and count it beside the workers: for a process that is none, once."""
        self.keys.prepare(AUDIT)
        self.sealer.seal_all()
        if self.data:
            count_apart(self.data / METRICS, {"lingpai_changes": self._sealed_kinds()})

    def start(self) -> None:
        """Prepare, make what takes long to make, then follow the change feed and write sightings until `stop`."""
        self.prepare()
        _ = self.rates
        if self.timekeeper:
            self.timekeeper.start(self.stores.moments)
        self.follower.poll()
        self.follower.start()
        self.sightings.start()
        self.weak_uses.start()
        self.housekeeping.start()
        self.sealer.start()
        if self.board:
            self.board.start()

    def stop(self) -> None:
        """Answer what has begun, write what is unwritten, close the stores."""
        self.shell.close()
        self.housekeeping.stop()
        self.follower.stop()
        self.sightings.stop()
        self.sealer.stop()
        self.weak_uses.stop()
        if self.board:
            self.board.stop()
        if self.timekeeper:
            self.timekeeper.stop()
        self.stores.close()

    def troubles(self) -> Sequence[str]:
        """
        Return why this worker should get no calls now; nothing when all is well. May ask the database, on any thread.

        "clock" (too far back to issue by), "keys" (one cannot be opened), "database" (it does not answer), "feed" (it
        answers, but our place in the change feed is not confirmed), "migration" (its tables are older than we are).
        """
        wrong = {
            "clock": self.timekeeper is not None and not self.timekeeper.is_right(),
            "keys": not self.keys.are_all_open(),
        }
        return [*(name for name, is_wrong in wrong.items() if is_wrong), *self._trouble_of_stores()]

    def _trouble_of_stores(self) -> Sequence[str]:
        try:
            if not self.stores.is_migrated():
                return ["migration"]
        except Refused:
            return ["database"]
        return [] if self.remembered.is_confirmed() else ["feed"]

    def _migrate(self, name: str, module: Module) -> None:
        try:
            self.stores.migrations.migrate(name, module.migrations)
        except MadeByLater as trouble:
            raise DataTrouble(str(trouble)) from None

    def _prepare_client(self, contract: str, client_type: str) -> None:
        client_id = built_in_id(contract, client_type)
        if self.stores.clients.by_id(client_id) is None:
            client = Client(client_id, client_id, contracts=frozenset({contract}), created=self.clock())
            event = Event("client:built-in", "client", client_id)
            # Another worker that starts just now may be faster.
            with suppress(Unchanged), self.stores.change(event) as change:
                if not change.clients.add(client):
                    raise Unchanged

    def _saw(self, sighting: Sighting) -> None:
        self.remembered.saw(sighting)
        self.sightings.add(sighting)

    def _remembering_desk(self) -> Desk:
        memory = FromMemory(self.remembered)
        operations: list[Any] = [DescribeSelf(), CheckToken(), DescribeColleague(nobody_remembered)]
        return Desk(
            clock=self.clock,
            randomness=self.randomness,
            keys=self.keys.from_memory(),
            sessions=memory,
            clients=memory,
            codes=memory,
            admission=Admission(self.clock, from_memory=True),
            operations={type(operation): operation for operation in operations},
            issue=_not_from_memory,
        )

    def _asking_desk(self) -> Desk:
        stores, clock, gate, opening = self.stores, self.clock, self.gate, self.opening
        asking = ReadAndRemembered(stores, self.remembered)
        admission = Admission(clock)
        rotation = Rotation(self.keys, self.issuing_clock)
        operations: list[Any] = [
            Authorize(stores, admission, self.keys, self.issuing_clock, self.randomness, self.rates),
            ChangeCompany(stores, admission, rotation),
            ChangePassword(stores, self.trials, admission, clock, self.rates),
            CheckToken(),
            DescribeColleague(look_up_in(stores)),
            DescribeCompany(stores.companies),
            DescribeSelf(),
            EndSession(stores, clock),
            Register(stores, gate, opening, clock, self.addresses, self.rates),
            Renew(stores, admission, rotation, self.rates),
            SignIn(stores, self.trials, opening, self.rates),
        ]
        calls = {call: call for made in self.modules.values() for call in made.calls}
        return Desk(
            clock=clock,
            randomness=self.randomness,
            keys=self.keys,
            sessions=asking,
            clients=asking,
            codes=asking,
            admission=admission,
            operations={type(operation): operation for operation in operations} | calls,
            issue=stores.traces.issue,
        )


def _not_from_memory(_session_id: str, _shown: int, _fresh: int) -> bool:
    raise NotRemembered


def rehearsal(clock: Clock, randomness: Randomness) -> tuple[Memory, FaultyHeld, Keyring]:
    """
    Return stores in memory, their tables, which can be made to fail, and keys under a master key of zeros.

    The keys' seconds are the *clock*'s too, so that what a script hears does not hang on how fast it is played.
    """
    tables = FaultyHeld(Rows())
    stores = Memory(clock, tables)
    return stores, tables, Keyring(stores, bytes(32), clock, randomness, ticks=lambda: clock() / SECOND)


def sketch(settings: Settings) -> House:
    """Return a house of *settings* over nothing, to look at its contracts."""
    stores, _, keys = rehearsal(system_clock, secrets.token_bytes)
    return House(settings, stores, keys)


class ContractTrouble(ValueError):
    """A contract does not add up."""


class DataTrouble(Exception):
    """
    The data cannot be opened by this program here. The message says why, and what to do.

    Args:
        zh: The message in Chinese, where there is one.

    """

    def __init__(self, en: str, zh: str = "") -> None:
        super().__init__(en)
        self.zh = zh


def is_url(database: str) -> bool:
    """Return whether the setting *database* names a server, and no file."""
    return "://" in database


def check_database(database: str) -> None:
    """
    Make sure that the setting *database* names a kind of database that there is.

    Raises:
        SettingRefused: It is the URL of another kind.

    """
    scheme = database.partition("://")[0]
    if is_url(database) and scheme not in POSTGRES:
        raise SettingRefused(
            f"database: {scheme}:// is unknown. It is a {POSTGRES[0]}:// URL, or the path of a file.",
            f"database：不认识 {scheme}://。应为 {POSTGRES[0]}:// 网址，或文件路径。",
        )


def check_folder(data: Path, settings: Settings) -> None:
    """
    Make sure that the file which *settings* name lies in *data*, which may be new, or in a folder that there is.

    Raises:
        SettingRefused: There is no such folder: what was mistyped must not become an empty house.

    """
    database = settings.database
    folder = (data / database).parent
    if not is_url(database) and folder.absolute() != data.absolute() and not folder.is_dir():
        source = source_of(database, settings.file)
        raise SettingRefused(
            f"{source}: database: there is no folder {folder}. Make it, or name a file in one that there is.",
            f"{source}：database：没有目录 {folder}。请先建立，或改写为已有目录中的文件。",
        )


def damage(data: Path, settings: Settings, refused: Refused) -> DataTrouble | None:
    """Return what is to be said where *refused* because the SQLite file is none or damaged; else None."""
    path = data / settings.database
    if is_url(settings.database) or not is_damaged(refused):
        return None
    return DataTrouble(
        f"{path} is no SQLite database, or is damaged ({refused}): put its backup in its place, or name another file "
        "in the setting database.",
        f"{path} 不是 SQLite 数据库，或已损坏({refused})：请用备份替换它，或在 database 设置里写另一个文件。",
    )


def holds_data(data: Path, variables: Mapping[str, str]) -> bool:
    """
    Return whether the house of *data* has been opened before, or at least made.

    Raises:
        SettingRefused: A setting is unknown or wrong.

    """
    settings = load_settings(data / SETTINGS, variables)
    if not is_url(settings.database):
        return (data / settings.database).exists()
    # What a server holds is told by asking it; that there is a key to it shows that it was asked from here.
    source = master_key_source(data, settings, variables)
    return source.file.exists() or not source.is_file


def master_key_source(data: Path, settings: Settings, variables: Mapping[str, str]) -> MasterKeySource:
    """
    Return where the master key of *data* comes from.

    Raises:
        KeyTrouble: There are two sources.

    """
    return choose_source(data / MASTER_KEY, variables, settings.master_key_file, settings.master_key_command)


def _made_elsewhere() -> tuple[type[Exception], ...]:
    # Asked only when opening has failed: Alembic takes a tenth of a second to import.
    from alembic.util import CommandError

    return UnsoundSqlite, CommandError


def open_house(data: Path, variables: Mapping[str, str], *, clock: Clock = system_clock) -> House:
    """
    Return the house whose database, master key and settings are in *data*; the folder is made where it is missing.

    Raises:
        SettingRefused: A setting is unknown or wrong.
        KeyTrouble: The master key cannot be used.
        DataTrouble: SQLite here can lose changes, its file is damaged or none, PostgreSQL does not answer or cannot
            keep our tables, its driver is missing, or the database was made by a later version.

    """
    settings = load_settings(data / SETTINGS, variables)
    check_folder(data, settings)
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    source = master_key_source(data, settings, variables)
    if source.is_file and source.is_there():
        source()
    timekeeper = Timekeeper(clock)
    stores = _open_stores(data, settings, timekeeper)
    try:
        prepare_master_key(source, stores, timekeeper)
        timekeeper.learn(stores.moments.latest())
    except BaseException:
        stores.close()
        raise
    bell = open_bell(data / BELL, secrets.token_bytes)
    if bell:
        stores.listen(bell.answer)
    keys = Keyring(stores, source, timekeeper, secrets.token_bytes)
    return House(settings, stores, keys, timekeeper, timekeeper=timekeeper, bell=bell, data=data, master_key=source)


def prepare_master_key(source: MasterKeySource, stores: Stores, clock: Clock) -> None:
    """
    Make the master key where nothing is sealed under another yet; finish its rotation where that was cut short.

    Raises:
        KeyTrouble: It is not here, or is not the one that the keys of *stores* are sealed under.

    """
    there = stores.keys.all()
    if not source.is_there():
        if there:
            raise KeyTrouble(
                f"the database has keys, and there is no {source.file} to open them: copy it from the node that made "
                f"them, or from your backup of the keys, or set {VARIABLE}"
            )
        source.file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        make_key_file(source.file, secrets.token_bytes)
    if there and source.is_file and source.next_file.exists():
        # Under way elsewhere, it is finished there; meanwhile either file will do.
        with suppress(KeyTrouble), rotating(source):
            masters = source()
            if opens(masters[-1], stores.keys.all()[0]) and not opens(masters[0], there[0]):
                put_in_force(source, date_stamp(clock))


def date_stamp(clock: Clock) -> str:
    """Return the time as part of a file's name."""
    return datetime.fromtimestamp(clock() // SECOND, UTC).strftime("%Y%m%dT%H%M%SZ")


@dataclass(frozen=True, slots=True)
class Schema:
    """
    How far the tables are.

    Args:
        looked: What keeps them.
        modules: For each module with tables, how many steps are made, and how many there are.

    """

    looked: Looked
    modules: Mapping[str, tuple[int, int]]

    @property
    def version(self) -> str | None:
        """Of our own tables; None where there are none."""
        return self.looked.version

    @property
    def head(self) -> str:
        """The version that this program makes."""
        return self.looked.head

    def to_do(self) -> bool:
        """Return whether `migrate` has something to do."""
        return (self.version or "") < self.head or any(made < head for made, head in self.modules.values())


def schema_of(data: Path, variables: Mapping[str, str]) -> Schema:
    """
    Return how far the tables of *data* are; nothing is changed.

    Raises:
        SettingRefused: A setting is unknown or wrong, the kind of database among them.
        DataTrouble: SQLite here can lose changes, or the URL cannot be read.
        OSError: The database does not answer, or is none.

    """
    settings = load_settings(data / SETTINGS, variables)
    check_database(settings.database)
    if not is_url(settings.database):
        try:
            looked = look_at_sqlite(data / settings.database)
        except UnsoundSqlite as trouble:
            raise DataTrouble(str(trouble)) from None
    else:
        looked = _look_at_postgres(settings.database)
    steps = {name: len(module.migrations) for name, module in module_declarations(settings).items()}
    modules = {name: (looked.modules.get(name, 0), head) for name, head in steps.items() if head}
    return Schema(looked, modules)


def _look_at_postgres(url: str) -> Looked:
    try:
        from lingpai.stores.sql.postgres import UnfitPostgres
    except ImportError as missing:
        raise DataTrouble(f"PostgreSQL asks for its driver: pip install 'lingpai[postgres]' ({missing})") from None
    try:
        return look_at_postgres(url)
    except UnfitPostgres as trouble:
        raise DataTrouble(f"PostgreSQL: {trouble}") from None


def _open_stores(data: Path, settings: Settings, clock: Clock) -> Stores:
    database = settings.database
    if is_url(database):
        return _open_postgres(database, clock)
    try:
        return open_sqlite(data / database, clock, threads=settings.threads + OWN_THREADS)
    except Refused as refused:
        raise damage(data, settings, refused) or refused from None
    except _made_elsewhere() as trouble:
        raise DataTrouble(f"{data / database}: {trouble}") from None


def _open_postgres(url: str, clock: Clock) -> Stores:
    check_database(url)
    try:
        from lingpai.stores.sql.postgres import UnfitPostgres, open_postgres
    except ImportError as missing:
        raise DataTrouble(f"PostgreSQL asks for its driver: pip install 'lingpai[postgres]' ({missing})") from None
    try:
        return open_postgres(url, clock)
    except (UnfitPostgres, Refused) as trouble:
        raise DataTrouble(f"PostgreSQL: {trouble}") from None
    except _made_elsewhere() as trouble:
        raise DataTrouble(f"PostgreSQL: {trouble}") from None
