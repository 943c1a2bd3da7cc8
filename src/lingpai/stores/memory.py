"""
Everything in dictionaries: the reference that the other stores are held to, and the tests' double.

A change is made in a copy of the tables, which takes their place when it ends well.
What SQL's constraints refuse is a `ValueError` here.
"""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import TypeVar

import msgspec

from lingpai.stores.interfaces import (
    AccountBook,
    AuditTrail,
    Change,
    ClientBook,
    CodeBook,
    CompanyBook,
    Feed,
    FeedBook,
    GenerationBook,
    Heard,
    KeyBook,
    Migrations,
    MomentBook,
    MomentStore,
    NoticeBook,
    Place,
    Sealed,
    SealStore,
    SessionBook,
    SessionTraces,
    Tables,
    TryBook,
    TryStore,
    WeakUseBook,
    WeakUseStore,
)
from lingpai.stores.sql.scratch import Scratch
from lingpai.vocabulary.clock import Clock
from lingpai.vocabulary.events import AuditRow, Event, FeedEntry, Seal, Wanted
from lingpai.vocabulary.outcomes import Outcome, Reason, Refused
from lingpai.vocabulary.policies import WeakUse
from lingpai.vocabulary.values import (
    AuthCode,
    Client,
    Company,
    Generation,
    Member,
    Membership,
    Notice,
    Pace,
    Session,
    SessionsWanted,
    Sighting,
    Standing,
    Tries,
    User,
    WorkingKey,
)


@dataclass(slots=True)
class Rows:
    """The tables. Values are frozen, so a shallow copy is a whole one."""

    users: dict[int, User] = field(default_factory=dict)
    companies: dict[int, Company] = field(default_factory=dict)
    memberships: dict[tuple[int, int], bool] = field(default_factory=dict)
    clients: dict[str, Client] = field(default_factory=dict)
    sessions: dict[str, Session] = field(default_factory=dict)
    generations: dict[tuple[str, int], Generation] = field(default_factory=dict)
    codes: dict[bytes, AuthCode] = field(default_factory=dict)
    tries: dict[tuple[bytes, str], Tries] = field(default_factory=dict)
    notices: dict[int, Notice] = field(default_factory=dict)
    keys: dict[int, WorkingKey] = field(default_factory=dict)
    feed: dict[int, FeedEntry] = field(default_factory=dict)
    told: dict[int, int] = field(default_factory=dict)  # when each entry of the feed was made
    audit: dict[int, AuditRow] = field(default_factory=dict)
    seals: dict[int, Seal] = field(default_factory=dict)
    moments: dict[int, int] = field(default_factory=dict)  # at 1, the latest time seen
    weak_uses: dict[tuple[str, str, str, str], WeakUse] = field(default_factory=dict)

    def copy(self) -> "Rows":
        """Return the tables as they are now."""
        return Rows(*(dict(getattr(self, name)) for name in self.__slots__))


Key = TypeVar("Key")


class Held:
    """Where a role finds the tables: those that are true, or the copy that a change works in."""

    def __init__(self, rows: Rows) -> None:
        self.rows = rows


class FaultyHeld(Held):
    """Tables that fall silent, or break, when they are told to (`fault`: "store" or "bug"): a rehearsal's."""

    fault = ""

    @property
    def rows(self) -> Rows:
        if self.fault == "store":
            raise Refused(Outcome.STORE_SILENT, "the stage made it silent")
        if self.fault == "bug":
            raise RuntimeError("the stage planted a bug")
        return self._rows

    @rows.setter
    def rows(self, rows: Rows) -> None:
        self._rows = rows


def _next(table: Mapping[int, object]) -> int:
    return max(table, default=0) + 1


def _new(table: Mapping[Key, object], key: Key) -> None:
    if key in table:
        raise ValueError(f"{key!r} is there already")


def _known(table: Mapping[Key, object], key: Key | None) -> None:
    if key is not None and key not in table:
        raise ValueError(f"{key!r} is not there")


