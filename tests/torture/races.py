"""
Races between two processes over one house: each makes its move of a round at the same moment as the other.

A race prepares one stake for each round (a user with a session, mostly), has two moves, and says afterwards what
is wrong with a stake. Run as a program, this file is one of the two processes.
"""

import importlib
import json
import mmap
import random
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from lingpai.composition import House, open_house
from lingpai.edge.steps import built_in_id
from lingpai.operations.authorize import Authorize
from lingpai.operations.change_company import ChangeCompany, CompanyChosen
from lingpai.operations.change_membership import LeaveCompany, MembershipAsked
from lingpai.operations.enable import EnableUser, Enabling
from lingpai.operations.end_session import EndSession
from lingpai.operations.mint_token import MintToken, TokenAsked
from lingpai.operations.open_session import session_opened
from lingpai.operations.renew import PairShown, Renew, Rotation
from lingpai.principals.admission import Admission
from lingpai.vocabulary.events import Event
from lingpai.vocabulary.outcomes import Refused
from lingpai.vocabulary.values import Caller, Client, Company, User, Visitor
from tests.torture.server import NO_LIMITS

OPERATOR = "operator"
BATCH = 500
PATIENCE_SECONDS = 120


@dataclass(frozen=True)
class Stake:
    """
    What one round is about.

    Args:
        session: Of the user, for company 1; empty where the race opens sessions.
        client: At which sessions are opened.

    """

    user: int
    session: str
    client: str = ""


