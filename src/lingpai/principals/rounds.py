"""What a worker does by itself, again and again, beside its calls."""

import logging
import threading
from collections.abc import Callable

from lingpai.vocabulary.outcomes import Refused


class Rounds:
    """
    Work done again and again on a thread of its own, whatever fails.

    Args:
        name: What the thread is called.
        work: Does one round, and returns in how many seconds the next begins; None for *seconds*.
        seconds: Until the first round, and after one that failed.
        failing: What the log says of a round that failed.
        log: Where.

    """

    def __init__(
        self, name: str, work: Callable[[], float | None], seconds: float, failing: str, log: logging.Logger
    ) -> None:
        self._work = work
        self._seconds = seconds
        self._failing = failing
        self._log = log
        self._wakened = threading.Event()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begin the first round in a while."""
        self._thread.start()

    def wake(self) -> None:
        """Begin the next round now."""
        self._wakened.set()

    def stop(self) -> bool:
        """End the thread once its round is done, and return whether there was one: what goes on after it may be due."""
        self._stopped.set()
        self._wakened.set()
        if not self._thread.is_alive():
            return False
        self._thread.join()
        return True

    def is_stopped(self, within: float = 0) -> bool:
        """Return whether `stop` was called, or is *within* so many seconds."""
        return self._stopped.wait(within)

    def attempt(self, work: Callable[[], float | None] | None = None) -> float | None:
        """
        Do *work*, unless said that of each round, and return what it returns.

        None where it fails, which is logged: a store's refusal without a traceback.
        """
        try:
            return (work or self._work)()
        except Refused as refusal:
            self._log.warning("%s: %s", self._failing, refusal)
        except Exception:  # noqa: BLE001 - a fault of ours ends no thread
            self._log.exception(self._failing)
        return None

    def _run(self) -> None:
        pause: float | None = None
        while True:
            self._wakened.wait(self._seconds if pause is None else pause)
            self._wakened.clear()
            if self._stopped.is_set():
                return
            pause = self.attempt()
