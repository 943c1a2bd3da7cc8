"""Where a session is kept between calls: in memory, in a file, or where you say."""

import os
import tempfile
from pathlib import Path
from typing import Protocol


class Storage(Protocol):
    """
    Keeps one text, in which tokens stand in the clear.

    Asked before each call, on the event loop too: be quick. Two programs may share one; a renewal by both
    is one renewal for the server, as long as its grace lasts.
    """

    def read(self) -> str | None:
        """Return what was written last; None where nothing was."""
        ...

    def write(self, text: str) -> None:
        """Keep *text* instead. Whoever reads meanwhile sees the old one or the new one, whole."""
        ...


class MemoryStorage:
    """Forgets with the program."""

    def __init__(self) -> None:
        self._text: str | None = None

    def read(self) -> str | None:
        return self._text

    def write(self, text: str) -> None:
        self._text = text


class FileStorage:
    """
    Keeps the session in a file that only its owner may read (0600).

    Raises:
        PermissionError: Others may read or write the file that is there. `chmod 600` it, or name another.

    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)

    def read(self) -> str | None:
        try:
            with self.path.open(encoding="utf-8") as kept:
                if os.name == "posix" and os.fstat(kept.fileno()).st_mode & 0o077:
                    raise PermissionError(f"{self.path} holds a session, and others may read it: chmod 600 it")
                return kept.read()
        except FileNotFoundError:
            return None

    def write(self, text: str) -> None:
        # mkstemp makes it 0600; a rename is whole or not at all.
        descriptor, name = tempfile.mkstemp(prefix=f".{self.path.name}-", dir=self.path.parent)
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as written:
                written.write(text)
            Path(name).replace(self.path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
