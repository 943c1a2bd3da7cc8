"""The package that docs/own-contract.md leads to is served, described and checked, with nothing here touched."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from openapi_spec_validator import validate

from lingpai.cli.skeleton import FILES
from tests.cli.running import environment, serving

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "own-contract"
GUIDE = (ROOT / "docs" / "own-contract.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """Return variables under which the package is installed, as pip leaves it: its files, and what it offers."""
    site = tmp_path_factory.mktemp("site")
    told = (EXAMPLE / "pyproject.toml").read_text(encoding="utf-8")
    offered = re.search(r'\[project\.entry-points\."lingpai\.contracts"\]\n(\w+) = "(.+)"', told)
    assert offered
    info = site / "lingpai_postcard-0.1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: lingpai-postcard\nVersion: 0.1.0\n")
    (info / "entry_points.txt").write_text(f"[lingpai.contracts]\n{offered[1]} = {offered[2]}\n")
    return {"PYTHONPATH": os.pathsep.join([str(site), str(EXAMPLE / "src")])}


def ran(variables, *words):
    command = [sys.executable, "-m", "lingpai.cli", *words]
    return subprocess.run(
        command, env=environment(variables), capture_output=True, text=True, check=False, cwd=EXAMPLE, timeout=60
    )


def test_the_example_is_what_the_guide_shows():
    begun = {path.format(name="postcard") for path in FILES}
    kept = {str(path.relative_to(EXAMPLE)) for path in EXAMPLE.rglob("*.*") if path.suffix not in (".pyc", "")}
    shown = {language: re.search(rf"```{language}\n(.*?)```", GUIDE, re.DOTALL) for language in ("python", "http")}

    assert kept == begun
    for language, suffix in (("python", ".py"), ("http", ".http")):
        block = shown[language]
        assert block
        written = (EXAMPLE / "src" / "lingpai_postcard" / f"postcard{suffix}").read_text(encoding="utf-8")
        assert block[1] == written


def test_it_is_found_by_its_entry_point_and_checked(installed):
    listed = json.loads(ran(installed, "contract", "list", "--json").stdout)
    checked = ran(installed, "contract", "check", "postcard")

    assert "postcard" in {row["name"] for row in listed}
    assert checked.returncode == 0, checked.stderr
    assert re.findall("^(.)", checked.stdout, re.MULTILINE) == ["✓", "✓", "✓"]


def test_it_is_described_and_documented(installed):
    document = json.loads(ran(installed, "contract", "openapi", "postcard").stdout)
    page = ran(installed, "contract", "docs", "postcard", "--language", "en").stdout

    validate(document)
    assert document["components"]["securitySchemes"] == {
        "Authorization": {"type": "http", "scheme": "bearer"},
    }
    assert document["paths"]["/sender"]["get"]["responses"]["200"]["content"]["application/json"]["examples"]["OK"] == {
        "value": {"no": 0, "says": "好", "about": {"from": "lilei"}}
    }
    assert "| `about.stamp` | string | the stamp |" in page
    assert "| 403 | `3` | 不行 | no |" in page


def test_it_is_served_with_its_page(installed, tmp_path):
    from http.client import HTTPConnection

    with serving(tmp_path / "data", variables=installed) as server:
        answers = []
        for path in ("/postcard/sender", "/postcard/docs", "/postcard/openapi.json"):
            connection = HTTPConnection("127.0.0.1", server.port, timeout=10)
            connection.request("GET", path)
            answers.append((connection.getresponse().status, connection))
            connection.close()

    assert [status for status, _ in answers] == [401, 200, 200]
