"""Mint a token: open a session for a user without their password, which only an operator may."""

from dataclasses import dataclass, replace
from typing import ClassVar

from lingpai.operations.open_session import Granted, Opening, session_opened
from lingpai.stores.interfaces import Stores
from lingpai.vocabulary.outcomes import Ends
from lingpai.vocabulary.values import Visitor


@dataclass(frozen=True, slots=True)
class TokenAsked:
    """For whom; and a token that is known already (an import), or empty for a new one."""

    user_id: int
    token: str = ""


@dataclass(frozen=True, slots=True)
class MintToken:
    """Open a session on the visitor's terms, as a sign-in would."""

    ENDS: ClassVar[Ends] = Opening.ENDS
    FROM_MEMORY: ClassVar[bool] = False

    stores: Stores
    opening: Opening

    def __call__(self, visitor: Visitor, asked: TokenAsked) -> Granted:
        session_id = self.opening.new_id()
        event = replace(session_opened(session_id, asked.user_id, visitor), kind="session:minted", actor="operator")
        with self.stores.change(event) as change:
            return self.opening.open(change, session_id, asked.user_id, visitor, token=asked.token)
