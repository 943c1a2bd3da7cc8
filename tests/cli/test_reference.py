"""The reference of the command line, which the commands write themselves, and what each says of itself."""

import shlex
from pathlib import Path

import pytest

from lingpai.cli import main
from lingpai.cli.examples import EXAMPLES
from lingpai.cli.reference import leaves, reference
from tests.cli.running import LINGPAI

PAGE = Path(__file__).parents[2] / "docs" / "cli.md"


def test_the_page_is_what_the_commands_say(monkeypatch):
    monkeypatch.setenv("LANG", "C.UTF-8")

    assert PAGE.read_text(encoding="utf-8") == reference(), f"run {' '.join(LINGPAI[:2])} lingpai.cli.reference >{PAGE}"


def test_every_command_has_an_example_that_can_be_typed():
    apps = leaves()

    assert {*EXAMPLES} == {*apps}
    for name, app in apps.items():
        words = shlex.split(EXAMPLES[name].partition(" >")[0])
        assert words[: 1 + len(name.split())] == ["lingpai", *name.split()]
        app.parse_args(words[1 + len(name.split()) :], exit_on_error=False, print_error=False)


def test_help_ends_with_the_example(lingpai):
    assert "Example: lingpai user reset mei --random-password" in lingpai("user", "reset", "--help").out


@pytest.mark.parametrize("folder", ["/dev/null/nowhere", "nothing-here"])
@pytest.mark.parametrize("typed", sorted(leaves()))
def test_nonsense_is_one_line_and_no_traceback(typed, folder, capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    example = shlex.split(EXAMPLES[typed].partition(" >")[0])[1:]
    asked = [[*typed.split(), "--nonsense", "x"]]
    if typed not in WITHOUT_DATA:
        asked.append([*example, "--data", folder])

    for words in asked:
        with pytest.raises(SystemExit) as ended:
            main(words)
        told = capsys.readouterr().err
        assert (ended.value.code, told.count("\n")) == (2, 1), told
        assert told.startswith("lingpai: ")


WITHOUT_DATA = frozenset(
    {
        "contract docs",
        "contract openapi",
        "try",
        "demo",
        "doctor",
        "config show",
        "contract new",
        "module new",
        "contract list",
    }
)
"""Commands that need no house, or say themselves that there is none."""
