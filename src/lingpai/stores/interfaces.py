"""
What the layers above ask of a store: a few methods for each role, nothing more.

A *Store* is read; each read sees what is committed, in a transaction of its own.
A *Book* is written, inside one `Stores.change`, and reads its own writes. A miss
is None; to write to what is not there changes nothing; to add what is there, or to
refer to what is not, is a defect of the caller and raises. When the store does not answer, every method ends with
`Outcome.STORE_SILENT`: the change may or may not have been made.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol

from lingpai.vocabulary.events import AuditRow, Event, FeedEntry, Seal, Wanted
from lingpai.vocabulary.outcomes import Reason
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

Place = int | str
"""Where in the change feed a follower is. Only the store that gave it knows what it means."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What the change feed told, and the place after it."""

    entries: Sequence[FeedEntry]
    place: Place


class AccountStore(Protocol):
    """Users."""

    def named(self, key: str) -> User | None:
        """Return the user whose `name_key` is *key*."""

    def with_phone(self, phone: str) -> User | None:
        """Return the user who has proved *phone* to be theirs; one at most has."""

    def with_email(self, email: str) -> User | None:
        """Return the user who has proved *email* to be theirs; one at most has."""

    def by_id(self, user_id: int) -> User | None: ...

    def page(self, after: int, size: int) -> Sequence[User]:
        """Return up to *size* users with ids above *after*, in order."""


class AccountBook(AccountStore, Protocol):
    """Users, to be written."""

    def lock(self, user_id: int) -> User | None:
        """
        Return the user as kept now, whom no other change locks or changes until this one is over.

        Ask it first in a change that reads what another change of the same user may write (whether they
        are enabled, their password, companies, sessions): all later reads of the change see what those before it did.
        """

    def add(self, user: User) -> User | None:
        """
        Keep *user* (its id is ignored) and return it with its id.

        None when its name, what its name looks like, or a proved phone or e-mail address is another user's.
        """

    def set_password(self, user_id: int, encoded: str) -> None: ...

    def set_enabled(self, user_id: int, *, enabled: bool) -> None: ...

    def set_addresses(self, user: User) -> None:
        """Keep the phone and e-mail of *user*, and whether they are proved, which nobody else has done."""

    def set_company(self, user_id: int, company_id: int | None) -> None:
        """Remember which company the user works in now."""


class CompanyStore(Protocol):
    """Companies and who belongs to them."""

    def by_id(self, company_id: int) -> Company | None: ...

    def page(self, after: int, size: int) -> Sequence[Company]: ...

    def memberships(self, user_id: int) -> tuple[Membership, ...]:
        """Return what *user_id* belongs to, by company id."""

    def members(self, company_id: int, after: int, size: int) -> Sequence[Member]:
        """Return up to *size* members with user ids above *after*, in order."""


class CompanyBook(CompanyStore, Protocol):
    """Companies, to be written."""

    def add(self, company: Company) -> Company:
        """Keep *company* (its id is ignored) and return it with its id."""

    def join(self, user_id: int, company_id: int, *, is_admin: bool) -> None:
        """Make the user a member; one who is already gets the new *is_admin*."""

    def leave(self, user_id: int, company_id: int) -> bool:
        """Return whether the user was a member, who is none now."""


class ClientStore(Protocol):
    """Client apps."""

    def by_id(self, client_id: str) -> Client | None: ...

    def page(self, after: str, size: int) -> Sequence[Client]: ...


class ClientBook(ClientStore, Protocol):
    """Client apps, to be written."""

    def add(self, client: Client) -> bool:
        """Return whether the id was free; *client* is kept then."""

    def lock(self, client_id: str) -> Client | None:
        """Return the client as kept now, which no other change locks or saves until this one is over."""

    def save(self, client: Client) -> None:
        """Keep *client* in place of the one with its id."""


class SessionStore(Protocol):
    """Sessions, each read with everything that admission asks about it."""

    def standing(self, *token_digests: bytes) -> Standing | None:
        """
        Return the session with that token, ended and expired ones included, for as long as its row is kept.

        Args:
            token_digests: The token's, under each pepper that may be in use.

        """

    def standing_of(self, session_id: str) -> Standing | None:
        """Return the session with that id, ended and expired ones included, for as long as its row is kept."""

    def of_user(self, user_id: int) -> Sequence[Session]:
        """Return every session kept of the user, newest first."""

    def find(self, wanted: SessionsWanted, size: int) -> Sequence[Session]:
        """Return up to *size* sessions that are *wanted*, newest first. It may read the whole table."""

    def latest_end(self, contract: str | None) -> int:
        """Return when the last session of *contract* (None: with a token digest) will be over; 0 where none lives."""


