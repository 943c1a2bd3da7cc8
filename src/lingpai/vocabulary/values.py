"""
Frozen values that travel between layers. Those that are made anew for each call are structs, which are made fastest.

Times are milliseconds since 1970, and say so in their names only where seconds
could be meant. An id is what the database gave; 0 means not stored yet.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from msgspec import Struct

from lingpai.vocabulary.clock import SECOND
from lingpai.vocabulary.outcomes import Reason
from lingpai.vocabulary.policies import FREE, Policies
from lingpai.vocabulary.secret import Secret

Randomness = Callable[[int], bytes]
"""So many unpredictable bytes."""

Mint = Callable[[Randomness, int, int], str]
"""A new bearer token, from randomness, the user's id and the time in seconds since 1970."""


class Sex(StrEnum):
    """As the documents write it (zhiyun 6.2)."""

    MALE = "1"
    FEMALE = "2"
    UNTOLD = "3"


@dataclass(frozen=True, slots=True)
class User:
    """
    One person's account.

    Args:
        name: As its owner writes it; `name_key` (see `principals.names`) is what is unique.
        password: An encoded hash (argon2id), never the password; empty for nobody can sign in.
        phone: As `principals.addresses` spells it; a proved one is nobody else's.
        email: As `principals.addresses` spells it; a proved one is nobody else's, and as good as a name.
        company_id: The company that the user works in now, or None.
        avatar: A URL, or empty where none was chosen.
        name_skeleton: What the name looks like (`vocabulary.lookalikes`), which is unique as well; None
            where another had it before looks were compared.

    """

    id: int
    name: str
    name_key: str
    password: str = field(repr=False)
    enabled: bool = True
    truename: str = ""
    nickname: str = ""
    sex: Sex = Sex.UNTOLD
    phone: str = ""
    phone_verified: bool = False
    email: str = ""
    email_verified: bool = False
    avatar: str = ""
    status: str = ""
    role: str = ""
    company_id: int | None = None
    created: int = 0
    name_skeleton: str | None = None


@dataclass(frozen=True, slots=True)
class Company:
    """A company, with the columns that zhiyun 6.3 tells of; text is empty where not known."""

    id: int
    name: str
    type: str = "1"
    tax_number: str = ""
    province: str = ""
    city: str = ""
    zone: str = ""
    address: str = ""
    disable: str = ""
    tel_phone: str = ""
    legal_person_phone: str = ""
    legal_person_name: str = ""
    created: int = 0


@dataclass(frozen=True, slots=True)
class Membership:
    """That a user belongs to a company, named as it is named now."""

    company_id: int
    company_name: str
    is_admin: bool = False


@dataclass(frozen=True, slots=True)
class Member:
    """A user who belongs to a company."""

    user: User
    is_admin: bool = False


class ClientSecret(Struct, frozen=True):
    """One secret of a client as it is kept; *end* is when it stops being good, None where nobody has said."""

    digest: bytes
    sealed: bytes
    end: int | None = None


@dataclass(frozen=True, slots=True)
class Client:
    """
    An app that may call.

    Args:
        id: What the app calls itself on the wire; ours have ten digits, a
            built-in one is `<contract>:<client type>`.
        secret_digest: Keyed digest of the secret, or empty where the client has none.
        secret_sealed: The secret, encrypted, for contracts that must read it back (twokeys).
        secret_made: When the secret was given out; 0 where nobody wrote that down.
        old_digest: As `secret_digest`, of the secret before, which is good until *old_end*.
        old_sealed: As `secret_sealed`, of the same.
        old_end: From then on the secret before is none any more; None where there is none.
        contracts: The contracts that it may speak.
        scope: Scope aliases, blank-separated (`basic full`).
        desktop: May sign users in over zhiyun's `authService/login`.
        language: "zh", "en", or empty for what the request asks for.
        most_sessions: How many live sessions a user may have here; None for any number.
        replaces: At that number, the newest replaces the oldest; else it is refused.
        refresh_reuse: What a refresh token shown after its grace means: "revoke", "refuse", "allow".
        policies: What was said about its contracts, weak forms, addresses and routes.

    """

    id: str
    name: str
    enabled: bool = True
    secret_digest: bytes = b""
    secret_sealed: bytes = b""
    secret_made: int = 0
    old_digest: bytes = b""
    old_sealed: bytes = b""
    old_end: int | None = None
    contracts: frozenset[str] = frozenset()
    scope: str = ""
    desktop: bool = False
    language: str = ""
    most_sessions: int | None = None
    replaces: bool = True
    refresh_reuse: str = "revoke"
    policies: Policies = FREE
    created: int = 0

    def speaks(self, contract: str, at: int) -> bool:
        """Return whether it may speak *contract* *at* that moment."""
        return contract in self.contracts and (self.policies is FREE or self.policies.may_speak(contract, at))

    def secrets(self, now: int) -> tuple[ClientSecret, ...]:
        """Return the secrets that are good at *now*, the newest first; none where the client has none."""
        if not self.secret_digest and not self.secret_sealed:
            return ()
        newest = ClientSecret(self.secret_digest, self.secret_sealed)
        if self.old_end is None or now >= self.old_end:
            return (newest,)
        return newest, ClientSecret(self.old_digest, self.old_sealed, self.old_end)


