"""The tokens of one user, as calls that run side by side may read and change them."""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict
from threading import Lock
from typing import Any, ClassVar, Generic, Protocol, TypeVar

from lingpai_client.outcomes import Reason, reason_of
from lingpai_client.storage import Storage


class Tokens(Protocol):
    """What a contract shows for a user; a frozen dataclass whose `repr` holds nothing of it."""

    __dataclass_fields__: ClassVar[dict[str, Any]]

    @property
    def shown(self) -> str:
        """A text that is the same as long as the same credentials are shown."""
        ...

    @property
    def session(self) -> str:
        """A text that is the same throughout one session."""
        ...

    def is_newer_than(self, other: Any) -> bool:
        """Whether these were made after *other*, of the same session; False where that cannot be told."""
        ...


T = TypeVar("T", bound=Tokens)


class Session(Generic[T]):
    """
    The storage is the truth, and is read for each call.

    Every change but a sign-in names the tokens that its caller showed, and does nothing where others stand there by
    now: so a slow call cannot undo what a faster one did.

    Args:
        storage: Where the text is kept.
        read: Makes the tokens from the members that are kept; None where they are none of this contract's.

    """

    def __init__(self, storage: Storage, read: Callable[[Mapping[str, Any]], T | None]) -> None:
        self._storage = storage
        self._read = read
        self._guard = Lock()

    def tokens(self) -> T | None:
        """Return the tokens that the next call shows; None where there is no session."""
        kept = self._kept().get("tokens")
        return self._read(kept) if isinstance(kept, dict) else None

    @property
    def over(self) -> Reason | None:
        """Why there are no tokens any more."""
        return reason_of(self._kept().get("over"))

    @property
    def skew(self) -> float:
        """How many seconds the server's clock was ahead of this machine's when the tokens came."""
        skew = self._kept().get("skew")
        return float(skew) if isinstance(skew, int | float) else 0.0

    def open(self, tokens: T, skew: float) -> None:
        """Keep the tokens of a sign-in."""
        with self._guard:
            self._write(tokens, skew)

    def replace(self, shown: T, tokens: T, skew: float) -> bool:
        """Put *tokens* where *shown* stands, or where older ones of the same session do; return whether that was so."""
        with self._guard:
            standing = self.tokens()
            if standing is None or standing.session != shown.session:
                return False
            if standing.shown != shown.shown and not tokens.is_newer_than(standing):
                return False
            if tokens != standing:
                self._write(tokens, skew)
            return True

    def end(self, shown: T | None, reason: Reason) -> bool:
        """
        Forget the tokens, if they are still those that were *shown*, and keep *reason*.

        Returns False where others stand there by now, with which the call deserves another try.
        """
        with self._guard:
            standing = self.tokens()
            if standing is None:
                return True
            if shown is None or standing.shown != shown.shown:
                return False
            self._storage.write(json.dumps({"over": reason.value}))
            return True

    def _write(self, tokens: T, skew: float) -> None:
        self._storage.write(json.dumps({"tokens": asdict(tokens), "skew": round(skew, 3)}, ensure_ascii=False))

    def _kept(self) -> dict[str, Any]:
        try:
            kept = json.loads(self._storage.read() or "{}")
        except ValueError:
            return {}
        return kept if isinstance(kept, dict) else {}
