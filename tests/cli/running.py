"""The program as it is run: what a command ended with, and a server on a free port."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

import pytest

LINGPAI = (sys.executable, "-m", "lingpai.cli")
START_SECONDS = 30


@dataclass(frozen=True)
class Ran:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        assert self.code == 0, self.err
        return json.loads(self.out)

    def is_refused(self, *words: str) -> bool:
        """Return whether it ended as bad input must: code 2, and one line with *words* that is no traceback."""
        assert self.code == 2, (self.code, self.out, self.err)
        assert self.err.startswith("lingpai: ")
        assert self.err.count("\n") == 1, self.err
        assert "Traceback" not in self.err
        return all(word in self.err for word in words)


@dataclass(frozen=True)
class Demo:
    """A demo of a test's own, and its credentials."""

    data: Path
    made: dict[str, Any]

    def user(self, name: str) -> dict[str, Any]:
        return next(user for user in self.made["users"] if user["username"] == name)

    def client(self, contract: str) -> dict[str, Any]:
        return next(client for client in self.made["clients"] if contract in client["contracts"])


@dataclass(frozen=True)
class Server:
    """A server that answers."""

    base_url: str
    port: int
    process: subprocess.Popen[str]


Lingpai = Callable[..., Ran]


def environment(variables: Mapping[str, str] | None = None) -> dict[str, str]:
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("LINGPAI_", "LC_", "DATABASE_URL"))
    }
    return {**kept, "LANG": "C.UTF-8", **(variables or {})}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def serving(
    data: Path, *options: str, port: int = 0, scheme: str = "http", variables: Mapping[str, str] | None = None
) -> Iterator[Server]:
    """Serve *data* until the block ends."""
    port = port or free_port()
    log = data.parent / f"server-{port}.log"
    with (
        log.open("w") as written,
        subprocess.Popen(
            [*LINGPAI, "serve", "--data", str(data), "--port", str(port), *options],
            env=environment(variables),
            stdin=subprocess.DEVNULL,
            stdout=written,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        ) as process,
    ):
        try:
            await_answer(port, process, log, tls=scheme == "https")
            yield Server(f"{scheme}://127.0.0.1:{port}", port, process)
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)


def await_answer(port: int, process: subprocess.Popen[str], log: Path, *, tls: bool = False) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        if is_listening(port) if tls else is_healthy(port):
            return
        time.sleep(0.05)
    pytest.fail(f"the server does not answer:\n{log.read_text()}")


def is_healthy(port: int) -> bool:
    connection = HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == 200
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


def is_listening(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def workers_of(process: subprocess.Popen[str]) -> list[int]:
    """Return the process ids of a server's workers."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text()
    return [int(pid) for pid in children.split()]
