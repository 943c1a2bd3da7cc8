"""What every operation is."""

from typing import Any, ClassVar, Protocol

from lingpai.vocabulary.outcomes import Ends


class Operation(Protocol):
    """
    One verb. Called with whoever asks (`Visitor`, or `Caller` behind the gate) and a question.

    `FROM_MEMORY` says that it changes nothing and asks no store, so that it may
    run on the event loop. `TITLE` is what people call it, in Chinese and in English.
    """

    TITLE: ClassVar[tuple[str, str]]
    ENDS: ClassVar[Ends]
    FROM_MEMORY: ClassVar[bool]

    def __call__(self, caller: Any, question: Any, /) -> Any: ...