class Session(Struct, frozen=True, gc=False):
    """
    One sign-in of one user on one device, whichever contract it came through.

    Args:
        id: 22 characters, random; a JWT names it as `sid`.
        token_digest: Keyed digest of the bearer token, None where the token is a signed one.
        company_id: The company that was chosen for this session, where the contract has such.
        idle_end: Not used until then, it is over; None where idleness does not count.
        end: Over at this time, whatever happens.
        ended: When it was ended before its time, or None.
        last_issued: The last `resTimestamp` given to it (mowork under `latest`), 0 for none.

    """

    id: str
    user_id: int
    client_id: str
    contract: str
    client_type: str
    token_digest: bytes | None
    company_id: int | None
    began: int
    idle_end: int | None
    end: int
    last_seen: int
    last_issued: int = 0
    ended: int | None = None
    end_reason: Reason | None = None


@dataclass(frozen=True, slots=True)
class SessionsWanted:
    """
    Which sessions are looked for; what is empty or None is not asked.

    Args:
        live_at: Only those that are not over at that moment.

    """

    user_id: int | None = None
    contract: str = ""
    client_id: str = ""
    live_at: int | None = None


class Standing(Struct, frozen=True, gc=False):
    """
    Everything that admission and a read of oneself ask about one session, read at one moment.

    This is what a worker remembers; a change to any part of it is told by the change feed.
    """

    session: Session
    user: User
    client: Client
    memberships: tuple[Membership, ...]

    def membership(self, company_id: int | None) -> Membership | None:
        """Return the membership in that company, or None where there is none."""
        for membership in self.memberships:
            if membership.company_id == company_id:
                return membership
        return None


@dataclass(frozen=True, slots=True)
class Generation:
    """
    One pair of refreshable tokens of a session.

    A pair is signed again from these values, byte for byte, so no token is kept.

    Args:
        number: From 1, growing by one.
        company_id: The company that the pair speaks for; 0 for none.
        issued: Seconds since 1970 (a JWT's `iat`).
        key_id: The working key that signed it.
        exchanged: When its refresh token was first exchanged (milliseconds), or None.
        set_aside: Replaced by a further change of company: refused, but no theft.

    """

    session_id: str
    number: int
    company_id: int
    issued: int
    key_id: int
    exchanged: int | None = None
    set_aside: bool = False


@dataclass(frozen=True, slots=True)
class AuthCode:
    """
    Leave for a client to ask about a user for a few seconds (zhiyun 6.1).

    Args:
        digest: Keyed digest of the code.
        scope: The methods that it opens.
        company_id: The company that was current when the code was made.
        end: Still good at this second, no longer after it (milliseconds).

    """

    digest: bytes
    client_id: str
    user_id: int
    session_id: str
    scope: frozenset[str]
    company_id: int | None
    end: int


@dataclass(frozen=True, slots=True)
class Tries:
    """
    Tries of the password of one name, from one network, since the last that was right. Times are milliseconds.

    Args:
        digest: Keyed digest of the name; whether anybody is called so does not matter.
        network: Where they came from (`principals.networks`); empty for all networks together.
        count: How many.
        next: When another may be made.
        latest: When the latest was made.
        known: Until when the network counts as one that the name's owner signs in from; 0 for not at all.
        end: Until when this is kept.

    """

    digest: bytes
    network: str
    count: int
    next: int
    latest: int
    known: int
    end: int


@dataclass(frozen=True, slots=True)
class Pace:
    """
    How tries may follow each other.

    Args:
        waits: Milliseconds to wait after the first try, the second, and so on; the last counts for all that follow.
        forgotten: After so many milliseconds without a try they are counted from one again.

    """

    waits: tuple[int, ...]
    forgotten: int


