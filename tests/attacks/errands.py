"""
What an operator types, a guarded service asks and a transcript plays beside a server, and what of it is left behind.

Commands run in this process, by the function that the program itself calls: there are a thousand, and each process
would take a second or three.
"""

import io
import json
import logging
import os
import re
import shlex
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from http.client import HTTPResponse
from pathlib import Path
from unittest.mock import patch

from lingpai.app import App
from lingpai.bridges.guard import Guard
from lingpai.bridges.node import Node
from lingpai.cli import main
from lingpai.cli.reference import leaves
from lingpai.composition import open_house
from tests.attacks.hunting import Known
from tests.attacks.tour import SERVICE, Proofs, Tour
from tests.cli.running import LINGPAI
from tests.conformance.stage import Stage
from tests.conformance.transcripts import play
from tests.forward.test_guard import Visit

SHOWN = re.compile(
    r'(?:"(?:password|client_secret|access_token|asking_token|identity_key)": "|(?:client_secret|asking_token|'
    r'identity_key) +|shown this once: )(\S+?)(?:"|\s|$)|^([a-z0-9]{32,})$',
    re.MULTILINE,
)
"""How a command shows a secret: a member of JSON, or words for people; a minted token stands alone on its line."""

NAMING = frozenset({"company add", "contract new", "module new", "user add"})
"""Commands whose only word is what something new is called, and will be printed and kept."""


class Operator:
    """
    Somebody at the terminal.

    Args:
        known: Learns what a command shows, which may stand in that one output.
        data: The house that is worked on.
        variables: The environment.

    """

    def __init__(self, known: Known, data: Path, variables: Mapping[str, str]) -> None:
        self.known = known
        self.data = data
        self.variables = {**variables, "LINGPAI_DATA": str(data)}
        self.printed: dict[str, bytes] = {}
        self.typed: set[str] = set()
        self.codes: dict[str, set[object]] = {}

    def types(
        self, words: str | Sequence[str], given: str = "", *, shows: bool = False, data: Path | None = None
    ) -> str:
        """Return what the command printed; where it *shows* secrets, each is known and may be there alone."""
        line = shlex.split(words) if isinstance(words, str) else [*words]
        name = next((" ".join(line[:size]) for size in (2, 1) if " ".join(line[:size]) in leaves()), "")
        out, err, typed = io.StringIO(), io.StringIO(), io.TextIOWrapper(io.BytesIO(given.encode()))
        variables = self.variables | ({"LINGPAI_DATA": str(data)} if data else {})
        code: object = 0
        with (
            patch.dict(os.environ, variables, clear=True),
            patch.multiple(sys, stdin=typed, argv=["lingpai", *line]),
            redirect_stdout(out),
            redirect_stderr(err),
        ):
            try:
                main(line)
            except SystemExit as ended:
                code = ended.code
            except Exception:  # noqa: BLE001 - whatever it is, the interpreter would tell of it
                code = 1
                traceback.print_exc()
        place = f"lingpai {name} {len(self.printed)}"
        self.printed[place] = (out.getvalue() + "\n" + err.getvalue()).encode()
        self.typed.add(name)
        self.codes.setdefault(name, set()).add(code)
        if shows:
            self._learn(place, out.getvalue())
        return out.getvalue()

    def runs(self, words: str, given: str) -> None:
        """Run the command as a process of its own, whose interpreter tells of what nobody foresaw."""
        ran = subprocess.run(
            [*LINGPAI, *shlex.split(words)], input=given.encode(), env=self.variables, capture_output=True, check=False
        )
        self.printed[f"a process of lingpai {words} {len(self.printed)}"] = ran.stdout + ran.stderr

    def _learn(self, place: str, text: str) -> None:
        found = [one or other for one, other in SHOWN.findall(text)]
        assert found, (place, self.printed[place].decode())
        for secret in found:
            self.known.learn(f"what {place} shows", secret, place)
            if "forward key" in place:
                self.known.learn(f"the bytes that {place} shows", bytes.fromhex(secret), place)

    def succeeded(self) -> set[str]:
        """Return the commands that ended well at least once."""
        return {name for name, codes in self.codes.items() if codes & {0, None}}


