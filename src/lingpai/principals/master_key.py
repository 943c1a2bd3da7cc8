"""
Where the master key comes from, and how its file is replaced.

It has one source: a variable, a file, or a command that prints it. Without any it is the file `master.key` in
the data folder, made at the first start.
"""

import fcntl
import os
import shlex
import signal
import stat
import subprocess
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from lingpai.principals.keys import KeyTrouble
from lingpai.vocabulary.secret import Secret
from lingpai.vocabulary.values import Randomness

VARIABLE = "LINGPAI_MASTER_KEY"
"""The variable that may hold the key itself."""

COMMAND_SECONDS = 10
"""So long a command may take to print the key."""

LONGEST = 4096
"""Bytes of a file or an output that are read: the key has 64, and a line end."""

SIZE = 32

FEWEST = 8
"""So many different bytes at least; 32 random ones have fewer once in 10**40 times."""


@dataclass(frozen=True, slots=True)
class MasterKeySource:
    """
    Where the key comes from, asked anew each time: a file may have been replaced.

    Args:
        file: Where it is kept, unless a variable or a command gives it.
        variable: The key, where a variable gives it.
        command: What prints it, run without a shell.
        environment: Of that command.

    """

    file: Path
    variable: Secret | None = None
    command: str = ""
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def is_file(self) -> bool:
        """Whether we can replace it ourselves."""
        return self.variable is None and not self.command

    def is_there(self) -> bool:
        """Return whether there is something to read, right or not."""
        return not self.is_file or self.file.exists() or self.next_file.exists()

    @property
    def next_file(self) -> Path:
        """Where the next key waits until all rows are sealed under it."""
        return self.file.with_name(f"{self.file.name}.next")

    def __call__(self) -> Sequence[bytes]:
        """
        Return the key; the next one after it, where a rotation is under way or was cut short.

        Raises:
            KeyTrouble: It cannot be read, others can read it, or it is no 32 random bytes in hex.

        """
        if self.variable is not None:
            return (_read(self.variable.reveal(), VARIABLE),)
        if self.command:
            return (_read(_output(self.command, self.environment), "what master_key_command prints"),)
        files = [path for path in (self.file, self.next_file) if path.exists()]
        if not files:
            raise KeyTrouble(f"there is no {self.file}: restore it from your backup of the keys")
        return [read_key_file(path) for path in files]


def choose_source(default: Path, variables: Mapping[str, str], file: str, command: str) -> MasterKeySource:
    """
    Return where the key comes from.

    Args:
        default: The file where nothing else is said.
        file: The setting `master_key_file`, from the folder of *default*.
        command: The setting `master_key_command`.

    Raises:
        KeyTrouble: There are two sources: which is right shows only when it is too late.

    """
    variable = variables.get(VARIABLE, "")
    said = {VARIABLE: variable, "master_key_file": file, "master_key_command": command}
    sources = [name for name, value in said.items() if value]
    if sources and default.exists() and default != default.parent / (file or "-"):
        sources.append(str(default))
    if len(sources) > 1:
        raise KeyTrouble(f"the master key has {len(sources)} sources, {' and '.join(sources)}: leave only one")
    environment = {name: value for name, value in variables.items() if name != VARIABLE}
    path = default.parent / file if file else default
    return MasterKeySource(path, Secret(variable) if variable else None, command, environment)


def read_key_file(path: Path) -> bytes:
    """
    Return the key in the file at *path*.

    Raises:
        KeyTrouble: When it cannot be read, others can read it, or it holds no 32 random bytes in hex.

    """
    try:
        # Of the file that is read, not of whatever has its name a moment before.
        with path.open("rb") as file:
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            text = file.read(LONGEST)
    except OSError as trouble:
        raise KeyTrouble(f"{path} cannot be read: {trouble.strerror}") from None
    if mode & 0o077:
        raise KeyTrouble(f"{path} can be read by others: run chmod 600 {shlex.quote(str(path))}")
    return _read(text.decode("latin-1"), str(path))


def make_key_file(path: Path, randomness: Randomness) -> None:
    """Put a new key into the file at *path*, unless there is one: whole or not at all, however many make it at once."""
    # Written under another name first: whoever comes while it is written, or after a crash, finds no half of it.
    with tempfile.NamedTemporaryFile("w", prefix=f".{path.name}-", dir=path.parent) as file:
        file.write(randomness(SIZE).hex() + "\n")
        file.flush()
        os.fsync(file.fileno())
        # Unlike a rename, this never replaces the key that somebody else has made meanwhile.
        with suppress(FileExistsError):
            os.link(file.name, path)
    _keep_names(path.parent)


@contextmanager
def rotating(source: MasterKeySource) -> Iterator[None]:
    """
    Let nobody else replace the file of *source* meanwhile. A process that dies lets go of it.

    Raises:
        KeyTrouble: Somebody else is at it.

    """
    lock = source.file.with_name(f".{source.file.name}.lock")
    handle = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise KeyTrouble("another rotation of the master key is under way") from None
    finally:
        os.close(handle)


def put_in_force(source: MasterKeySource, stamp: str) -> Path:
    """
    Let the next key's file take the place of the key's, once all rows are sealed under it.

    Return where the key before is kept, which opens backups made before. Done while `rotating` alone; whoever
    comes at any moment finds one of the two files, or both.
    """
    before = source.file.with_name(f"{source.file.name}.until-{stamp}")
    with suppress(FileExistsError, FileNotFoundError):
        os.link(source.file, before)
    source.next_file.replace(source.file)
    _keep_names(source.file.parent)
    return before


def _keep_names(folder: Path) -> None:
    """Put the names in *folder* on stable storage."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _read(text: str, where: str) -> bytes:
    try:
        key = bytes.fromhex(text.strip())
    except ValueError:
        key = b""
    if len(key) != SIZE:
        raise KeyTrouble(f"{where} must be 64 hexadecimal digits: restore the key from your backup of the keys")
    if len(set(key)) < FEWEST:
        raise KeyTrouble(f"{where} is no random key: make one with `openssl rand -hex 32`")
    return key


def _output(command: str, environment: Mapping[str, str]) -> str:
    """Return what *command* prints; what it says of errors could be anything, and is not told."""
    try:
        asked = subprocess.Popen(  # noqa: S603 - what the operator wrote, and nobody else
            shlex.split(command),
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except (OSError, ValueError) as trouble:
        raise KeyTrouble(f"master_key_command cannot be run: {trouble}") from None
    late = threading.Event()

    def stop() -> None:
        late.set()
        _kill(asked.pid)

    timer = threading.Timer(COMMAND_SECONDS, stop)
    timer.start()
    try:
        with asked:
            assert asked.stdout is not None  # noqa: S101 - it is a pipe
            text = asked.stdout.read(LONGEST + 1)
            if len(text) > LONGEST:
                _kill(asked.pid)
        code = asked.wait()
    finally:
        timer.cancel()
    if late.is_set():
        raise KeyTrouble(f"master_key_command gave no key within {COMMAND_SECONDS} seconds")
    if code != 0:
        raise KeyTrouble(f"master_key_command ended with code {code}")
    return text.decode("latin-1")


def _kill(pid: int) -> None:
    # With all that it has started, which may hold the pipe open.
    with suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)