@dataclass(frozen=True, slots=True)
class Notice:
    """A message that is shown to everybody."""

    id: int
    title: str
    content: str
    author_id: int
    created: int


@dataclass(frozen=True, slots=True)
class WorkingKey:
    """
    A key in use, encrypted under the master key.

    Args:
        purpose: What it is for, such as `pepper`, `data`, `oppmg.pair`.
        sealed: The key's bytes, encrypted (see `principals.keys`).
        begins: Nothing is made with it before.
        ends: It may be dropped then; None while it is in use, or somebody has yet to see what rests on it.

    """

    id: int
    purpose: str
    sealed: bytes
    created: int
    begins: int = 0
    ends: int | None = None


@dataclass(frozen=True, slots=True)
class PairTerms:
    """
    How long the two tokens of a pair live, in seconds, and how a refresh may be repeated.

    Args:
        leeway: A token is accepted for so long after the moment that its holder was told (oppmg: 2).
        grace: A refresh token that was exchanged still gives the newest pair for so long.

    """

    access: int
    refresh: int
    leeway: int
    grace: int


@dataclass(frozen=True, slots=True)
class CodeTerms:
    """
    How long an auth code lives, in seconds, and what each scope alias of a client opens.

    Args:
        scopes: Alias to the calls that it opens, as the house names calls.

    """

    seconds: int
    scopes: Mapping[str, frozenset[str]]

    def opened(self, scope: str) -> frozenset[str]:
        """Return every call that a client's *scope* opens; an alias that is not listed opens nothing."""
        return frozenset().union(*(self.scopes.get(alias, frozenset()) for alias in scope.split()))


@dataclass(frozen=True, slots=True)
class Terms:
    """
    On what terms a contract takes sessions in; each is one of its settings.

    Args:
        idle_seconds: Over when unused for so long; None where idleness does not count.
        absolute_seconds: Over after so long, whatever happens.
        entrance: Who may sign in: "anyone", "members" (of some company), or "role:<name>".
        registration: "open", "invite" or "closed".
        invitation: What an invited guest must show; empty for nothing will do.
        phone_names: A verified phone number is as good as a name.
        company_chosen: A session speaks for one company, chosen at sign-in and switched later.
        mint: Makes a bearer token; None where the contract's tokens are signed values.
        pair: Sessions have refreshable pairs on these terms, or None.
        code: Clients are given auth codes on these terms, or None.

    """

    contract: str
    idle_seconds: int | None
    absolute_seconds: int
    entrance: str = "anyone"
    registration: str = "closed"
    invitation: Secret | None = None
    phone_names: bool = False
    company_chosen: bool = False
    mint: Mint | None = None
    pair: PairTerms | None = None
    code: CodeTerms | None = None
    interval: int = field(init=False)
    """How often at most last-seen and sliding expiry are written, in milliseconds (design.md, section 6)."""

    def __post_init__(self) -> None:
        lifetime = self.idle_seconds or self.absolute_seconds
        object.__setattr__(self, "interval", min(60_000, lifetime * SECOND // 10))

    def idle_end(self, now: int, *, first: bool = False) -> int | None:
        """Return until when a session used at *now* may idle: an interval longer, except at its *first* use."""
        if self.idle_seconds is None:
            return None
        return now + self.idle_seconds * SECOND + (0 if first else self.interval)


class Sighting(Struct, frozen=True):
    """
    That a session was used.

    Args:
        idle_end: Until when it may idle now; None where idleness does not count.
        is_urgent: To be written at once, not with the next batch.

    """

    session_id: str
    seen: int
    idle_end: int | None
    is_urgent: bool = False


class Visitor(Struct, frozen=True, kw_only=True):
    """
    Who calls, before anybody has proved to be a user.

    Args:
        client_type: pc, h5, ios … where the contract names one.
        language: "zh" or "en": in which the caller is answered.

    """

    terms: Terms
    client: Client
    client_type: str = "unknown"
    address: str = ""
    language: str = "zh"


class Caller(Visitor, frozen=True, kw_only=True):
    """
    A user who has passed the gate.

    Args:
        company_id: The company that this call speaks for, or None.
        generation: Which pair of the session was shown, where the contract has pairs.

    """

    standing: Standing
    company_id: int | None = None
    generation: int = 0

    @property
    def user(self) -> User:
        """The user who calls."""
        return self.standing.user

    @property
    def session(self) -> Session:
        """The session that the call belongs to."""
        return self.standing.session

    @property
    def actor(self) -> str:
        """The caller as an audit row names it."""
        return f"user:{self.user.id}"
