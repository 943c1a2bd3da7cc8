"""What the READMEs ask to be pasted works as pasted, and links lead somewhere."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.running import environment, serving

ROOT = Path(__file__).parents[2]
READMES = ("README.md", "README.zh.md")


def blocks(name: str) -> list[str]:
    """Return the shell blocks of a README, in order."""
    return re.findall(r"```sh\n(.*?)```", (ROOT / name).read_text(encoding="utf-8"), re.DOTALL)


@pytest.mark.parametrize("name", READMES)
def test_the_first_calls_work_as_pasted(name, demo, tmp_path):
    """The blocks after the first are pasted, in order, into one terminal beside a server with demo data."""
    (tmp_path / ".venv").symlink_to(ROOT / ".venv" if (ROOT / ".venv").exists() else sys.prefix)

    with serving(demo.data) as server:
        script = "\n".join(blocks(name)[1:]).replace("http://127.0.0.1:8000", server.base_url)
        pasted = subprocess.run(
            ["bash", "-eu", "-c", script],
            cwd=tmp_path,
            env=environment({"LINGPAI_DATA": str(demo.data)}),
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )

    assert pasted.returncode == 0, pasted.stderr
    for heard in (
        '"resMessage":"获取用户信息成功"',
        '"code":"00000","msg":"成功","data":{"uid":',
        '{"code":1,"msg":"操作成功","data":{"user_id":',
        '"code":200,"message":"ok"}',
        "<auth_code>",
        '{"errno":0,"errmsg":"","data":{"id":',
        '{"code":"10024","msg":"请重新登录(已被管理员下线)","data":{"reason":"kicked_out"}}',
    ):
        assert heard in pasted.stdout, f"{heard} is missing from:\n{pasted.stdout}"


@pytest.mark.parametrize("page", [*READMES, *sorted(str(p.relative_to(ROOT)) for p in ROOT.glob("docs/**/*.md"))])
def test_links_lead_somewhere(page):
    text = (ROOT / page).read_text(encoding="utf-8")
    targets = re.findall(r"\]\((?!https?://)([^)#\s]+)", text)

    assert [target for target in targets if not ((ROOT / page).parent / target).exists()] == []
