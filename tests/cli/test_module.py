"""`lingpai module …`: a new module works at once, with its test, and can be installed."""

import subprocess
import sys

import pytest

from tests.cli.running import LINGPAI, environment


@pytest.fixture
def garden(lingpai, tmp_path):
    assert lingpai("module", "new", "garden").code == 0
    return tmp_path / "garden"


def ran(*command, cwd, **variables):
    done = subprocess.run(
        command, cwd=cwd, env=environment(variables), capture_output=True, text=True, timeout=100, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_test_of_a_new_module_passes(garden):
    assert "1 passed" in ran(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", cwd=garden)


def test_the_files_of_a_new_module_are_clean(garden):
    told = ran(sys.executable, "-m", "ruff", "check", "--isolated", "--line-length", "120", ".", cwd=garden)

    assert "All checks passed" in told
    assert ran(sys.executable, "-m", "ruff", "format", "--isolated", "--line-length", "120", "--check", ".", cwd=garden)


def test_a_module_is_listed_with_its_calls_and_the_contracts_that_serve_it(garden, lingpai, house):
    command, variables = ("module", "list", "--data", house), {"LINGPAI_MODULE_FILES": str(garden / "src" / "garden")}
    everywhere = ["mowork", "oppmg", "thinkjs", "twokeys", "zhiyun"]

    listed = {row["module"]: (row["calls"], row["contracts"]) for row in lingpai(*command, "--json", **variables).json}

    assert listed == {
        "notice": (["notice/list", "notice/add"], everywhere),
        "garden": (["garden/list", "garden/add"], everywhere),
    }
    assert "garden/list, garden/add" in lingpai(*command, **variables).out


def test_an_installed_module_is_found(garden, house, tmp_path):
    site = tmp_path / "site"
    ran(
        *(sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"),
        *("--no-deps", "--no-build-isolation", "--no-index", "--target", str(site), str(garden)),
        cwd=tmp_path,
    )

    assert "garden/add" in ran(*LINGPAI, "module", "list", "--data", str(house), cwd=tmp_path, PYTHONPATH=str(site))


@pytest.mark.parametrize(
    ("name", "complaint"),
    [("Garden", "is no name"), ("class", "is no name"), ("../x", "is no name"), ("notice", "there is a module notice")],
)
def test_a_name_that_will_not_do_is_refused(lingpai, name, complaint):
    assert lingpai("module", "new", name).is_refused(complaint)


def test_nothing_is_written_over(lingpai, garden):
    assert lingpai("module", "new", "garden").is_refused("garden is there already")
