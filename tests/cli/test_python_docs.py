"""What the Python SDK's documentation prints works as pasted, in both languages."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.running import environment, serving

ROOT = Path(__file__).parents[2]
HEARD = {
    "python.md": (
        "Signed in.\nHello, mei\n",
        "Hello, mei\n",
        "Signed out: kicked_out\n",
        "* Water\n* Water\n",
        "50 answers for mei\n",
    ),
    "python.zh.md": (
        "已登录。\n你好, mei\n",
        "你好, mei\n",
        "已退出: kicked_out\n",
        "* 停水\n* 停水\n",
        "50 个应答,用户 mei\n",
    ),
}


def printed(name, language):
    text = (ROOT / "docs" / "sdk" / name).read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("name", HEARD)
def test_the_first_ten_minutes_work_as_pasted(name, demo, tmp_path):
    site = tmp_path / "site"
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / ".venv").symlink_to(ROOT / ".venv" if (ROOT / ".venv").exists() else sys.prefix)
    (folder / "sdks").symlink_to(ROOT / "sdks")
    notices, many = printed(name, "python")[:2]
    _, *blocks = printed(name, "sh")
    # The same package, built the same way, but beside this .venv instead of in it, and without asking a registry.
    script = "\n".join(blocks).replace(
        "pip install", f"pip install -q --no-deps --no-build-isolation --target '{site}'"
    )
    assert str(site) in script

    with serving(demo.data) as server:
        for file, program in (("notices.py", notices), ("many.py", many)):
            (folder / file).write_text(program.replace("http://127.0.0.1:8000", server.base_url), encoding="utf-8")
        pasted = subprocess.run(
            ["bash", "-eu", "-c", script],
            cwd=folder,
            env={**environment({"LINGPAI_DATA": str(demo.data)}), "PYTHONPATH": str(site), "PYTHONUTF8": "1"},
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )

    assert pasted.returncode == 0, pasted.stdout + pasted.stderr
    said = pasted.stdout
    places = [said.find(heard) for heard in HEARD[name]]
    assert -1 not in places, f"{HEARD[name][places.index(-1)]!r} is missing from:\n{said}"
    assert said.count(HEARD[name][0]) == 2
    assert (folder / "session.json").stat().st_mode & 0o777 == 0o600
    assert (site / "lingpai_client").is_dir()


@pytest.mark.parametrize("name", HEARD)
def test_every_program_that_is_printed_names_what_there_is(name):
    import lingpai_client

    for program in printed(name, "python"):
        compile(program, name, "exec")
        for names in re.findall(r"^from lingpai_client import (.*)$", program, re.MULTILINE):
            assert [each for each in names.split(", ") if each not in lingpai_client.__all__] == []