class SessionBook(SessionStore, Protocol):
    """Sessions, to be written."""

    def open(self, session: Session) -> None: ...

    def end(self, session_id: str, reason: Reason, at: int) -> bool:
        """Return whether the session was not ended yet; it is now. Two concurrent endings never both return True."""

    def end_of_user(self, user_id: int, reason: Reason, at: int, *, but: str = "") -> Sequence[str]:
        """End every session of the user that is not ended yet, except *but*, and return their ids."""

    def end_in_company(self, user_id: int, company_id: int, reason: Reason, at: int) -> Sequence[str]:
        """End the user's sessions that chose this company, and return their ids."""

    def end_resting(
        self, contract: str | None, key_ids: Sequence[int], reason: Reason, at: int, most: int
    ) -> Sequence[str]:
        """
        End up to *most* sessions that are live at *at* and began by then, and return their ids.

        Args:
            contract: Whose; None for those of any contract that have a token digest.
            key_ids: Only sessions whose newest pair was signed with one of these; empty for all.

        """

    def live(self, user_id: int, client_id: str, at: int) -> Sequence[Session]:
        """Return the user's sessions at that client which are not over at *at*, oldest first."""

    def set_company(self, session_id: str, company_id: int) -> None: ...

    def delete_over(self, before: int, most: int) -> int:
        """Delete up to *most* sessions that were over before *before*, with all that hangs on them; return how many."""


class SessionTraces(Protocol):
    """What is written about sessions without an event: seen so often that an audit row each would drown the rest."""

    def saw(self, sightings: Sequence[Sighting]) -> None:
        """
        Move last-seen and idle end forward, never back.

        A session that is over when this is written stays over, so that none comes back of which
        somebody was told that it is over.
        """

    def issue(self, session_id: str, shown: int, fresh: int) -> bool:
        """
        Return whether *shown* was the last value issued to the live session, and make *fresh* the last.

        Two concurrent calls that show one value never both return True.
        """


class GenerationStore(Protocol):
    """Pairs of refreshable tokens."""

    def find(self, session_id: str, number: int) -> Generation | None: ...

    def newest(self, session_id: str) -> Generation | None: ...


class GenerationBook(GenerationStore, Protocol):
    """Pairs of refreshable tokens, to be written."""

    def add(self, generation: Generation) -> None: ...

    def claim(self, session_id: str, number: int, at: int) -> bool:
        """
        Return whether the pair's refresh token was not exchanged yet, and mark it exchanged at *at*.

        Two concurrent claims never both return True.
        """

    def set_aside(self, session_id: str, number: int) -> None:
        """Mark the pair replaced by a further change of company."""


class CodeStore(Protocol):
    """Auth codes. A code never changes once made, so it may be remembered for as long as it lives."""

    def find(self, *digests: bytes) -> AuthCode | None:
        """Return the code with one of *digests*, its own under each pepper that may be in use."""


class CodeBook(CodeStore, Protocol):
    """Auth codes, to be written."""

    def add(self, code: AuthCode) -> None: ...

    def delete_over(self, before: int, most: int) -> int:
        """Delete up to *most* codes that were over before *before*; return how many."""


class TryBook(Protocol):
    """Tries of passwords, counted."""

    def find(self, digest: bytes, network: str) -> Tries | None: ...

    def claim(self, digest: bytes, network: str, at: int, pace: Pace) -> Tries | None:
        """
        Count a try made at *at*, and return the tries as they are now; None when it comes too soon, and is not counted.

        Two concurrent claims never both return what only one of them may.
        """

    def clear(self, digest: bytes, network: str, at: int, known: int) -> None:
        """Say that the try made at *at* was right: the network is its owner's until *known*, and nothing is counted."""

    def forget(self, digest: bytes) -> int:
        """Forget all tries of the name, and the networks of its owner; return how many rows went."""

    def delete_over(self, before: int, most: int) -> int:
        """Delete up to *most* rows that were over before *before*; return how many."""


