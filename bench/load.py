"""Servers to be measured, the load on them, and what it cost them."""

import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")

LUA = """
local lines = {}
wrong, shown = 0, ""
for line in io.lines(os.getenv("BENCH_REQUESTS")) do
  lines[#lines + 1] = line:gsub("\\\\r\\\\n", "\\r\\n")
end
local marker = os.getenv("BENCH_MARKER")
local counters = {}
function setup(thread) counters[#counters + 1] = thread end
function init(args) math.randomseed(os.time()) end
function request() return lines[math.random(#lines)] end
function response(status, headers, body)
  if status ~= 200 or not body:find(marker, 1, true) then wrong = wrong + 1; shown = status .. " " .. body end
end
function done(summary, latency)
  local total = 0
  for _, thread in ipairs(counters) do
    total = total + thread:get("wrong")
    if thread:get("wrong") > 0 then print("WRONG ANSWER " .. thread:get("shown")) end
  end
  print(string.format("RESULT %d %d %d %d %d %d", summary.requests, total, summary.duration,
    latency:percentile(50), latency:percentile(99), summary.errors.timeout + summary.errors.read))
end
"""


@dataclass(frozen=True)
class Measured:
    """What one run cost: CPU microseconds of the server's process tree for each request, and what the load saw."""

    requests: int
    cpu_us: float
    per_second: float
    p50_ms: float
    p99_ms: float


def processes(root: int) -> Iterator[int]:
    """Yield *root* and all its descendants."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            children.setdefault(int(fields[1]), []).append(int(entry.name))
    pending = [root]
    while pending:
        pid = pending.pop()
        yield pid
        pending.extend(children.get(pid, ()))


def cpu_seconds(root: int) -> float:
    """Return the user and system time of the process tree."""
    total = 0
    for pid in processes(root):
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        total += int(fields[11]) + int(fields[12])
    return total / TICKS


@contextmanager
def granian(target: str, *options: str, environment: dict[str, str] | None = None) -> Iterator[tuple[int, int]]:
    """Run an ASGI target under Granian with one worker, and yield its port and process id."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "granian", "--interface", "asgi", "--http", "1", "--no-ws", "--port", str(port)]
    process = subprocess.Popen(
        [*command, "--workers", "1", "--log-level", "warning", *options, target],
        env=os.environ | (environment or {}),
    )
    try:
        _wait(port, process)
        yield port, process.pid
    finally:
        process.terminate()
        process.wait(20)


def _wait(port: int, process: "subprocess.Popen[bytes]") -> None:
    for _ in range(300):
        if process.poll() is not None:
            raise SystemExit("a server that should be measured did not start")
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5):
                return
        except OSError:
            time.sleep(0.1)
    raise SystemExit("a server that should be measured does not answer")


def load(port: int, pid: int, requests: Sequence[str], marker: str, *, seconds: int) -> Measured:
    """
    Send *requests*, picked at random, over 16 kept connections, and say what they cost the process *pid*.

    Args:
        requests: Whole requests, each on one line with its line ends written out.
        marker: What every right answer contains.

    """
    if not shutil.which("wrk"):
        raise SystemExit("the load is made by wrk: install Debian's package wrk")
    with tempfile.TemporaryDirectory() as folder:
        lines = Path(folder, "requests")
        lines.write_text("\n".join(requests) + "\n", encoding="utf-8")
        script = Path(folder, "load.lua")
        script.write_text(LUA)
        before = cpu_seconds(pid)
        ran = subprocess.run(
            ["wrk", "-t", "1", "-c", "16", "-d", str(seconds), "-s", str(script), f"http://127.0.0.1:{port}/"],
            env=os.environ | {"BENCH_REQUESTS": str(lines), "BENCH_MARKER": marker},
            capture_output=True,
            text=True,
            check=False,
        )
        spent = cpu_seconds(pid) - before
    out = ran.stdout + ran.stderr
    found = re.search(r"RESULT (\d+) (\d+) (\d+) (\d+) (\d+) (\d+)", out)
    if not found:
        raise SystemExit(f"wrk did not say what it did:\n{out}")
    count, wrong, micros, p50, p99, errors = map(int, found.groups())
    if wrong or errors:
        raise SystemExit(f"{wrong} wrong answers and {errors} errors under load:\n{out}")
    return Measured(count, spent / count * 1e6, count / micros * 1e6, p50 / 1000, p99 / 1000)


def line(method: str, target: str, headers: dict[str, str], body: str = "") -> str:
    """Return one request on one line."""
    head = {"Host": "127.0.0.1", "User-Agent": "bench", "Accept": "*/*", **headers}
    if body:
        head["Content-Length"] = str(len(body.encode()))
    parts = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in head.items()), "", body]
    return "\\r\\n".join(parts)