def looks_around(operator: Operator, client_ids: Sequence[str], folder: Path) -> None:
    """Type every command that only shows something, or makes a file."""
    session = json.loads(operator.types("session list --json"))[0]["id"]
    for words in (
        "user list --json",
        "user show canary-user",
        "user show canary-user --json",
        "company list",
        "company show 1",
        "client list --built-in",
        *(
            f"client {verb} {client} {form}"
            for client in client_ids
            for verb in ("show", "secrets", "policies")
            for form in ("", "--json")
        ),
        "client weak",
        "client weak --json",
        "session list --all",
        f"session show session:{session}",
        "audit list --limit 5000",
        "audit list --json --limit 5000",
        "audit show 1",
        "audit head",
        "audit verify",
        "audit export",
        "audit export --format csv",
        "key list --json",
        "forward list --json",
        "module list",
        "contract list",
        *(
            f"contract {verb} {name}"
            for name in ("mowork", "oppmg", "thinkjs", "twokeys", "zhiyun")
            for verb in ("docs", "openapi")
        ),
        f"contract new postcard --to {folder / 'postcard'}",
        "contract check mowork",
        f"module new parking --into {folder}",
        "doctor",
        "doctor --json",
        "migrate --check",
        "config show",
        "config show --json --changed",
        "config check",
        "clock show",
    ):
        operator.types(words)


def changes_much(operator: Operator, tour: Tour) -> str:
    """Type every command that changes something beside a server, and return the service's asking token."""
    client, other = tour.clients["twokeys"][0], tour.clients["zhiyun"][0]
    given = tour.wrong("password")
    operator.types("company add 江南园林 --json")
    operator.types("user add second --password-stdin --company 1", given)
    operator.types("user add third --random-password --json", shows=True)
    operator.types("user add fourth --random-password", shows=True)
    operator.types("user reset second --password-stdin", tour.wrong("password"))
    operator.types("user reset second --random-password", shows=True)
    operator.types("user reset third --password-stdin", tour.wrong("password") * 20)
    operator.types("user add fifth --password-stdin", "short")
    operator.types("user change second --phone 13900000001 --phone-verified")
    for verb in ("disable", "enable", "unblock"):
        operator.types(f"user {verb} second")
    operator.types("company join fourth 江南园林 --admin")
    operator.types("company leave fourth 江南园林")
    operator.types("client add 手机端 --contract twokeys --json", shows=True)
    operator.types("client add 第三方 --contract zhiyun", shows=True)
    operator.types(f"client change {client} --name 小程序")
    operator.types("client set mowork:h5 --most-sessions 3")
    for verb in ("disable", "enable"):
        operator.types(f"client {verb} {client}")
    for form, to in (
        ("query-token", "2099-01-01"),
        ("day-md5", "on"),
        ("plain-http", "on"),
        ("old-secret", "2099-01-01"),
    ):
        operator.types(f"client policy {client} {form} {to}")
        operator.types(f"client policy {other} {form} {to}")
    operator.types(f"client addresses {client} 127.0.0.0/8")
    operator.types(f"client routes {client} --all")
    for words in ("--contract mowork --client mowork:pc --json", f"--client {other} --json", f"--client {other}"):
        operator.types(f"token mint --user canary-user {words}", shows=True)
    operator.types("token mint --user nobody")
    sessions = json.loads(operator.types("session list --user canary-user --json"))
    operator.types(f"session end session:{sessions[-1]['id']}")
    operator.types("session end --user second")
    told = json.loads(operator.types(f"forward key {SERVICE} --json", shows=True))
    return str(told["asking_token"])


