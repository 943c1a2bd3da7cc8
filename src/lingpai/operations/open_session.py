"""
Open a session: the part that signing in, registering and minting a token share.

Runs inside the caller's change, so that nothing read before it can have become untrue.
"""

import base64
from dataclasses import dataclass, field
from typing import ClassVar

from lingpai.principals.admission import may_enter
from lingpai.principals.keys import Keyring
from lingpai.stores.interfaces import Change
from lingpai.vocabulary.clock import SECOND, Clock
from lingpai.vocabulary.events import Event
from lingpai.vocabulary.outcomes import Ends, Outcome, Reason, Refused
from lingpai.vocabulary.values import Client, Generation, Randomness, Session, Standing, User, Visitor


@dataclass(frozen=True, slots=True)
class Granted:
    """
    A session was opened.

    Args:
        token: The bearer token, or empty where the contract's tokens are signed.
        pair: Its first pair of tokens, or None where the contract has no pairs.

    """

    standing: Standing
    token: str = field(repr=False)
    pair: Generation | None


@dataclass(frozen=True, slots=True)
class Opening:
    """Opens sessions."""

    ENDS: ClassVar[Ends] = frozenset({Outcome.SIGN_IN_FAILED, Outcome.TOO_MANY_DEVICES})

    keys: Keyring
    clock: Clock
    randomness: Randomness

    def new_id(self) -> str:
        """Return a new session id: 22 characters, 128 random bits."""
        return base64.urlsafe_b64encode(self.randomness(16)).rstrip(b"=").decode()

    def open(self, change: Change, session_id: str, user_id: int, visitor: Visitor, *, token: str = "") -> Granted:
        """
        Open the session *session_id* for the user on the visitor's terms, inside *change*.

        The user is locked, so that no two sign-ins share the last place of a client's limit, and none slips past
        an ending of all their sessions; the client and the memberships are read again in the transaction.

        Args:
            token: A bearer token to use instead of a new one.

        Raises:
            Refused: With SIGN_IN_FAILED when the user may not come in here, else with
                TOO_MANY_DEVICES when the client's limit is reached and it replaces nobody.

        """
        terms, now = visitor.terms, self.clock()
        user, client = change.accounts.lock(user_id), change.clients.by_id(visitor.client.id)
        memberships = change.companies.memberships(user_id)
        member = bool(memberships)
        if user is None or client is None or not may_enter(user, client, terms, member=member, at=now):
            raise Refused(Outcome.SIGN_IN_FAILED, f"user {user_id} may not come in over {terms.contract}")
        company_id = None
        if terms.company_chosen and memberships:
            member_of = [m.company_id for m in memberships]
            company_id = user.company_id if user.company_id in member_of else member_of[0]
        self._make_room(change, user, client, now)
        if terms.mint and not token:
            token = terms.mint(self.randomness, user.id, now // SECOND)
        session = Session(
            id=session_id,
            user_id=user.id,
            client_id=client.id,
            contract=terms.contract,
            client_type=visitor.client_type,
            token_digest=self.keys.digest(token) if token else None,
            company_id=company_id,
            began=now,
            idle_end=terms.idle_end(now, first=True),
            end=now + terms.absolute_seconds * SECOND,
            last_seen=now,
            last_issued=now,
        )
        change.sessions.open(session)
        pair = None
        if terms.pair:
            key = self.keys.current(f"{terms.contract}.pair")
            pair = Generation(session_id, 1, company_id or 0, now // SECOND, key.id)
            change.generations.add(pair)
        return Granted(Standing(session, user, client, memberships), token, pair)

    def _make_room(self, change: Change, user: User, client: Client, now: int) -> None:
        if client.most_sessions is None:
            return
        live = change.sessions.live(user.id, client.id, now)
        surplus = len(live) + 1 - client.most_sessions
        if surplus > 0 and not client.replaces:
            raise Refused(Outcome.TOO_MANY_DEVICES, f"user {user.id} has {len(live)} sessions at {client.id}")
        # Ended in the order of their ids, as all sessions are (see `sql/sessions.py`).
        for oldest in sorted(live[: max(0, surplus)], key=lambda session: session.id):
            if change.sessions.end(oldest.id, Reason.REPLACED, now):
                change.also(Event("session:replaced", "session", oldest.id, f"user:{user.id}"))


def session_opened(session_id: str, user_id: int, visitor: Visitor) -> Event:
    """Return the event of a sign-in. Nobody can remember a session that is new, so the feed is not told."""
    detail: dict[str, str | int | None] = {"user": user_id, "contract": visitor.terms.contract}
    detail |= {"client": visitor.client.id, "client_type": visitor.client_type, "address": visitor.address}
    return Event("session:opened", "session", session_id, f"user:{user_id}", detail, told=False)
