"""What plays transcripts (`lingpai.cli.transcripts`), with the placeholders of our own houses."""

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl

from lingpai.cli.stage import KEYS, Stage
from lingpai.cli.transcripts import PLACEHOLDERS, Exchange, asked, exchanges, filled, head_and_body, play

__all__ = ["Exchange", "asked", "exchanges", "filled", "head_and_body", "play"]


def api_token(_: str, target: str, stage: Stage) -> str:
    """Return twokeys's api_token for *target* on the stage's day, under the secret that the transcripts use."""
    path, _, query = target.partition("?")
    members = dict(parse_qsl(query))
    module, controller, action = (
        (members["mod"], members["ctl"], members["act"]) if "mod" in members else path.split("/")[2:5]
    )
    day = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=stage.now, hours=8)).strftime("%Y-%m-%d")
    return hashlib.md5(f"{module}{controller}{action}{day}k3y-Of-20-chars-long".encode()).hexdigest()


def user_token(words: str, _target: str, _stage: Stage) -> str:
    """
    Return thinkjs's token for a user's id, name and session number, signed and covered as the test keys do it.

    What is set after these (`md5=…`, `exp=…`, `key=…`) stands there instead; an empty `md5=` leaves it out.
    """
    user_id, name, session, *more = words.split(" ")
    changes = dict(word.split("=", 1) for word in more)
    key = changes.pop("key", KEYS["thinkjs.token"].decode()).encode()
    numbers = {"sid": (int(session), 16), "jti": (int(session) + 1, 12)}
    fields = {"id": int(user_id), "username": name} | {
        member: base64url(number.to_bytes(size, "big")) for member, (number, size) in numbers.items()
    }
    fields |= {member: changes.pop(member) for member in ("username", "sid") if member in changes}
    covered = json.dumps(fields, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    md5 = changes.pop("md5", hashlib.md5(covered.encode() + KEYS["thinkjs.salt"]).hexdigest())
    issued = int(changes.pop("iat", "1600000000"))
    times = {"iat": issued, "exp": int(changes.pop("exp", str(issued + 86_400)))}
    assert not changes, f"no such member: {changes}"
    claims = {**fields, **({"md5": md5} if md5 else {}), **times}
    signed = ".".join(
        base64url(json.dumps(part, separators=(",", ":"), ensure_ascii=False).encode())
        for part in ({"alg": "HS256", "typ": "JWT"}, claims)
    )
    return f"{signed}.{base64url(hmac.digest(key, signed.encode(), 'sha256'))}"


def base64url(value: bytes) -> str:
    """Return *value* as JWT writes it (RFC 7515, section 2)."""
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


PLACEHOLDERS |= {"api_token": api_token, "user_token": user_token}
