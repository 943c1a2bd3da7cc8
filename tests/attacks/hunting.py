"""Looking for secrets where none may be: in files, database rows, logs and answers, in any usual spelling."""

import base64
import json
import sqlite3
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, quote_plus

SHORTEST_HALF = 12
"""Letters of half a secret, at least, for half of it to be looked for too: what is shorter may be there by chance."""

GRAM, STRIDE = 8, 4
"""Bytes of a needle that are looked up first, and how far apart in a haystack: so ten thousand needles cost as one."""


def spellings(secret: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield every way in which *secret* might be written down, each with its name."""
    yield "plain", secret
    yield "hex", secret.hex().encode()
    yield "HEX", secret.hex().upper().encode()
    for before in range(3):
        # What stands before and behind a text decides about its first and last letters in base64.
        written = base64.b64encode(b"\0" * before + secret + b"\0\0\0")
        first, last = -(-before * 8 // 6), (before + len(secret)) * 8 // 6
        yield f"base64 from {before}", written[first:last]
        yield f"base64url from {before}", written[first:last].translate(bytes.maketrans(b"+/", b"-_"))
        yield f"quoted base64 from {before}", quote(written[first:last], safe="").encode()
    yield "percent", "".join(f"%{byte:02x}" for byte in secret).encode()
    yield "PERCENT", "".join(f"%{byte:02X}" for byte in secret).encode()
    yield "quoted", quote(secret, safe="").encode()
    yield "quoted path", quote(secret).encode()
    yield "quoted plus", quote_plus(secret).encode()
    try:
        text = secret.decode()
    except UnicodeDecodeError:
        yield "repr", repr(secret)[2:-1].encode()
        return
    yield "JSON", json.dumps(text)[1:-1].encode()
    yield "repr", ascii(text)[1:-1].encode()
    yield "UTF-16", text.encode("utf-16-le")
    yield "UTF-16 BE", text.encode("utf-16-be")


def needles(secrets: Mapping[str, str | bytes]) -> Mapping[bytes, Sequence[tuple[str, str]]]:
    """
    Return everything to look for, with what it is, and of which secret.

    Each is looked for whole, and where it is long, by its halves.
    """
    wanted: dict[bytes, list[tuple[str, str]]] = defaultdict(list)
    for name, secret in secrets.items():
        whole = secret.encode() if isinstance(secret, str) else secret
        # Of a JWT only the signature is secret: the rest is names and numbers in base64.
        whole = whole.rpartition(b".")[2] if whole.startswith(b"eyJ") else whole
        middle = len(whole) // 2
        parts = [(name, whole)]
        if middle >= SHORTEST_HALF:
            parts += [(f"the first half of {name}", whole[:middle]), (f"the second half of {name}", whole[middle:])]
        for what, part in parts:
            for spelling, written in spellings(part):
                wanted[written].append((f"{what} in {spelling}", name))
    return wanted


def hunt(haystacks: Mapping[str, bytes], secrets: Mapping[str, str | bytes]) -> list[str]:
    """Return where in *haystacks* which of *secrets* is written."""
    return [f"{what}: {place}" for place, owners in found(haystacks, secrets) for what, _ in owners]


def found(
    haystacks: Mapping[str, bytes], secrets: Mapping[str, str | bytes]
) -> Iterator[tuple[str, Sequence[tuple[str, str]]]]:
    """Yield each place where something of *secrets* is written, with what that is: how it is spelt, and of which."""
    wanted = needles(secrets)
    assert all(len(needle) >= GRAM + STRIDE - 1 for needle in wanted), "too short to be no chance"
    by_gram: dict[bytes, set[bytes]] = defaultdict(set)
    for needle in wanted:
        for first in range(STRIDE):
            by_gram[needle[first : first + GRAM]].add(needle)
    for place, text in haystacks.items():
        grams = {text[at : at + GRAM] for at in range(0, len(text), STRIDE)}
        for needle in set().union(*(by_gram[gram] for gram in grams & by_gram.keys())):
            if needle in text:
                yield place, wanted[needle]


@dataclass
class Known:
    """
    The secrets that are hunted for.

    Args:
        secrets: By name.
        at_home: Where a secret may be written, by its name: the one answer that handed it out, say.

    """

    secrets: dict[str, str | bytes] = field(default_factory=dict)
    at_home: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))

    def learn(self, name: str, secret: str | bytes, *places: str) -> None:
        """Hunt for *secret* from now on, everywhere but in *places*."""
        name = next((known for known, text in self.secrets.items() if text == secret), name)
        if self.secrets.setdefault(name, secret) != secret:
            name = f"{name} {len(self.secrets)}"
            self.secrets[name] = secret
        self.at_home[name] |= set(places)

    def abroad(self, haystacks: Mapping[str, bytes]) -> list[str]:
        """Return where in *haystacks* which secret is written that may not be there, whole or half of it."""
        leaks: dict[tuple[str, str], str] = {}
        for place, owners in found(haystacks, self.secrets):
            # A key is also known by the text that it was handed out as: they are at home in one place.
            if not any(place in self.at_home[name] for _, name in owners):
                what, name = owners[0]
                leaks[place, name] = min(leaks.get((place, name), what), what, key=len)
        return [f"{place}: {what}" for (place, _), what in leaks.items()]

    def never_at_home(self, haystacks: Mapping[str, bytes]) -> list[str]:
        """Return the secrets that stand in none of the places where they may: so something else was handed out."""
        seen = {(place, name) for place, owners in found(haystacks, self.secrets) for _, name in owners}
        allowed = {name: places for name, places in self.at_home.items() if places}
        return [name for name, places in allowed.items() if not any((place, name) in seen for place in places)]


def files(folder: Path) -> dict[str, bytes]:
    """Return every file under *folder* by its path there, and every row of every database among them."""
    texts = {}
    for path in sorted(folder.rglob("*")):
        if not path.is_file():
            continue
        try:
            text = path.read_bytes()
        except FileNotFoundError:
            # A running server writes some files anew under another name first.
            continue
        place = str(path.relative_to(folder))
        texts[place] = text
        if text.startswith(b"SQLite format 3\0"):
            texts[f"rows of {place}"] = rows(path)
    return texts


def rows(database: Path) -> bytes:
    """Return all that the database holds, cell by cell: on its pages a long cell is cut into pieces."""
    with closing(sqlite3.connect(database)) as connection:
        tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        cells = (cell for table in tables for row in connection.execute(f'SELECT * FROM "{table}"') for cell in row)
        return b"\n".join(cell if isinstance(cell, bytes) else str(cell).encode() for cell in cells)