class Hall:
    """A house as the races use it."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.stores, self.clock = house.stores, house.clock
        self.admission = Admission(house.clock)
        self.rotation = Rotation(house.keys, house.clock)
        self.renewing = Renew(house.stores, self.admission, self.rotation)

    def visitor(self, contract: str, client_id: str = "") -> Visitor:
        client = self.stores.clients.by_id(client_id or built_in_id(contract, "unknown")) or Client(client_id, "")
        return Visitor(terms=self.house.served[contract].contract.terms, client=client, client_type="pc")

    def caller(self, contract: str, stake: Stake, *, company_id: int | None = None) -> Caller:
        standing = self.stores.sessions.standing_of(stake.session)
        assert standing is not None
        terms = self.house.served[contract].contract.terms
        return Caller(
            terms=terms,
            client=standing.client,
            standing=standing,
            company_id=company_id,
            generation=1,
            client_type="pc",
        )

    def renew(self, stake: Stake, number: int = 1, company_id: int = 1) -> str:
        renewed = self.renewing(self.visitor("oppmg", "app"), PairShown(stake.session, number, company_id))
        return f"pair {renewed.pair.number}"

    def end(self, contract: str, stake: Stake) -> str:
        EndSession(self.stores, self.clock)(self.caller(contract, stake), None)
        return "ended"

    def live(self, user: int) -> list[str]:
        return [session.id for session in self.stores.sessions.of_user(user) if session.ended is None]


Move = Callable[[Hall, Stake], str]
Verdict = Callable[[Hall, Stake, list[str]], bool]


@dataclass(frozen=True)
class Race:
    """
    Args:
        moves: What the two processes do with a stake; each says how it ended, also by `Refused`.
        fair: Whether a stake is as it must be afterwards, given how the moves ended.
        signed_in: The contract that the stake's user is signed in over; empty for none.

    """

    moves: tuple[Move, Move]
    fair: Verdict
    signed_in: str = "oppmg"


def _refused_at(act: Callable[[], object]) -> bool:
    try:
        act()
    except Refused as refused:
        return refused.outcome.name == "SESSION_OVER"
    return False


def _one_successor(hall: Hall, stake: Stake, ends: list[str]) -> bool:
    first, newest = hall.stores.generations.find(stake.session, 1), hall.stores.generations.newest(stake.session)
    assert first is not None
    assert newest is not None
    return ends == ["pair 2", "pair 2"] and newest.number == 2 and first.exchanged is not None and not newest.exchanged


def _nothing_lives(hall: Hall, stake: Stake, ends: list[str]) -> bool:
    newest = hall.stores.generations.newest(stake.session)
    assert newest is not None
    return (
        ends[0] in ("pair 2", "SESSION_OVER")
        and ends[1] == "ended"
        and all(_refused_at(lambda n=n: hall.renew(stake, n)) for n in (1, newest.number))  # type: ignore[misc]
    )


def authorize(hall: Hall, stake: Stake) -> str:
    house = hall.house
    giving = Authorize(hall.stores, hall.admission, house.keys, hall.clock, house.randomness)
    return giving(hall.caller("zhiyun", stake), None)


def is_code_alive(hall: Hall, stake: Stake, code: str) -> bool:
    """Return whether *code* opens anything: as `CodeHeld` asks."""
    kept = hall.stores.codes.find(hall.house.keys.digest(code))
    terms = hall.house.served["zhiyun"].contract.terms
    return kept is not None and not _refused_at(
        lambda: hall.admission.check(hall.stores.sessions.standing_of(kept.session_id), terms)
    )


def _code_is_dead(hall: Hall, stake: Stake, ends: list[str]) -> bool:
    return ends[1] == "ended" and (ends[0] == "SESSION_OVER" or not is_code_alive(hall, stake, ends[0]))


def _change_company(hall: Hall, stake: Stake) -> str:
    changing = ChangeCompany(hall.stores, hall.admission, hall.rotation)
    return f"pair {changing(hall.caller('oppmg', stake, company_id=1), CompanyChosen(2)).pair.number}"


def _leave(hall: Hall, stake: Stake) -> str:
    LeaveCompany(hall.stores, hall.clock)(OPERATOR, MembershipAsked(stake.user, 2))
    return "left"


def _works_elsewhere(hall: Hall, stake: Stake, ends: list[str]) -> bool:
    user = hall.stores.accounts.by_id(stake.user)
    chosen = [s.company_id for s in hall.stores.sessions.of_user(stake.user) if s.ended is None]
    return (
        user is not None
        and ends[0] in ("pair 2", "NOT_A_MEMBER", "SESSION_OVER")
        and ends[1] == "left"
        and user.company_id == 1
        and 2 not in chosen
    )


def _sign_in(hall: Hall, stake: Stake) -> str:
    minting = MintToken(hall.stores, hall.house.opening)
    return minting(hall.visitor("oppmg", stake.client), TokenAsked(stake.user)).standing.session.id


def _one_lives(hall: Hall, stake: Stake, ends: list[str]) -> bool:
    refused = [end for end in ends if end == "TOO_MANY_DEVICES"]
    return len(hall.live(stake.user)) == 1 and len(refused) == (stake.client == "refuses")


def _disable(hall: Hall, stake: Stake) -> str:
    EnableUser(hall.stores, hall.clock)(OPERATOR, Enabling(stake.user, enabled=False))
    return "disabled"


def _none_lives(hall: Hall, stake: Stake, ends: list[str]) -> bool:
    return ends[1] == "disabled" and hall.live(stake.user) == []


RACES = {
    "refresh against refresh": Race((Hall.renew, Hall.renew), _one_successor),
    "refresh against ending": Race((Hall.renew, lambda hall, stake: hall.end("oppmg", stake)), _nothing_lives),
    "auth code against ending": Race(
        (authorize, lambda hall, stake: hall.end("zhiyun", stake)), _code_is_dead, signed_in="zhiyun"
    ),
    "change of company against leaving it": Race((_change_company, _leave), _works_elsewhere),
    "two sign-ins at the device limit": Race((_sign_in, _sign_in), _one_lives, signed_in=""),
    "sign-in against disabling": Race((_sign_in, _disable), _none_lives, signed_in=""),
}


def prepare(hall: Hall, race: Race, rounds: int) -> list[Stake]:
    """Make a stake for each round, in the house's companies 1 and 2."""
    hall.house.prepare()
    clients = [Client("app", ""), Client("replaces", "", most_sessions=1), Client("refuses", "", most_sessions=1)]
    served = frozenset(hall.house.served)
    with hall.stores.change(Event("test:prepared", "everything", "")) as change:
        for name in ("一", "二"):
            change.companies.add(Company(0, name))
        for client in clients:
            kept = Client(
                client.id, "", contracts=served, most_sessions=client.most_sessions, replaces=client.id != "refuses"
            )
            change.clients.add(kept)
    stakes: list[Stake] = []
    while len(stakes) < rounds:
        with hall.stores.change(Event("test:prepared", "everything", "")) as change:
            for number in range(len(stakes), min(rounds, len(stakes) + BATCH)):
                user = change.accounts.add(User(0, f"u{number}", f"u{number}", "", company_id=1))
                assert user is not None
                for company_id in (1, 2):
                    change.companies.join(user.id, company_id, is_admin=False)
                session = ""
                if race.signed_in:
                    visitor, session = hall.visitor(race.signed_in, "app"), hall.house.opening.new_id()
                    change.also(session_opened(session, user.id, visitor))
                    hall.house.opening.open(change, session, user.id, visitor)
                stakes.append(Stake(user.id, session, "refuses" if number % 2 else "replaces"))
    return stakes


