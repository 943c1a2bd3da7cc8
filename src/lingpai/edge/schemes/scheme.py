"""What every scheme can do."""

from typing import Protocol

from lingpai.edge.call import Call, Members
from lingpai.edge.describing import Schema
from lingpai.vocabulary.values import Standing


class Scheme(Protocol):
    """What a token looks like in one house."""

    def read(self, token: str, call: Call) -> Members:
        """
        Return what *token* claims, verified as far as that goes without a store.

        Raises:
            Refused: With CREDENTIALS_BAD, when it is no token of this scheme, or was not made here.

        """

    def schema(self) -> Schema:
        """Return what a token looks like."""

    def find(self, call: Call) -> Standing | None:
        """Return the session that the call's claims name, or None."""
