"""Say until when the caller's session lasts: what a service that was handed a token asks."""

from dataclasses import dataclass
from typing import ClassVar

from lingpai.vocabulary.outcomes import Ends
from lingpai.vocabulary.values import Caller, Session


@dataclass(frozen=True, slots=True)
class CheckToken:
    """Return the session that the call came with: admission has judged it already."""

    TITLE: ClassVar[tuple[str, str]] = ("校验令牌", "Check a token")
    ENDS: ClassVar[Ends] = frozenset()
    FROM_MEMORY: ClassVar[bool] = True

    def __call__(self, caller: Caller, _question: None) -> Session:
        return caller.session
