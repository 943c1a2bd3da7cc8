"""A disk that is full: no success for what was not stored, reads go on, and all is well when there is room again."""

import os
import subprocess
import sys
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from lingpai.composition import open_house
from lingpai.stores.sql.sqlite import sound_driver
from tests.torture.client import Connection, Told, run
from tests.torture.server import Server

SESSIONS = 400
READ = 40


async def sign_everybody_out(server: Server, name: str, tokens: list[str]) -> tuple[list[Told], list[Told]]:
    """Sign out all but the last few, read these on the way, and return what was said to both."""
    connection = await Connection(server.port).open()
    outs = [await connection.call("/user/logout", token, name) for token in tokens[:-READ]]
    reads = [await connection.call("/user/checktoken", token, name) for token in tokens[-READ:] * 2]
    return outs, reads


def fill(server: Server) -> tuple[int, int, list[Told], list[Told]]:
    """Return how many sign-outs were answered, how many of these were not stored, and both kinds of answers."""
    (name,), tokens = server.furnish(SESSIONS)
    if server.little_disk:
        database = sound_driver().connect(str(server.data / "lingpai.db"))
        pages = database.execute("PRAGMA page_count").fetchone()[0]
        database.close()
        server.variables["LINGPAI_TEST_PAGES"] = str(pages + 8)
    with server:
        outs, reads = run(sign_everybody_out(server, name, tokens))
    house = open_house(server.data, {})
    house.prepare()
    ended = []
    for token in tokens:
        standing = house.stores.sessions.standing(house.keys.digest(token))
        assert standing is not None
        ended.append(standing.session.ended is not None)
    house.stores.close()
    success = [told.accepted for told in outs]
    lost = sum(1 for said, was in zip(success, ended, strict=False) if said and not was)
    return sum(success), lost, outs, reads


def test_a_full_disk_brings_no_success_for_what_was_not_stored_and_reads_go_on(tmp_path):
    answered, lost, outs, reads = fill(Server(tmp_path, plant="little disk"))
    print(f"\nfull disk (max_page_count): {answered} of {len(outs)} sign-outs answered, {lost} of them not stored")

    assert 0 < answered < len(outs)
    assert lost == 0
    assert {told.status for told in outs if not told.accepted} == {503}
    assert all(told.accepted for told in reads)


def test_a_sign_out_that_is_answered_though_it_failed_would_be_seen(tmp_path):
    _, lost, *_ = fill(Server(tmp_path, plant="little disk+answers anyway"))

    assert lost > 0


@pytest.mark.skipif(
    sys.platform != "linux" or os.geteuid() != 0 or "LINGPAI_TEST_TORTURE" not in os.environ,
    reason="a small tmpfs needs root, and time: make torture",
)
def test_a_disk_that_is_really_full_does_the_same(tmp_path):
    with small_disk(tmp_path / "disk") as disk:
        server = Server(disk)
        (name,), tokens = server.furnish(SESSIONS)
        with server:
            # All but a few pages of what is left is taken by somebody else.
            free = os.statvfs(disk).f_bavail * os.statvfs(disk).f_frsize
            (disk / "taken").write_bytes(bytes(free - 64 * 1024))
            outs, reads = run(sign_everybody_out(server, name, tokens))
            (disk / "taken").unlink()
            again, _ = run(sign_everybody_out(server, name, tokens))
        house = open_house(server.data, {})
        house.prepare()
        for token, told in zip(tokens, outs, strict=False):
            standing = house.stores.sessions.standing(house.keys.digest(token))
            assert standing is not None
            assert standing.session.ended is not None or not told.accepted
        house.stores.close()

    answered = sum(told.accepted for told in outs)
    print(f"\nfull disk (tmpfs): {answered} of {len(outs)} sign-outs answered, all of them stored")
    assert 0 < answered < len(outs)
    assert {told.status for told in outs if not told.accepted} == {503}
    assert all(told.accepted for told in reads)
    assert all(told.accepted or told.refused for told in again)


@contextmanager
def small_disk(where: Path):
    """Mount sixteen megabytes at *where*."""
    where.mkdir()
    try:
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", str(where)], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as trouble:
        pytest.skip(f"no tmpfs can be mounted here: {trouble}")
    try:
        yield where
    finally:
        with suppress(OSError):
            subprocess.run(["umount", "--lazy", str(where)], check=False)