class Accounts:
    """Users."""

    def __init__(self, held: Held) -> None:
        self._held = held

    def named(self, key: str) -> User | None:
        return self._first(lambda user: user.name_key == key)

    def with_phone(self, phone: str) -> User | None:
        return self._first(lambda user: user.phone_verified and user.phone == phone)

    def with_email(self, email: str) -> User | None:
        return self._first(lambda user: user.email_verified and user.email == email)

    def by_id(self, user_id: int) -> User | None:
        return self._held.rows.users.get(user_id)

    def page(self, after: int, size: int) -> Sequence[User]:
        users = self._held.rows.users
        return [users[n] for n in islice((n for n in sorted(users) if n > after), size)]

    def lock(self, user_id: int) -> User | None:
        return self.by_id(user_id)

    def add(self, user: User) -> User | None:
        if self._is_taken(user):
            return None
        _known(self._held.rows.companies, user.company_id)
        kept = replace(user, id=_next(self._held.rows.users))
        self._held.rows.users[kept.id] = kept
        return kept

    def set_password(self, user_id: int, encoded: str) -> None:
        self._save(user_id, password=encoded)

    def set_enabled(self, user_id: int, *, enabled: bool) -> None:
        self._save(user_id, enabled=enabled)

    def set_addresses(self, user: User) -> None:
        owners = [self.with_phone(user.phone) if user.phone_verified else None]
        owners.append(self.with_email(user.email) if user.email_verified else None)
        if any(owner is not None and owner.id != user.id for owner in owners):
            raise ValueError("another has proved it")
        self._save(
            user.id,
            phone=user.phone,
            phone_verified=user.phone_verified,
            email=user.email,
            email_verified=user.email_verified,
        )

    def set_company(self, user_id: int, company_id: int | None) -> None:
        _known(self._held.rows.companies, company_id)
        self._save(user_id, company_id=company_id)

    def _is_taken(self, user: User) -> bool:
        looks = user.name_skeleton
        return (
            self.named(user.name_key) is not None
            or (looks is not None and self._first(lambda other: other.name_skeleton == looks) is not None)
            or (user.phone_verified and self.with_phone(user.phone) is not None)
            or (user.email_verified and self.with_email(user.email) is not None)
        )

    def _first(self, fits: Callable[[User], bool]) -> User | None:
        return next((user for user in self._held.rows.users.values() if fits(user)), None)

    def _save(self, user_id: int, **changed: object) -> None:
        users = self._held.rows.users
        if user_id in users:
            users[user_id] = replace(users[user_id], **changed)  # type: ignore[arg-type]


class Companies:
    """Companies and who belongs to them."""

    def __init__(self, held: Held) -> None:
        self._held = held

    def by_id(self, company_id: int) -> Company | None:
        return self._held.rows.companies.get(company_id)

    def page(self, after: int, size: int) -> Sequence[Company]:
        companies = self._held.rows.companies
        return [companies[n] for n in islice((n for n in sorted(companies) if n > after), size)]

    def members(self, company_id: int, after: int, size: int) -> Sequence[Member]:
        rows = self._held.rows
        mine = ((n, a) for (n, c), a in sorted(rows.memberships.items()) if c == company_id and n > after)
        return [Member(rows.users[number], is_admin) for number, is_admin in islice(mine, size)]

    def memberships(self, user_id: int) -> tuple[Membership, ...]:
        rows = self._held.rows
        return tuple(
            Membership(company, rows.companies[company].name, is_admin)
            for (user, company), is_admin in sorted(rows.memberships.items())
            if user == user_id
        )

    def add(self, company: Company) -> Company:
        kept = replace(company, id=_next(self._held.rows.companies))
        self._held.rows.companies[kept.id] = kept
        return kept

    def join(self, user_id: int, company_id: int, *, is_admin: bool) -> None:
        _known(self._held.rows.users, user_id)
        _known(self._held.rows.companies, company_id)
        self._held.rows.memberships[user_id, company_id] = is_admin

    def leave(self, user_id: int, company_id: int) -> bool:
        return self._held.rows.memberships.pop((user_id, company_id), None) is not None


