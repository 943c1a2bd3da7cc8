"""How a business call is declared: a typed function of caller and question, known to no wire."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from lingpai.vocabulary.arguments import NOTHING, Asks
from lingpai.vocabulary.outcomes import Ends, Outcome, Refused
from lingpai.vocabulary.values import Caller, Visitor

Result = Mapping[str, Any] | None
"""What a call answers: members of plain values, or None for nothing."""


@dataclass(frozen=True, slots=True)
class BusinessCall:
    """
    One call.

    Args:
        module: The module's name, such as `notice`.
        name: The call's own, such as `add`.
        run: Answers it. For a signed-in call the caller is a `Caller`.
        asks: Its arguments.
        public: Anyone may call; else a user is needed.
        reads: It changes nothing, so that it may be asked with GET.
        may: Whether this caller may call, asked before *run*; None for everybody.
        ends: Endings of *run*, besides NOT_ALLOWED where *may* is given.

    """

    module: str
    name: str
    run: Callable[[Any, Any], Result]
    asks: Asks = NOTHING
    public: bool = False
    reads: bool = False
    may: Callable[[Caller], bool] | None = None
    ends: Ends = field(default=frozenset())

    FROM_MEMORY = False

    @property
    def ENDS(self) -> Ends:  # noqa: N802 - the name that every operation has
        """Every ending that this call can bring about."""
        return self.ends | ({Outcome.NOT_ALLOWED} if self.may else frozenset())

    def __call__(self, caller: Visitor, question: Any) -> Result:
        """
        Answer the call.

        Raises:
            Refused: With NOT_ALLOWED when *may* says no, else as *run* says.

        """
        if self.may is not None and not (isinstance(caller, Caller) and self.may(caller)):
            raise Refused(Outcome.NOT_ALLOWED)
        return self.run(caller, question)


Module = tuple[BusinessCall, ...]
"""The calls that belong together."""
