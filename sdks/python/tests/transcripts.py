"""
Reads `tests/conformance/*.http`: what is sent and what comes back, as the server's own tests play them.

Placeholders are computed here a second time, from the words of tests/conformance/transcripts.py.
"""

import base64
import hashlib
import hmac
import json
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import parse_qsl

import httpx2

FOLDER = Path(__file__).parents[3] / "tests" / "conformance"
CONTRACTS = ("mowork", "oppmg", "thinkjs", "twokeys", "zhiyun")
HEADER = re.compile(r"[A-Za-z][A-Za-z0-9-]*: ")


@dataclass(frozen=True)
class Exchange:
    """
    One question and its answer.

    Args:
        now: Where the stage's clock stands, in milliseconds.
        secrets: Those of the clients on the stage, by id.

    """

    contract: str
    title: str
    line: int
    now: int
    secrets: dict[str, str]
    method: str
    target: str
    headers: list[tuple[str, str]]
    body: str
    status: int
    answer_headers: dict[str, str] = field(default_factory=dict)
    answer: str = ""

    @property
    def where(self) -> str:
        return f"{self.contract}.http:{self.line}: {self.title}"

    def response(self, request: httpx2.Request) -> httpx2.Response:
        """Return the answer, as one to *request*."""
        headers = {name.encode(): value.encode() for name, value in self.answer_headers.items()}
        return httpx2.Response(self.status, headers=headers, content=self.answer.encode(), request=request)


def exchanges(contract: str) -> list[Exchange]:
    """Return what stands in the transcript of *contract*, in order."""
    found: list[Exchange] = []
    secrets: dict[str, str] = {}
    now, title, start = 1_767_225_600_000, "", 0
    sent: list[str] = []
    expected: list[str] = []
    lines = (FOLDER / f"{contract}.http").read_text(encoding="utf-8").split("\n")
    for number, line in enumerate([*lines, ""], 1):
        if line.startswith("## "):
            title = line[3:]
        elif line.startswith("@ clock "):
            now = int(line[8:])
        elif line.startswith("@ wait "):
            now += round(float(line[7:]) * 1000)
        elif client := re.match(r'@ client (\S+) ("[^"]*"|\S+)', line):
            if client[2] != "-":
                secrets[client[1]] = client[2].replace('"', "")
        elif line.startswith(">"):
            start = start or number
            sent.append(line[2:])
        elif line.startswith("<"):
            expected.append(line[2:])
        elif not line.strip() and sent:
            found.append(exchange(contract, title, start, now, dict(secrets), sent, expected))
            sent, expected, start = [], [], 0
    return found


def exchange(
    contract: str, title: str, line: int, now: int, secrets: dict[str, str], sent: list[str], expected: list[str]
) -> Exchange:
    method, _, raw = sent[0].partition(" ")
    target = filled(raw, raw, now)
    headers, body = head_and_body(sent[1:])
    answer_headers, answer = head_and_body(expected[1:])
    told = {name: value for name, value in answer_headers if value != "-"}
    reason = re.search(r'"reason":"(\w+)"', answer)
    if reason:
        told["X-Lingpai-Reason"] = reason[1]
    return Exchange(
        contract,
        title,
        line,
        now,
        secrets,
        method,
        target,
        [(name, filled(value, target, now)) for name, value in headers],
        filled(body, target, now),
        int(expected[0]),
        told,
        answer,
    )


def head_and_body(lines: list[str]) -> tuple[list[tuple[str, str]], str]:
    headers = []
    rest = list(lines)
    while rest and HEADER.match(rest[0]):
        name, _, value = rest.pop(0).partition(": ")
        headers.append((name, value))
    if rest and not rest[0]:
        rest.pop(0)
    return headers, "\n".join(rest)


def filled(text: str, target: str, now: int) -> str:
    return re.sub(
        r"\{\{(\w+)(?::([^{}]*))?\}\}", lambda found: PLACEHOLDERS[found[1]](found[2] or "", target, now), text
    )


def api_token(_: str, target: str, now: int) -> str:
    path, _, query = target.partition("?")
    members = dict(parse_qsl(query))
    parts = [members[name] for name in ("mod", "ctl", "act")] if "mod" in members else path.split("/")[2:5]
    return printed_recipe(parts, now, "k3y-Of-20-chars-long")


def printed_recipe(parts: list[str], now: int, secret: str) -> str:
    """Return the document's api_token: Shanghai is eight hours ahead."""
    day = datetime.fromtimestamp(now / 1000 + 8 * 3600, UTC).date().isoformat()
    return hashlib.md5(f"{''.join(parts)}{day}{secret}".encode()).hexdigest()


def user_token(words: str, _target: str, _now: int) -> str:
    user_id, username, session, *more = words.split(" ")
    changes = dict(word.split("=", 1) for word in more)
    fields = {
        "id": int(user_id),
        "username": changes.get("username", username),
        "sid": changes.get("sid", base64url(int(session).to_bytes(16, "big"))),
        "jti": base64url((int(session) + 1).to_bytes(12, "big")),
    }
    covered = plain_json(dict(sorted(fields.items())))
    md5 = changes.get("md5", hashlib.md5(f"{covered}md5-salt-for-tests".encode()).hexdigest())
    issued = int(changes.get("iat", "1600000000"))
    claims = {
        **fields,
        **({"md5": md5} if md5 else {}),
        "iat": issued,
        "exp": int(changes.get("exp", str(issued + 86_400))),
    }
    signed = ".".join(base64url(plain_json(part).encode()) for part in ({"alg": "HS256", "typ": "JWT"}, claims))
    key = changes.get("key", "thinkjs-key-for-tests-of-32bytes")
    return f"{signed}.{base64url(hmac.digest(key.encode(), signed.encode(), 'sha256'))}"


def base64url(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def plain_json(value: object) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


PLACEHOLDERS = {
    "bytes": lambda size, _target, _now: "x" * int(size),
    "nested": lambda levels, _target, _now: "[" * int(levels) + "]" * int(levels),
    # Bytes that are no UTF-8 become U+FFFD: no SDK writes them.
    "hex": lambda digits, _target, _now: bytes.fromhex(digits).decode(errors="replace"),
    "api_token": api_token,
    "user_token": user_token,
}