class Clients:
    """Client apps."""

    def __init__(self, held: Held) -> None:
        self._held = held

    def by_id(self, client_id: str) -> Client | None:
        return self._held.rows.clients.get(client_id)

    def page(self, after: str, size: int) -> Sequence[Client]:
        clients = self._held.rows.clients
        return [clients[n] for n in islice((n for n in sorted(clients) if n > after), size)]

    def lock(self, client_id: str) -> Client | None:
        return self.by_id(client_id)

    def add(self, client: Client) -> bool:
        free = client.id not in self._held.rows.clients
        if free:
            self._held.rows.clients[client.id] = client
        return free

    def save(self, client: Client) -> None:
        if client.id in self._held.rows.clients:
            self._held.rows.clients[client.id] = client


def _is_session_wanted(session: Session, wanted: SessionsWanted) -> bool:
    at = wanted.live_at
    return (
        wanted.user_id in (None, session.user_id)
        and wanted.contract in ("", session.contract)
        and wanted.client_id in ("", session.client_id)
        and (at is None or _is_live(session, at))
    )


class Sessions:
    """Sessions."""

    def __init__(self, held: Held) -> None:
        self._held = held

    def standing(self, *token_digests: bytes) -> Standing | None:
        rows = self._held.rows
        mine = (s for s in rows.sessions.values() if s.token_digest in token_digests)
        session = next(mine, None)
        return _standing(rows, session) if session else None

    def standing_of(self, session_id: str) -> Standing | None:
        rows = self._held.rows
        session = rows.sessions.get(session_id)
        return _standing(rows, session) if session else None

    def of_user(self, user_id: int) -> Sequence[Session]:
        mine = (s for s in self._held.rows.sessions.values() if s.user_id == user_id)
        return sorted(mine, key=lambda s: (s.began, s.id), reverse=True)

    def find(self, wanted: SessionsWanted, size: int) -> Sequence[Session]:
        mine = (s for s in self._held.rows.sessions.values() if _is_session_wanted(s, wanted))
        return sorted(mine, key=lambda s: (s.began, s.id), reverse=True)[:size]

    def latest_end(self, contract: str | None) -> int:
        mine = (s.end for s in self._held.rows.sessions.values() if s.ended is None and _rests(s, contract))
        return max(mine, default=0)

    def open(self, session: Session) -> None:
        rows = self._held.rows
        _new(rows.sessions, session.id)
        if session.token_digest is not None:
            _new({s.token_digest: s for s in rows.sessions.values()}, session.token_digest)
        _known(rows.users, session.user_id)
        _known(rows.clients, session.client_id)
        _known(rows.companies, session.company_id)
        rows.sessions[session.id] = session

    def end(self, session_id: str, reason: Reason, at: int) -> bool:
        session = self._held.rows.sessions.get(session_id)
        if session is None or session.ended is not None:
            return False
        self._held.rows.sessions[session_id] = msgspec.structs.replace(session, ended=at, end_reason=reason)
        return True

    def end_of_user(self, user_id: int, reason: Reason, at: int, *, but: str = "") -> Sequence[str]:
        mine = [s.id for s in self.of_user(user_id) if s.id != but]
        return [session_id for session_id in mine if self.end(session_id, reason, at)]

    def end_in_company(self, user_id: int, company_id: int, reason: Reason, at: int) -> Sequence[str]:
        mine = [s.id for s in self.of_user(user_id) if s.company_id == company_id]
        return [session_id for session_id in mine if self.end(session_id, reason, at)]

    def end_resting(
        self, contract: str | None, key_ids: Sequence[int], reason: Reason, at: int, most: int
    ) -> Sequence[str]:
        rows = self._held.rows
        newest = {g.session_id: g.key_id for _, g in sorted(rows.generations.items())}
        mine = [
            s.id
            for s in rows.sessions.values()
            if s.began <= at and _is_live(s, at) and _rests(s, contract)
            if not key_ids or newest.get(s.id) in key_ids
        ]
        return [session_id for session_id in sorted(mine)[:most] if self.end(session_id, reason, at)]

    def live(self, user_id: int, client_id: str, at: int) -> Sequence[Session]:
        mine = [s for s in self.of_user(user_id) if s.client_id == client_id and _is_live(s, at)]
        return mine[::-1]

    def set_company(self, session_id: str, company_id: int) -> None:
        rows = self._held.rows
        _known(rows.companies, company_id)
        if session_id in rows.sessions:
            rows.sessions[session_id] = msgspec.structs.replace(rows.sessions[session_id], company_id=company_id)

    def delete_over(self, before: int, most: int) -> int:
        rows = self._held.rows
        over = [s.id for s in rows.sessions.values() if min(_ends(s)) < before][:most]
        for session_id in over:
            del rows.sessions[session_id]
        gone = set(over)
        rows.generations = {k: g for k, g in rows.generations.items() if g.session_id not in gone}
        rows.codes = {k: c for k, c in rows.codes.items() if c.session_id not in gone}
        return len(over)


