"""Two processes at once, over and over, on one SQLite file and on one PostgreSQL."""

import pytest

from tests.torture import races


@pytest.mark.parametrize("race", races.RACES)
def test_a_race_is_fair_every_time(tmp_path, database, race, counts):
    assert races.run(tmp_path / "data", database, race, counts.races) == []