def rotates(operator: Operator, tour: Tour, learn_keys: Callable[[], None]) -> None:
    """Give clients new secrets, and every purpose a new key; one as if it had leaked, so that those before are gone."""
    for contract, (client, _) in tour.clients.items():
        told = json.loads(operator.types(f"client rotate-secret {client} --json", shows=True))
        tour.clients[contract] = client, told["client_secret"]
    operator.types(f"client end-old-secret {tour.clients['twokeys'][0]}")
    for contract, (client, _) in tour.clients.items():
        told = json.loads(operator.types(f"client rotate-secret {client} --now --json", shows=True))
        tour.clients[contract] = client, told["client_secret"]
    operator.types(f"client rotate-secret {tour.clients['twokeys'][0]}", shows=True)
    for purpose in sorted({row.purpose for row in tour.house.stores.keys.all()}):
        operator.types(f"key rotate {purpose} --json")
    operator.types("key rotate-master")
    learn_keys()
    operator.types("key rotate thinkjs.token --now")
    operator.types("key tidy")
    operator.types("key list")


def slips(operator: Operator, tour: Tour) -> None:
    """Type a secret where none belongs: as a word too many, an unknown option, and the value of every option."""
    for name, command in leaves().items():
        line = name.split()
        for secret in (tour.wrong("word"), tour.wrong("word", plain=True)):
            operator.types([*line, secret, secret, secret])
            operator.types([*line, "--password", secret])
            operator.types([*line, f"--password={secret}"])
            operator.types([*line, f"--{secret}"])
            for argument in command.assemble_argument_collection():
                if argument.name.startswith("--") and argument.hint is not bool and argument.name != "--data":
                    operator.types([*line, argument.name, secret])
            if name not in NAMING:
                operator.types([*line, secret])
    url = f"https://canary:{tour.wrong('word', plain=True)}@127.0.0.1:1"
    operator.types(["doctor", "--url", url])
    operator.types(["try", "oppmg", "--base-url", url, "--user", "canary-user", "--secrets-stdin"], "x\n")
    operator.types([tour.wrong("word")])


def tries(operator: Operator, tour: Tour) -> None:
    """Walk every contract's tour against the server; what it answers there is known."""
    read = HTTPResponse.read

    def listening(answer: HTTPResponse, *size: int) -> bytes:
        text = read(answer, *size)
        tour.learn_from(tour.keep("lingpai try", text))
        return text

    for contract in tour.houses:
        client, secret = tour.clients.get(contract, ("", ""))
        words = ["try", contract, "--base-url", tour.base_url, "--user", tour.name, "--secrets-stdin"]
        for form in ([], ["--json"]):
            with patch.object(HTTPResponse, "read", listening):
                operator.types(
                    [*words, *(["--client", client] if client else []), *form], f"{tour.password}\n{secret}\n"
                )
        operator.types(words, f"{tour.wrong('password')}\n{tour.wrong('secret')}\n")


def processes(leader: int) -> dict[str, bytes]:
    """Return what the system tells of every process of a session: its command, and its environment."""
    told = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if os.getsid(int(folder.name)) != leader:
                continue
            told[f"the environment of process {folder.name}"] = (folder / "environ").read_bytes()
            told[f"the command of process {folder.name}"] = (folder / "cmdline").read_bytes()
        except OSError:
            continue  # it ended meanwhile
    return told


class Everything(logging.Formatter):
    """Writes all that a record holds: a service may have a logging of its own, which shows messages of exceptions."""

    def format(self, record: logging.LogRecord) -> str:
        return f"{super().format(record)} {vars(record)}"


@contextmanager
def written_down(file: Path) -> Iterator[None]:
    """Write whatever this process logs into *file*."""
    handler = logging.FileHandler(file)
    handler.setFormatter(Everything())
    root = logging.getLogger()
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        yield
    finally:
        root.setLevel(before)
        root.removeHandler(handler)
        handler.close()