class Traces:
    """What is written of a session's use."""

    def __init__(self, memory: "Memory", clock: Clock) -> None:
        self._memory = memory
        self._clock = clock

    def saw(self, sightings: Sequence[Sighting]) -> None:
        with self._memory.writing() as rows:
            now = self._clock()
            for sighting in sightings:
                session = rows.sessions.get(sighting.session_id)
                by_then = max(now, sighting.seen)
                if session and by_then < min(_ends(session)) and session.ended is None:
                    rows.sessions[session.id] = msgspec.structs.replace(
                        session,
                        last_seen=max(session.last_seen, sighting.seen),
                        idle_end=_later(session.idle_end, sighting.idle_end),
                    )

    def issue(self, session_id: str, shown: int, fresh: int) -> bool:
        with self._memory.writing() as rows:
            session = rows.sessions.get(session_id)
            if session is None or session.ended is not None or session.last_issued != shown:
                return False
            rows.sessions[session_id] = msgspec.structs.replace(session, last_issued=fresh)
            return True


def _is_live(session: Session, at: int) -> bool:
    return session.ended is None and at < session.end and (session.idle_end is None or at < session.idle_end)


def _rests(session: Session, contract: str | None) -> bool:
    return session.token_digest is not None if contract is None else session.contract == contract


def _ends(session: Session) -> Sequence[int]:
    ends = (session.end, session.ended, session.idle_end)
    return [end for end in ends if end is not None]


def _later(idle_end: int | None, seen: int | None) -> int | None:
    return idle_end if idle_end is None or seen is None else max(idle_end, seen)


def _standing(rows: Rows, session: Session) -> Standing:
    user, client = rows.users[session.user_id], rows.clients[session.client_id]
    return Standing(session, user, client, Companies(Held(rows)).memberships(user.id))


class Generations:
    """Pairs of refreshable tokens."""

    def __init__(self, held: Held) -> None:
        self._held = held

    def find(self, session_id: str, number: int) -> Generation | None:
        return self._held.rows.generations.get((session_id, number))

    def newest(self, session_id: str) -> Generation | None:
        mine = (g for g in self._held.rows.generations.values() if g.session_id == session_id)
        return max(mine, key=lambda g: g.number, default=None)

    def add(self, generation: Generation) -> None:
        rows = self._held.rows
        _new(rows.generations, (generation.session_id, generation.number))
        _known(rows.sessions, generation.session_id)
        self._keep(generation)

    def claim(self, session_id: str, number: int, at: int) -> bool:
        generation = self.find(session_id, number)
        if generation is None or generation.exchanged is not None:
            return False
        self._keep(replace(generation, exchanged=at))
        return True

    def set_aside(self, session_id: str, number: int) -> None:
        generation = self.find(session_id, number)
        if generation is not None:
            self._keep(replace(generation, set_aside=True))

    def _keep(self, generation: Generation) -> None:
        self._held.rows.generations[generation.session_id, generation.number] = generation


class Codes:
    """Auth codes."""

    def __init__(self, held: Held) -> None:
        self._held = held

    def find(self, *digests: bytes) -> AuthCode | None:
        codes = self._held.rows.codes
        return next((codes[digest] for digest in digests if digest in codes), None)

    def add(self, code: AuthCode) -> None:
        rows = self._held.rows
        _new(rows.codes, code.digest)
        _known(rows.sessions, code.session_id)
        rows.codes[code.digest] = code

    def delete_over(self, before: int, most: int) -> int:
        codes = self._held.rows.codes
        over = [digest for digest, code in codes.items() if code.end < before][:most]
        for digest in over:
            del codes[digest]
        return len(over)


