"""What `lingpai contract new` writes: the package of a contract, served and checked as it is."""

import re
from pathlib import Path

PLAIN_WORD = re.compile("[a-z][a-z0-9]{1,30}")
"""What a contract may be called: it is a prefix of paths, a file's name and a part of a package's."""

_HERE = Path(__file__).parent

FILES = {
    "pyproject.toml": "pyproject.toml.txt",
    "README.md": "readme.md.txt",
    "src/lingpai_{name}/__init__.py": "package.py.txt",
    "src/lingpai_{name}/{name}.py": "contract.py.txt",
    "src/lingpai_{name}/{name}.http": "transcript.http.txt",
    "tests/test_{name}.py": "test.py.txt",
}
"""Each file that is written, and what it is written from: `{{name}}` stands for the contract's name there."""


def write_skeleton(name: str, folder: Path) -> list[Path]:
    """Write the package of the contract *name* into *folder*, and return its files."""
    written = []
    for path, source in FILES.items():
        file = folder / path.format(name=name)
        file.parent.mkdir(parents=True, exist_ok=True)
        text = (_HERE / source).read_text(encoding="utf-8")
        file.write_text(text.replace("{{name}}", name).replace("{{Name}}", name.capitalize()), encoding="utf-8")
        written.append(file)
    return written
