"""One at a time, among threads and among tasks."""

import asyncio
from collections import deque
from concurrent.futures import Future
from threading import Lock


class Turns:
    """
    A lock that threads and the tasks of any asyncio loop wait for in one line.

    Whoever takes a turn is told whether it is theirs. It is not where the one before was lost on the way: then
    all who wait are let go at once, so that a silent server does not cost them its time limit one after another.
    """

    def __init__(self) -> None:
        self._guard = Lock()
        self._taken = False
        self._line: deque[Future[bool]] = deque()

    def take(self) -> bool:
        """Wait, and return whether the turn is the caller's, who then has to `leave`."""
        place = self._place()
        if place is None:
            return True
        try:
            return place.result()
        except BaseException:
            self._give_up(place)
            raise

    async def take_soon(self) -> bool:
        """`take`, for a task."""
        place = self._place()
        if place is None:
            return True
        try:
            return await asyncio.wrap_future(place)
        except BaseException:
            self._give_up(place)
            raise

    def leave(self, *, lost: bool = False) -> None:
        """Let the next one go on; where the turn was *lost*, all of them, without a turn."""
        with self._guard:
            line = self._line
            if lost:
                self._line = deque()
            while line:
                place = line.popleft()
                if not place.set_running_or_notify_cancel():
                    continue
                place.set_result(not lost)
                if not lost:
                    return
            self._taken = False

    def _place(self) -> Future[bool] | None:
        with self._guard:
            if not self._taken:
                self._taken = True
                return None
            place: Future[bool] = Future()
            self._line.append(place)
            return place

    def _give_up(self, place: Future[bool]) -> None:
        """Stop waiting; a turn that came at this very moment goes to the next."""
        if not place.cancel() and place.result():
            self.leave()
