"""A command to run, and a demo that is made once and copied for each test."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from lingpai.composition import open_house
from tests.cli.running import LINGPAI, Demo, Lingpai, Ran, environment


@pytest.fixture
def lingpai(tmp_path) -> Lingpai:
    """Run a command, in an empty folder unless the test fills it."""

    def run(*words: object, typed: str = "", **variables: str) -> Ran:
        done = subprocess.run(
            [*LINGPAI, *map(str, words)],
            cwd=tmp_path,
            input=typed,
            env=environment(variables),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        return Ran(done.returncode, done.stdout, done.stderr)

    return run


@pytest.fixture
def house(tmp_path) -> Path:
    """Return a folder with an empty house, as `lingpai serve` leaves it."""
    open_house(tmp_path / "d", {}).stores.close()
    return tmp_path / "d"


@pytest.fixture(scope="session")
def pristine(tmp_path_factory) -> Demo:
    data = tmp_path_factory.mktemp("demo") / "data"
    command = [*LINGPAI, "demo", "--json", "--data", str(data)]
    done = subprocess.run(command, env=environment(), capture_output=True, text=True, timeout=60, check=True)
    return Demo(data, json.loads(done.stdout))


@pytest.fixture
def demo(pristine, tmp_path) -> Demo:
    shutil.copytree(pristine.data, tmp_path / "demo")
    return Demo(tmp_path / "demo", pristine.made)
