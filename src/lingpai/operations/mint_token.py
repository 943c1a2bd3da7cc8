"""Mint a token: open a session for a user without their password, which only an operator may."""

from dataclasses import dataclass, replace
from typing import ClassVar

from lingpai.operations.open_session import Granted, Opening, session_opened
from lingpai.principals.published import PUBLISHED, is_published
from lingpai.stores.interfaces import Stores
from lingpai.vocabulary.outcomes import Ends, Outcome, Refused
from lingpai.vocabulary.values import Visitor


@dataclass(frozen=True, slots=True)
class TokenAsked:
    """For whom; and a token that is known already (an import), or empty for a new one."""

    user_id: int
    token: str = ""


@dataclass(frozen=True, slots=True)
class MintToken:
    """
    Open a session on the visitor's terms, as a sign-in would.

    Args:
        published_too: Also with a token that a document prints, which a transcript needs and nobody else.

    """

    ENDS: ClassVar[Ends] = Opening.ENDS | {Outcome.ARGUMENT_BAD}
    FROM_MEMORY: ClassVar[bool] = False

    stores: Stores
    opening: Opening
    published_too: bool = False

    def __call__(self, visitor: Visitor, asked: TokenAsked) -> Granted:
        """
        Return the session and its token.

        Raises:
            Refused: With ARGUMENT_BAD for a token that a document prints, else as `Opening.open`.

        """
        if is_published(asked.token) and not self.published_too:
            raise Refused(Outcome.ARGUMENT_BAD, "a published token", fields={"token": PUBLISHED})
        session_id = self.opening.new_id()
        event = replace(session_opened(session_id, asked.user_id, visitor), kind="session:minted", actor="operator")
        with self.stores.change(event) as change:
            return self.opening.open(change, session_id, asked.user_id, visitor, token=asked.token)