class CountedTries:
    """Tries of passwords, counted."""

    def __init__(self, held: Held) -> None:
        self._held = held

    def find(self, digest: bytes, network: str) -> Tries | None:
        return self._held.rows.tries.get((digest, network))

    def claim(self, digest: bytes, network: str, at: int, pace: Pace) -> Tries | None:
        kept = self._held.rows.tries.get((digest, network))
        if kept and kept.next > at:
            return None
        count = 1 if kept is None or kept.latest + pace.forgotten < at else kept.count + 1
        wait = pace.waits[min(count, len(pace.waits)) - 1]
        known = kept.known if kept else 0
        tries = Tries(digest, network, count, at + wait, at, known, max(known, at + pace.forgotten))
        self._held.rows.tries[digest, network] = tries
        return tries

    def clear(self, digest: bytes, network: str, at: int, known: int) -> None:
        self._held.rows.tries[digest, network] = Tries(digest, network, 0, 0, at, known, known)

    def forget(self, digest: bytes) -> int:
        mine = [key for key in self._held.rows.tries if key[0] == digest]
        for key in mine:
            del self._held.rows.tries[key]
        return len(mine)

    def delete_over(self, before: int, most: int) -> int:
        tries = self._held.rows.tries
        over = [key for key, one in tries.items() if one.end < before][:most]
        for key in over:
            del tries[key]
        return len(over)


class TriesOfMemory:
    """Tries of passwords."""

    def __init__(self, memory: "Memory", held: Held) -> None:
        self._memory = memory
        self._held = held

    def find(self, digest: bytes, network: str) -> Tries | None:
        return self._held.rows.tries.get((digest, network))

    def of(self, digest: bytes) -> Sequence[Tries]:
        mine = (one for one in self._held.rows.tries.values() if one.digest == digest)
        return sorted(mine, key=lambda one: one.network)

    @contextmanager
    def counting(self) -> Iterator[TryBook]:
        with self._memory.writing() as rows:
            yield CountedTries(Held(rows))


class Notices:
    """Notices."""

    def __init__(self, held: Held) -> None:
        self._held = held

    def page(self, number: int, size: int) -> Sequence[Notice]:
        newest = sorted(self._held.rows.notices.values(), key=lambda n: n.id, reverse=True)
        return newest[(number - 1) * size : number * size]

    def add(self, notice: Notice) -> Notice:
        kept = replace(notice, id=_next(self._held.rows.notices))
        self._held.rows.notices[kept.id] = kept
        return kept


class Keys:
    """Working keys."""

    def __init__(self, held: Held) -> None:
        self._held = held

    def of(self, purpose: str) -> Sequence[WorkingKey]:
        mine = (k for k in self._held.rows.keys.values() if k.purpose == purpose)
        return sorted(mine, key=lambda k: k.id, reverse=True)

    def all(self) -> Sequence[WorkingKey]:
        return sorted(self._held.rows.keys.values(), key=lambda k: k.id, reverse=True)

    def lock(self, purpose: str) -> Sequence[WorkingKey]:
        return self.of(purpose)

    def add(self, key: WorkingKey) -> WorkingKey:
        kept = replace(key, id=_next(self._held.rows.keys))
        self._held.rows.keys[kept.id] = kept
        return kept

    def seal(self, key_id: int, sealed: bytes) -> None:
        self._save(key_id, sealed=sealed)

    def end(self, key_id: int, at: int) -> None:
        self._save(key_id, ends=at)

    def drop(self, key_id: int) -> None:
        self._held.rows.keys.pop(key_id, None)

    def _save(self, key_id: int, **changed: object) -> None:
        keys = self._held.rows.keys
        if key_id in keys:
            keys[key_id] = replace(keys[key_id], **changed)  # type: ignore[arg-type]


class Moments:
    """The latest time seen."""

    def __init__(self, memory: "Memory", held: Held) -> None:
        self._memory = memory
        self._held = held

    def latest(self) -> int:
        return self._held.rows.moments.get(1, 0)

    def reach(self, at: int) -> int:
        with self._memory.writing() as rows:
            rows.moments[1] = max(rows.moments.get(1, 0), at)
            return rows.moments[1]


