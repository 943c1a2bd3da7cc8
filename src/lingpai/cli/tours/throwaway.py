"""A house for one tour: a demo in a temporary folder, served on a free port, and gone when the tour is over."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from lingpai.cli.demo import Made, make_demo
from lingpai.cli.opening import OPERATOR, opened
from lingpai.cli.printing import Trouble
from lingpai.composition import SETTINGS
from lingpai.operations.end_sessions import EndSessions
from lingpai.principals.names import name_key
from lingpai.vocabulary.settings import DATABASE_URL, PREFIX, REDIS_URL

START_SECONDS = 30
"""So long the server may take to answer."""

KEPT = ("LINGPAI_CONTRACT_FILES", "LINGPAI_MODULE_FILES")
"""Variables of ours that hold in the throw-away house too; any other could lead to somebody's data."""


@dataclass(frozen=True, slots=True)
class Throwaway:
    """A served demo."""

    base_url: str
    data: Path
    made: Made

    def end_sessions(self, username: str) -> str:
        """End the user's sessions as an operator does, and return what one would type."""
        with opened(self.data) as house:
            user = house.stores.accounts.named(name_key(username))
            assert user is not None  # noqa: S101 - a user of the demo
            EndSessions(house.stores, house.clock)(OPERATOR, user.id)
        return f"lingpai session end --user {username}"


@contextmanager
def throwaway(settings: str) -> Iterator[Throwaway]:
    """
    Return a demo that is set to *settings* (TOML), served until the block ends; nothing else is touched.

    Raises:
        Trouble: The server does not start.

    """
    folder = Path(tempfile.mkdtemp(prefix="lingpai-try-"))
    try:
        with _only_ours():
            data = folder / "data"
            data.mkdir(mode=0o700)
            (data / SETTINGS).write_text(settings, encoding="utf-8")
            port = _free_port()
            made = make_demo(data, f"http://127.0.0.1:{port}")
            with _served(data, port, folder / "server.log"):
                yield Throwaway(made.base_url, data, made)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _only_ours() -> Iterator[None]:
    """Let nothing of the environment lead to another house meanwhile."""
    before = dict(os.environ)
    for name in before:
        if (name.startswith(PREFIX) and name not in KEPT) or name in (DATABASE_URL, REDIS_URL):
            del os.environ[name]
    try:
        yield
    finally:
        os.environ.update(before)


@contextmanager
def _served(data: Path, port: int, log: Path) -> Iterator[None]:
    words = ["serve", "--data", str(data), "--port", str(port), "--workers", "1"]
    with (
        log.open("w") as written,
        subprocess.Popen(  # noqa: S603 - this very program
            [sys.executable, "-m", "lingpai.cli", *words],
            stdin=subprocess.DEVNULL,
            stdout=written,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        ) as process,
    ):
        try:
            _await(port, process, log)
            yield
        finally:
            process.terminate()
            try:
                process.wait(START_SECONDS)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)


def _await(port: int, process: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        if _answers(port):
            return
        time.sleep(0.05)
    said = " ".join(log.read_text(encoding="utf-8", errors="replace").split())[-300:]
    raise Trouble(f"演示服务没有启动：{said}", f"the server of the tour does not start: {said}")


def _answers(port: int) -> bool:
    connection = HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200  # noqa: PLR2004 - OK
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
