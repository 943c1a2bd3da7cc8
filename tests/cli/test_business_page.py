"""What docs/business.md asks to be pasted works as pasted; that its Chinese page is the same: test_both_languages."""

import re
import subprocess
import sys
from pathlib import Path

from tests.cli.running import environment, serving

ROOT = Path(__file__).parents[2]


def blocks(name, language):
    return re.findall(rf"```{language}\n(.*?)```", (ROOT / "docs" / name).read_text(encoding="utf-8"), re.DOTALL)


def pasted(script, folder, **variables):
    done = subprocess.run(
        ["bash", "-eu", "-c", script],
        cwd=folder,
        env=environment(variables),
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_first_ten_minutes_work_as_pasted(demo, tmp_path):
    """The first block's server is one of the test's own; what the page adds to the module is there from the start."""
    (tmp_path / ".venv").symlink_to(ROOT / ".venv" if (ROOT / ".venv").exists() else sys.prefix)
    begin, *rest = blocks("business.md", "sh")
    (line,) = [line for line in begin.splitlines() if "module new" in line]
    pasted(line, tmp_path)
    file = tmp_path / "garden" / "src" / "garden" / "__init__.py"
    function, declaration = blocks("business.md", "python")
    module = file.read_text().replace("\n\n\ndef calls(", f"\n\n{function}\n\ndef calls(")
    file.write_text(module.replace("    return (\n", f"    return (\n{declaration}", 1))

    with serving(demo.data, variables={"LINGPAI_MODULE_FILES": str(file.parent)}) as server:
        script = "\n".join(rest).replace("http://127.0.0.1:8000", server.base_url)
        heard = pasted(script, tmp_path, LINGPAI_DATA=str(demo.data))

    said = [answer for answer in heard.splitlines() if answer.startswith("{")]
    assert "1 passed" in heard
    assert said == [
        '{"errno":0,"errmsg":"","data":{"id":1,"title":"rose"}}',
        '{"errno":1000,"errmsg":"已存在","data":{}}',
        '{"errno":0,"errmsg":"","data":{"list":[{"id":1,"title":"rose"}],"has_more":false}}',
        '{"code":"12001","msg":"已存在","data":{}}',
        '{"code":"00000","msg":"成功","data":{"list":[{"id":1,"title":"rose"}],"has_more":false}}',
        '{"errno":0,"errmsg":"","data":{"list":[{"id":1,"title":"rose"}],"has_more":false}}',
        '{"errno":401,"errmsg":"请登录以后访问。","data":{}}',
    ]