class MomentsChanged:
    """The latest time seen, to be moved back."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    def start_again(self) -> None:
        self._rows.moments.clear()


class WeakUses:
    """How often weak forms were used."""

    def __init__(self, memory: "Memory", held: Held) -> None:
        self._memory = memory
        self._held = held

    def add(self, uses: Sequence[WeakUse]) -> None:
        with self._memory.writing() as rows:
            for use in uses:
                key = (use.day, use.client_id, use.contract, use.form)
                kept = rows.weak_uses.get(key, replace(use, uses=0, refused=0))
                total = replace(kept, uses=kept.uses + use.uses, refused=kept.refused + use.refused)
                rows.weak_uses[key] = replace(total, last=max(kept.last, use.last))

    def since(self, day: str, client_id: str = "") -> Sequence[WeakUse]:
        kept = sorted(self._held.rows.weak_uses.items())
        return [use for _, use in kept if use.day >= day and client_id in ("", use.client_id)]


class WeakUsesOver:
    """How often weak forms were used, to be deleted when it is old."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    def delete_over(self, before: str, most: int) -> int:
        old = [key for key in sorted(self._rows.weak_uses) if key[0] < before][:most]
        for key in old:
            del self._rows.weak_uses[key]
        return len(old)


class FeedOfMemory:
    """The change feed."""

    def __init__(self, held: Held) -> None:
        self._held = held

    def here(self) -> Place:
        return max(self._held.rows.feed, default=0)

    def after(self, place: Place) -> Heard | None:
        feed, number = self._held.rows.feed, int(place)
        newest = max(feed, default=0)
        if number > newest or number + 1 < min(feed, default=0):
            return None
        return Heard([entry for n, entry in sorted(feed.items()) if n > number], newest)

    def wake(self, follower: Callable[[], None]) -> None:
        """Nobody else writes here."""

    def delete_over(self, before: int, most: int) -> int:
        rows = self._held.rows
        old = [n for n in sorted(rows.feed)[:-1] if rows.told[n] < before][:most]
        for number in old:
            del rows.feed[number], rows.told[number]
        return len(old)


class AuditOfMemory:
    """The audit trail."""

    def __init__(self, held: Held) -> None:
        self._held = held

    def page(self, after: int, size: int) -> Sequence[AuditRow]:
        audit = self._held.rows.audit
        return [audit[n] for n in islice((n for n in sorted(audit) if n > after), size)]

    def newest(self) -> int:
        return max(self._held.rows.audit, default=0)

    def find(self, wanted: Wanted, above: int, below: int, size: int) -> Sequence[AuditRow]:
        rows = self._held.rows.audit
        numbers = (n for n in sorted(rows, reverse=True) if above < n < below)
        return list(islice((rows[n] for n in numbers if _is_wanted(rows[n], wanted)), size))


def _is_wanted(row: AuditRow, wanted: Wanted) -> bool:
    names = ("subject", "subject_id", "actor", "kind")
    asked = {name: value for name in names if (value := getattr(wanted, name))}
    return row.at >= wanted.since and all(getattr(row, name) == value for name, value in asked.items())


class Seals:
    """The chain over the audit trail."""

    def __init__(self, memory: "Memory", held: Held) -> None:
        self._memory = memory
        self._held = held

    def head(self) -> Seal | None:
        seals = self._held.rows.seals
        return seals[max(seals)] if seals else None

    def of(self, number: int) -> Seal | None:
        return next((seal for seal in self._held.rows.seals.values() if seal.number == number), None)

    def page(self, after: int, size: int) -> Sequence[Sealed]:
        rows = self._held.rows
        positions = islice((n for n in sorted(rows.seals) if n > after), size)
        return [Sealed(rows.seals[n], rows.audit.get(rows.seals[n].number)) for n in positions]

    def unsealed(self, above: int, up_to: int, size: int) -> Sequence[AuditRow]:
        rows = self._held.rows
        sealed = {seal.number for seal in rows.seals.values()}
        numbers = (n for n in sorted(rows.audit) if above < n <= up_to and n not in sealed)
        return [rows.audit[n] for n in islice(numbers, size)]

    def add(self, seals: Sequence[Seal]) -> bool:
        with self._memory.writing() as rows:
            if seals[0].position in rows.seals:
                return False
            for seal in seals:
                _new(rows.seals, seal.position)
                if any(seal.number == kept.number for kept in rows.seals.values()):
                    raise ValueError(f"{seal.number} is sealed already")
                rows.seals[seal.position] = seal
        return True