class Line:
    """Where two processes wait for each other: a round begins for both at the same moment, or a hair apart."""

    def __init__(self, file: Path, side: int) -> None:
        with file.open("r+b") as opened:
            self._rounds = memoryview(mmap.mmap(opened.fileno(), 16)).cast("Q")
        self._side = side
        self._chance = random.Random(side)

    def reach(self, number: int) -> None:
        self._rounds[self._side] = number
        deadline = time.monotonic() + PATIENCE_SECONDS
        while self._rounds[1 - self._side] < number:
            if time.monotonic() > deadline:
                raise TimeoutError
            time.sleep(0.0001)
        if self._chance.random() < 0.5:
            time.sleep(self._chance.random() * 0.002)


def _play(data: Path, name: str, side: int, naive: str) -> list[str]:
    house = open_house(data, _variables(data))
    if naive:
        importlib.import_module("tests.torture.naive").plant(naive, house)
    house.prepare()
    hall, move = Hall(house), RACES[name].moves[side]
    stakes = [Stake(**stake) for stake in json.loads((data / "stakes").read_text())]
    line, ends = Line(data / "line", side), []
    for number, stake in enumerate(stakes, 1):
        line.reach(number)
        try:
            ends.append(move(hall, stake))
        except Refused as refused:
            ends.append(refused.outcome.name)
        except Exception as defect:  # noqa: BLE001 - it is counted as what it is
            ends.append(f"{type(defect).__name__}: {defect}")
    house.stores.close()
    return ends


def _variables(data: Path) -> dict[str, str]:
    return {"LINGPAI_DATABASE": (data / "database").read_text(), **NO_LIMITS}


def run(data: Path, database: str, name: str, rounds: int, naive: str = "") -> list[tuple[Stake, list[str]]]:
    """Run *rounds* of the race *name* in *database*, and return the rounds that went wrong."""
    data.mkdir(mode=0o700)
    (data / "database").write_text(database)
    (data / "line").write_bytes(bytes(16))
    house = open_house(data, _variables(data))
    try:
        hall = Hall(house)
        stakes = prepare(hall, RACES[name], rounds)
        (data / "stakes").write_text(json.dumps([vars(stake) for stake in stakes]))
        command = [sys.executable, "-m", "tests.torture.races", str(data), name]
        both = [subprocess.Popen([*command, str(side), naive], stdout=subprocess.PIPE, text=True) for side in (0, 1)]
        told = [json.loads(each.communicate()[0]) for each in both]
        results = [(stake, list(ends)) for stake, ends in zip(stakes, zip(*told, strict=True), strict=True)]
        return [(stake, ends) for stake, ends in results if not RACES[name].fair(hall, stake, ends)]
    finally:
        house.stores.close()


if __name__ == "__main__":
    print(json.dumps(_play(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), sys.argv[4])))