class TryStore(Protocol):
    """Tries of passwords."""

    def find(self, digest: bytes, network: str) -> Tries | None: ...

    def of(self, digest: bytes) -> Sequence[Tries]:
        """Return what is kept of the name, by network."""

    def counting(self) -> AbstractContextManager[TryBook]:
        """
        Return a transaction over tries alone. Whatever is raised inside it undoes all of it.

        It makes no audit row: most tries are nothing that anybody will ask about.
        """


class NoticeStore(Protocol):
    """Notices."""

    def page(self, number: int, size: int) -> Sequence[Notice]:
        """Return page *number* (from 1), newest first."""


class NoticeBook(NoticeStore, Protocol):
    """Notices, to be written."""

    def add(self, notice: Notice) -> Notice:
        """Keep *notice* (its id is ignored) and return it with its id."""


class KeyStore(Protocol):
    """Working keys, encrypted."""

    def of(self, purpose: str) -> Sequence[WorkingKey]:
        """Return the keys for *purpose*, newest first."""

    def all(self) -> Sequence[WorkingKey]:
        """Return every key, newest first."""


class KeyBook(KeyStore, Protocol):
    """Working keys, to be written."""

    def lock(self, purpose: str) -> Sequence[WorkingKey]:
        """Return the keys for *purpose*, newest first; no other change writes any key until this one is over."""

    def add(self, key: WorkingKey) -> WorkingKey:
        """Keep *key* (its id is ignored) and return it with its id: higher than any before."""

    def seal(self, key_id: int, sealed: bytes) -> None:
        """Keep the same key otherwise encrypted."""

    def end(self, key_id: int, at: int) -> None:
        """Say when the key may be dropped."""

    def drop(self, key_id: int) -> None:
        """Forget a key, which must not be the newest of all: its id would be given again."""


class Feed(Protocol):
    """The change feed, as its followers read it."""

    def here(self) -> Place:
        """Return the place from which everything is heard that a later change tells, or one that is not over yet."""

    def after(self, place: Place) -> Heard | None:
        """
        Return what was told since *place*: every entry that can be seen now and could not be seen there, once.

        None when some of it is no longer kept, or when *place* was never given (an older
        database was put in the place of the one that gave it).
        """

    def wake(self, follower: Callable[[], None]) -> None:
        """
        Call *follower*, on any thread, whenever another worker may have told something.

        A help for haste alone: it may be called for nothing, late, or (where the engine cannot) never.
        """


class FeedBook(Protocol):
    """The change feed, to be trimmed: only `Stores.change` adds entries."""

    def delete_over(self, before: int, most: int) -> int:
        """Delete up to *most* of the oldest entries made before *before*, never the newest of all; return how many."""


class AuditTrail(Protocol):
    """What was done, append-only: only `Stores.change` adds rows."""

    def page(self, after: int, size: int) -> Sequence[AuditRow]: ...

    def newest(self) -> int:
        """Return the highest number that can be seen; 0 where there is none."""

    def find(self, wanted: Wanted, above: int, below: int, size: int) -> Sequence[AuditRow]:
        """Return up to *size* rows that are *wanted*, with numbers between the two (not they), newest first."""


@dataclass(frozen=True, slots=True)
class Sealed:
    """A link of the chain, and the row that it names; None when there is no such row."""

    seal: Seal
    row: AuditRow | None


class SealStore(Protocol):
    """The chain over the audit trail."""

    def head(self) -> Seal | None:
        """Return the last link."""

    def page(self, after: int, size: int) -> Sequence[Sealed]:
        """Return up to *size* links with positions above *after*, in order."""

    def of(self, number: int) -> Seal | None:
        """Return the link that names the audit row with that number."""

    def unsealed(self, above: int, up_to: int, size: int) -> Sequence[AuditRow]:
        """Return up to *size* audit rows without a link, by number, above the one number and up to the other."""

    def add(self, seals: Sequence[Seal]) -> bool:
        """
        Return whether the first of *seals* was the first at its position; then all are kept, else none.

        Two concurrent calls with one position never both return True. Nothing is left locked by a caller that dies.
        """