async def _service(scope, receive, send) -> None:
    """Stand behind a guard: tell what headers came of the caller, or fail."""
    if "fails" in scope["query_string"].decode():
        raise RuntimeError("the service fails")
    told = [value for name, value in scope["headers"] if name.startswith((b"x-lingpai", b"remote"))]
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b", ".join(told)})


def visits(tour: Tour, proofs: Proofs, asking_token: str) -> None:
    """Visit services behind guards, in this process and over HTTP."""
    for contract, calls in proofs.items():
        node = Node(tour.base_url, contract=contract, service=SERVICE, token=asking_token)
        lost = Node(tour.base_url, contract=contract, service=SERVICE, token=tour.wrong("asking token", plain=True))
        node.start()
        try:
            guards = {
                "in process": Guard(_service, contract=contract, house=tour.house),
                "with rules": Guard(_service, contract=contract, house=tour.house, service=SERVICE, wrap=True),
                "over HTTP": Guard(_service, office=node),
            }
            for (kind, guard), call in ((each, call) for each in guards.items() for call in (*calls, calls[0])):
                lines = [f"{name}: {value}" for name, value in call.headers.items()]
                status, headers, body = Visit(guard)(call.target, *lines)
                place = tour.keep(f"a guard {kind} of {contract}", str(sorted(headers.items())).encode() + body)
                tour.learn_from(place)
                tour.visited.add((kind, status))
        finally:
            node.stop()
        try:
            lost.start()
        except Exception as refused:  # noqa: BLE001 - whatever it says is searched
            tour.keep(f"a guard that may not ask, of {contract}", "".join(traceback.format_exception(refused)).encode())
        lost.stop()


def plays(tour: Tour, data: Path) -> None:
    """Ask the playground of the demo in *data* for its page, and for what that page alone is given."""
    house = open_house(data, {})
    app = App(house)
    house.start()
    try:
        app.prepare()
        for method, path in (
            *(("GET", f"/playground{page}") for page in ("", "/about.json", "/page.js")),
            *(("POST", f"/playground/{asked}") for asked in ("guest", "app/twokeys", "app/zhiyun", "aged")),
        ):
            lines = ("Host: 127.0.0.1:8000", f"X-Lingpai-Playground: {tour.wrong('token', plain=True)}")
            _, headers, body = Visit(app)(path, *lines, method=method)
            place = tour.keep(f"{method} {path} of a demo", str(sorted(headers.items())).encode() + body)
            for secret in re.findall(r'"(?:password|clientSecret)":"([^"]+)"', body.decode()):
                tour.known.learn(f"what {place} gives", secret, place)
    finally:
        house.stop()


_WRITTEN = re.compile(
    r"""(?:(?:password|\w*token|auth_code|secret)"?[:=]\s*"?|^>?\s*(?:X-Token|Authorization|x-mmm-\w+): )"""
    r"""(?:Bearer |Basic )?([^\s"&<>{}]{16,})""",
    re.MULTILINE,
)


def transcripts(folder: Path) -> tuple[Known, dict[str, bytes]]:
    """Play every contract's transcript, and return the secrets in it and all that is left of it in memory."""
    known, places = Known(), {}
    for path in sorted(folder.glob("*.http")):
        text = path.read_text(encoding="utf-8")
        stage = Stage(path.stem, {"log": {"requests": "all"}})
        for _ in play(path, stage):
            pass
        for line in text.splitlines():
            verb, *words = shlex.split(line[2:]) if line.startswith("@ ") else [""]
            if verb in ("user", "client", "session") and len(words) > 1 and len(words[1]) >= 12:
                known.learn(f"{path.stem}'s {words[1]}", words[1])
        for secret in _WRITTEN.findall(text):
            if len(secret.rpartition(".")[2]) < 16:
                continue  # signed by nobody
            known.learn(f"{path.stem}'s {secret}", secret)
        places[f"memory after {path.name}"] = repr(stage.tables.rows).encode()
    return known, places
