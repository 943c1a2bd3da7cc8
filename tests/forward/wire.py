"""A service that records what reaches it, bytes over a socket that no client would send, and proxies that are run."""

import contextlib
import itertools
import json
import os
import re
import socket
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

DOCS = Path(__file__).parents[2] / "docs"

MARK = "x-mark"
"""A header by which a test finds its own request among those that were recorded."""

_marks = itertools.count(1)


@dataclass(frozen=True)
class Seen:
    """One request as it reached the service."""

    line: str
    headers: list[tuple[str, str]]
    body: bytes

    def values(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key.lower() == name.lower()]


@dataclass
class Echo:
    """A service that answers whatever it is asked, and records it."""

    port: int = 0
    seen: dict[str, Seen] = field(default_factory=dict)
    requests: int = 0


@contextlib.contextmanager
def echoing() -> Iterator[Echo]:
    """Run an echo service until the block ends."""
    echo = Echo()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            body = self._body()
            headers = [(name, value) for name, value in self.headers.items()]
            echo.requests += 1
            echo.seen[self.headers.get(MARK, "")] = Seen(self.requestline, headers, body)
            page = json.dumps({"echo": self.requestline}).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(page)))
            self.send_header("X-Lingpai-Status", "299")
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(page)

        def _body(self) -> bytes:
            if "chunked" in self.headers.get("Transfer-Encoding", ""):
                parts = []
                while size := int(self.rfile.readline(), 16):
                    parts.append(self.rfile.read(size))
                    self.rfile.readline()
                self.rfile.readline()
                return b"".join(parts)
            return self.rfile.read(int(self.headers.get("Content-Length", "0")))

        def __getattr__(self, name: str) -> Any:
            if name.startswith("do_"):
                return self.answer
            raise AttributeError(name)

        def log_message(self, *_: object) -> None:
            pass

    with listening(Handler) as port:
        echo.port = port
        yield echo


@contextlib.contextmanager
def listening(handler: type[BaseHTTPRequestHandler]) -> Iterator[int]:
    """Serve *handler* on a port of its own until the block ends."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 128

        def handle_error(self, *_: object) -> None:
            pass

    server = Server(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield int(server.server_address[1])
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def mark() -> str:
    return f"m{next(_marks)}"


@dataclass(frozen=True)
class Heard:
    """What a client heard."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def ask(
    port: int,
    target: str | bytes = "/",
    *lines: str | bytes,
    method: str = "GET",
    body: bytes = b"",
    host: str = "shop.example.com",
    seconds: float = 5,
) -> Heard:
    """Send one request as it is written here, without putting anything straight, and return what is answered."""
    raw = target if isinstance(target, bytes) else target.encode("utf-8")
    head = [method.encode() + b" " + raw + b" HTTP/1.1", b"Host: " + host.encode(), b"Connection: close"]
    head += [line if isinstance(line, bytes) else line.encode() for line in lines]
    if body or method == "POST":
        head.append(b"Content-Length: %d" % len(body))
    with socket.create_connection(("127.0.0.1", port), timeout=seconds) as connection:
        connection.sendall(b"\r\n".join(head) + b"\r\n\r\n" + body)
        answer = b""
        while not _is_whole(answer, method) and (part := connection.recv(65536)):
            answer += part
    return read_answer(answer)


def _is_whole(answer: bytes, method: str) -> bool:
    """Return whether nothing more will come, though the connection may stay open a while."""
    head, end, body = answer.partition(b"\r\n\r\n")
    length = re.search(rb"\r\ncontent-length: *([0-9]+)", head, re.IGNORECASE)
    if not end or (length is None and b" 204 " not in head[:20]):
        return False
    return method == "HEAD" or length is None or len(body) >= int(length[1])


def read_answer(answer: bytes) -> Heard:
    if not answer:
        return Heard(0, {}, b"")
    head, _, body = answer.partition(b"\r\n\r\n")
    first, *rest = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in rest)}
    if headers.get("transfer-encoding") == "chunked":
        whole, left = b"", body
        while left:
            size, _, left = left.partition(b"\r\n")
            length = int(size, 16)
            whole, left = whole + left[:length], left[length + 2 :]
        body = whole
    return Heard(int(first.split(" ")[1]), headers, body)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def printed(page: str, language: str, number: int = 0) -> str:
    """Return a block of code as a page of the docs prints it."""
    text = (DOCS / "forward-auth" / page).read_text(encoding="utf-8")
    blocks = re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)
    return str(blocks[number])


def replaced(text: str, changes: Mapping[str, object]) -> str:
    """Return *text* with each of *changes* made; one that changes nothing is a mistake of the test."""
    for old, new in changes.items():
        assert old in text, f"the page does not say {old}"
        text = text.replace(old, str(new))
    return text


@contextlib.contextmanager
def started(command: list[str], port: int, folder: Path, **environment: str) -> Iterator[int]:
    """Run a proxy until the block ends; its port is listened at from the beginning."""
    log = folder / "proxy.log"
    variables = {**os.environ, **environment}
    with (
        log.open("wb") as written,
        subprocess.Popen(command, cwd=folder, stdout=written, stderr=written, env=variables) as process,
    ):
        try:
            deadline = time.monotonic() + 30
            while True:
                with contextlib.suppress(OSError):
                    socket.create_connection(("127.0.0.1", port), timeout=1).close()
                    break
                if time.monotonic() > deadline or process.poll() is not None:
                    pytest.fail(f"{command[0]} does not listen:\n{log.read_text(errors='replace')}")
                time.sleep(0.05)
            yield port
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
