"""Values to put into stores, each with what a test does not care about filled in."""

from dataclasses import dataclass

from lingpai.vocabulary.events import Event
from lingpai.vocabulary.values import AuthCode, Client, Company, Generation, Notice, Session, User, WorkingKey

NOW = 1_767_225_600_000
HOUR = 3_600_000


@dataclass
class StoppedClock:
    now: int

    def __call__(self):
        return self.now


def done(kind="test:done", **changed):
    return Event(kind, changed.pop("subject", "user"), changed.pop("subject_id", "1"), **changed)


def told(stores, place):
    """Return what the feed told since *place*, or None where it no longer knows."""
    heard = stores.feed.after(place)
    return None if heard is None else list(heard.entries)


def user(name, /, **changed):
    return User(**{"id": 0, "name": name, "name_key": name, "password": "$argon2id$…", "created": NOW, **changed})


def company(name, /, **changed):
    return Company(**{"id": 0, "name": name, "created": NOW, **changed})


def client(name, /, **changed):
    return Client(**{"id": name, "name": name, "created": NOW, **changed})


def session(name, /, **changed):
    whole = {
        "id": name,
        "user_id": 1,
        "client_id": "app",
        "contract": "oppmg",
        "client_type": "pc",
        "token_digest": name.encode(),
        "company_id": None,
        "began": NOW,
        "idle_end": None,
        "end": NOW + HOUR,
        "last_seen": NOW,
    }
    return Session(**{**whole, **changed})


def generation(number, /, **changed):
    return Generation(**{"session_id": "s1", "number": number, "company_id": 0, "issued": 1, "key_id": 1, **changed})


def code(digest, /, **changed):
    whole = {
        "digest": digest,
        "client_id": "app",
        "user_id": 1,
        "session_id": "s1",
        "scope": frozenset({"getUserInfo"}),
        "company_id": None,
        "end": NOW + 30_000,
    }
    return AuthCode(**{**whole, **changed})


def notice(title, /, **changed):
    return Notice(**{"id": 0, "title": title, "content": "…", "author_id": 1, "created": NOW, **changed})


def key(purpose, /, **changed):
    return WorkingKey(**{"id": 0, "purpose": purpose, "sealed": bytes(range(256)), "created": NOW, **changed})
