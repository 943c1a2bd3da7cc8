"""
The house is built as its plan says: imports go right, the shell alone is asynchronous, every file says what it is.
"""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HOUSE = ROOT / "src" / "lingpai"
FILES = sorted(HOUSE.rglob("*.py"))
# The stage stands before the shell and calls it as a server would.
ASYNCHRONOUS = ("app.py", "bridges/", "cli/stage.py", "edge/asgi.py")

each_file = pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(HOUSE)))


def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(), filename=str(path))


def strings(path: Path) -> Iterator[str]:
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def test_imports_keep_the_rules_of_pyproject():
    """
    `lint-imports` draws the graph itself, of what is on the disk now, and prints the chain that broke a rule.
    """
    lint_imports = Path(sys.executable).with_name("lint-imports")
    command = [str(lint_imports), "--no-cache"]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, check=False, text=True, timeout=60)
    assert result.returncode == 0, result.stdout + result.stderr


def test_the_terminal_names_the_app_by_a_string():
    """
    That it does not import the app is the layers' rule; here, that it starts that app and no other.
    """
    named = {text for path in (HOUSE / "cli").rglob("*.py") for text in strings(path) if text.startswith("lingpai.app")}
    assert named, "lingpai.cli starts no lingpai.app:…"


@each_file
def test_the_shell_and_what_calls_it_alone_are_asynchronous(path):
    if str(path.relative_to(HOUSE)).startswith(ASYNCHRONOUS):
        return
    asynchronous = (ast.AsyncFunctionDef, ast.AsyncFor, ast.AsyncWith, ast.Await)
    lines = [node.lineno for node in ast.walk(tree(path)) if isinstance(node, asynchronous)]
    assert not lines, f"{path.relative_to(ROOT)} is asynchronous in line {lines[0]}"


@each_file
def test_every_file_says_what_it_is(path):
    assert ast.get_docstring(tree(path)), f"{path.relative_to(ROOT)} has no docstring"
