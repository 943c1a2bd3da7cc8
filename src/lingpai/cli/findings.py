"""What `lingpai doctor` finds."""

from dataclasses import dataclass
from typing import Literal

Verdict = Literal["ok", "warn", "bad"]


@dataclass(frozen=True, slots=True)
class Finding:
    """
    What one look has found.

    Args:
        todo: What to do about it; empty where nothing is.

    """

    name: str
    verdict: Verdict
    zh: str
    en: str
    todo: str = ""


def fine(name: str, zh: str, en: str) -> Finding:
    """Return that all is well."""
    return Finding(name, "ok", zh, en)


def bad(name: str, zh: str, en: str, todo: str = "") -> Finding:
    """Return what has to be mended."""
    return Finding(name, "bad", zh, en, todo)
