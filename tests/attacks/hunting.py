"""Looking for secrets where none may be: in files, database rows, logs and answers, in any usual spelling."""

import base64
import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from urllib.parse import quote, quote_plus

SHORTEST_HALF = 12
"""Letters of half a secret, at least, for half of it to be looked for too: what is shorter may be there by chance."""


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
    yield "percent", "".join(f"%{byte:02x}" for byte in secret).encode()
    yield "PERCENT", "".join(f"%{byte:02X}" for byte in secret).encode()
    yield "quoted", quote(secret, safe="").encode()
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


def needles(secrets: Mapping[str, str | bytes]) -> dict[bytes, str]:
    """Return everything to look for, with what it is: each secret whole, and where it is long, its halves."""
    found: dict[bytes, str] = {}
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
                found.setdefault(written, f"{what} in {spelling}")
    return found


def hunt(haystacks: Mapping[str, bytes], secrets: Mapping[str, str | bytes]) -> list[str]:
    """Return where in *haystacks* which of *secrets* is written."""
    wanted = needles(secrets)
    return [
        f"{what}: {place}" for place, text in haystacks.items() for needle, what in wanted.items() if needle in text
    ]


def files(folder: Path, but: tuple[str, ...] = ()) -> dict[str, bytes]:
    """Return every file under *folder*, and every row of every database among them."""
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.name not in but:
            try:
                found[path.name] = path.read_bytes()
            except FileNotFoundError:
                # A running server writes some files anew under another name first.
                continue
            if found[path.name].startswith(b"SQLite format 3\0"):
                found[f"rows of {path.name}"] = rows(path)
    return found


def rows(database: Path) -> bytes:
    """Return all that the database holds, cell by cell: on its pages a long cell is cut into pieces."""
    with closing(sqlite3.connect(database)) as connection:
        tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        cells = (cell for table in tables for row in connection.execute(f'SELECT * FROM "{table}"') for cell in row)
        return b"\n".join(cell if isinstance(cell, bytes) else str(cell).encode() for cell in cells)
