"""The server's clock, as far as its answers tell it."""

from collections.abc import Callable

MATTERS_SECONDS = 60


class ServerClock:
    """
    This machine's clock, put right by what the server says.

    Args:
        local: This machine's clock, in seconds since 1970.

    """

    def __init__(self, local: Callable[[], float]) -> None:
        self.local = local
        self.skew = 0.0
        self.known = False

    def now(self) -> float:
        """Return the server's time in seconds since 1970."""
        return self.local() + self.skew

    def learn(self, told: float, begun: float) -> bool:
        """
        Learn that it was *told* at the server while a call went there and back that had *begun* here.

        Returns whether this moves the clock so far that a call refused for its time may fare better now.
        """
        before = self.skew
        self.skew = told - (begun + self.local()) / 2
        self.known = True
        return abs(self.skew - before) > MATTERS_SECONDS