class MomentStore(Protocol):
    """The latest time that any worker has seen."""

    def latest(self) -> int:
        """Return it; 0 when none is kept."""

    def reach(self, at: int) -> int:
        """Keep *at* if it is later than what is kept, and return the later one. It never moves back."""


class MomentBook(Protocol):
    """The latest time seen, to be moved back by an operator."""

    def start_again(self) -> None:
        """Forget it."""


class Tables(Protocol):
    """
    The tables that modules have of their own, asked in SQLAlchemy Core's words.

    What stays the same is asked in one statement: within a change, another's may be true between two of them.
    """

    def rows(self, statement: Any, /, **values: object) -> Sequence[Any]:
        """Return every row that *statement* returns with *values* bound; a write returns what it says it does."""

    def row(self, statement: Any, /, **values: object) -> Any:
        """Return the first row, or None."""


class Migrations(Protocol):
    """The schemas of modules, each a list of steps from the one before it."""

    def migrate(self, module: str, steps: Sequence[Callable[[Any], None]]) -> None:
        """
        Bring the tables of *module* up to its last step, in one transaction, each step once for ever.

        Several processes may start at once: one migrates, the others wait for it.

        Raises:
            MadeByLater: More steps were made here than *steps* has.

        """


class MadeByLater(Exception):
    """The tables were made by a later version of their module."""


class WeakUseStore(Protocol):
    """How often weak forms were used. Written without an event: so many audit rows would drown the rest."""

    def add(self, uses: Sequence[WeakUse]) -> None:
        """
        Add each of *uses* to what is kept of its day, client, contract and form; the later *last* is kept.

        All of them or none; added by many workers at once, none is lost. When the store fell silent they may have
        been added, and who adds them again counts them twice.
        """

    def since(self, day: str, client_id: str = "") -> Sequence[WeakUse]:
        """Return what is kept of *day* and all days after it, of *client_id* or of all clients, oldest first."""


class WeakUseBook(Protocol):
    """How often weak forms were used, to be deleted when it is old."""

    def delete_over(self, before: str, most: int) -> int:
        """Delete up to *most* counts of days before *before*; return how many."""


class Change(Protocol):
    """One transaction over all roles. Whatever is raised inside it undoes all of it."""

    accounts: AccountBook
    companies: CompanyBook
    clients: ClientBook
    sessions: SessionBook
    generations: GenerationBook
    codes: CodeBook
    tries: TryBook
    notices: NoticeBook
    keys: KeyBook
    moments: MomentBook
    weak_uses: WeakUseBook
    feed: FeedBook
    tables: Tables

    def about(self, subject_id: str) -> None:
        """Complete the event of this change: its subject was given that id only inside it."""

    def also(self, event: Event) -> None:
        """Record a further event of the same change."""


class Stores(Protocol):
    """All roles of one engine."""

    @property
    def accounts(self) -> AccountStore: ...
    @property
    def companies(self) -> CompanyStore: ...
    @property
    def clients(self) -> ClientStore: ...
    @property
    def sessions(self) -> SessionStore: ...
    @property
    def traces(self) -> SessionTraces: ...
    @property
    def generations(self) -> GenerationStore: ...
    @property
    def codes(self) -> CodeStore: ...
    @property
    def tries(self) -> TryStore: ...
    @property
    def notices(self) -> NoticeStore: ...
    @property
    def keys(self) -> KeyStore: ...
    @property
    def feed(self) -> Feed: ...
    @property
    def audit(self) -> AuditTrail: ...
    @property
    def seals(self) -> SealStore: ...
    @property
    def moments(self) -> MomentStore: ...
    @property
    def tables(self) -> Tables: ...
    @property
    def migrations(self) -> Migrations: ...
    @property
    def weak_uses(self) -> WeakUseStore: ...

    def change(self, event: Event) -> AbstractContextManager[Change]:
        """
        Return a transaction that records *event* in the audit trail and the change feed.

        After the block everything in it is on stable storage, and whoever `listen`s
        has been told; if the block raises, nothing of it was ever true.
        """

    def is_migrated(self) -> bool:
        """Return whether the tables are those of this version, or of a later one (while nodes are replaced in turn)."""

    def listen(self, hear: Callable[[Sequence[FeedEntry]], None]) -> None:
        """Call *hear* with the feed entries of each change made here, after its commit and before `change` ends."""

    def close(self) -> None: ...