class Roles:
    """Every role over the same tables."""

    def __init__(self, held: Held) -> None:
        self.accounts: AccountBook = Accounts(held)
        self.companies: CompanyBook = Companies(held)
        self.clients: ClientBook = Clients(held)
        self.sessions: SessionBook = Sessions(held)
        self.generations: GenerationBook = Generations(held)
        self.codes: CodeBook = Codes(held)
        self.notices: NoticeBook = Notices(held)
        self.keys: KeyBook = Keys(held)


class ChangeOfMemory(Roles):
    """All roles over a copy of the tables, and what happened there."""

    def __init__(self, rows: Rows, event: Event, tables: Tables) -> None:
        held = Held(rows)
        super().__init__(held)
        self.tries: TryBook = CountedTries(held)
        self.feed: FeedBook = FeedOfMemory(held)
        self.moments: MomentBook = MomentsChanged(rows)
        self.tables = tables
        self.weak_uses: WeakUseBook = WeakUsesOver(rows)
        self._rows = rows
        self._events = [event]

    def about(self, subject_id: str) -> None:
        self._events[0] = replace(self._events[0], subject_id=subject_id)

    def also(self, event: Event) -> None:
        self._events.append(event)

    def record(self, at: int) -> Sequence[FeedEntry]:
        """Write down all that happened, and return what memories must hear of it."""
        for event in self._events:
            self._audit(event, at)
        return [self._tell(event, at) for event in self._events if event.told]

    def _audit(self, event: Event, at: int) -> None:
        number = _next(self._rows.audit)
        self._rows.audit[number] = AuditRow(
            number, at, event.kind, event.subject, event.subject_id, event.actor, dict(event.detail)
        )

    def _tell(self, event: Event, at: int) -> FeedEntry:
        entry = FeedEntry(_next(self._rows.feed), event.subject, event.subject_id)
        self._rows.feed[entry.number] = entry
        self._rows.told[entry.number] = at
        return entry


class Memory(Roles):
    """All roles, for reading and, by `change`, for writing."""

    def __init__(self, clock: Clock, held: Held | None = None) -> None:
        self._held = held or Held(Rows())
        super().__init__(self._held)
        self.traces: SessionTraces = Traces(self, clock)
        self.tries: TryStore = TriesOfMemory(self, self._held)
        self.audit: AuditTrail = AuditOfMemory(self._held)
        self.feed: Feed = FeedOfMemory(self._held)
        self.seals: SealStore = Seals(self, self._held)
        self.moments: MomentStore = Moments(self, self._held)
        self._scratch = Scratch()
        self.tables: Tables = self._scratch
        self.migrations: Migrations = self._scratch
        self.weak_uses: WeakUseStore = WeakUses(self, self._held)
        self._clock = clock
        self._listeners: list[Callable[[Sequence[FeedEntry]], None]] = []
        self._turn = threading.Lock()
        self._writer: int | None = None

    @contextmanager
    def change(self, event: Event) -> Iterator[Change]:
        with self.writing() as rows, self._scratch.writing() as tables:
            change = ChangeOfMemory(rows, event, tables)
            yield change
            entries = change.record(self._clock())
        for hear in self._listeners:
            hear(entries)

    @contextmanager
    def writing(self) -> Iterator[Rows]:
        """Return a copy of the tables, which takes their place after the block, unless that raises."""
        if self._writer == threading.get_ident():
            raise RuntimeError("a change inside a change would wait for itself")
        with self._turn:
            self._writer = threading.get_ident()
            try:
                rows = self._held.rows.copy()
                yield rows
                self._held.rows = rows
            finally:
                self._writer = None

    def is_migrated(self) -> bool:
        return self._held.rows is not None

    def listen(self, hear: Callable[[Sequence[FeedEntry]], None]) -> None:
        self._listeners.append(hear)

    def close(self) -> None:
        """Let go of what modules kept."""
        self._scratch.close()
