"""Which names people take for one another: skeletons, and scripts that do not belong together (Unicode TR39)."""

import json
import unicodedata
from functools import lru_cache
from importlib.resources import files

TOGETHER = tuple(
    frozenset(scripts.split()) for scripts in ("LATIN HAN HIRAGANA KATAKANA", "LATIN HAN BOPOMOFO", "LATIN HAN HANGUL")
)
"""Scripts that one name may mix (TR39, 5.2, "highly restrictive")."""

_ANY = frozenset({"COMMON", "INHERITED"})

# Names are told apart without their case, and drawn in the case that their owner chose: I is both i and (drawn) l.
_ALIKE_IN_SOME_CASE = str.maketrans("i10|", "llol")

_MARKS = str.maketrans("", "", "\u200e\u200f")


def mixes_scripts(text: str) -> bool:
    r"""
    Return whether *text* is written in scripts that no language mixes, such as Latin and Cyrillic.

    >>> mixes_scripts("王芳Anna"), mixes_scripts("p\u0430ypal")
    (False, True)
    """
    if text.isascii():
        return False
    # Fifty kilobytes of JSON that most processes never need.
    from confusable_homoglyphs.categories import alias

    scripts = {alias(letter) for letter in text} - _ANY
    return len(scripts) > 1 and not any(scripts <= group for group in TOGETHER)


def skeleton(key: str) -> str:
    r"""
    Return what is drawn of a name that was folded to *key*: names with one skeleton look alike in some case.

    TR39's skeleton, and beyond it i, l and 1 are one, as are o and 0.

    >>> skeleton("paypa1") == skeleton("paypal"), skeleton("adm\u0456n") == skeleton("admln")
    (True, True)
    """
    prototypes = _prototypes()
    drawn = "".join(prototypes.get(letter, letter) for letter in unicodedata.normalize("NFD", key))
    return unicodedata.normalize("NFD", drawn).casefold().translate(_ALIKE_IN_SOME_CASE)


@lru_cache(maxsize=1)
def _prototypes() -> dict[str, str]:
    """
    Return what each letter that looks like another is drawn as.

    The library keeps both directions of Unicode's table in one map: a letter with one neighbour is drawn as that,
    where the neighbour has several, or several letters; of a pair, both are drawn as the plainer.
    """
    # Read here and not by the library, which would keep twenty megabytes of names.
    read = json.loads((files("confusable_homoglyphs") / "confusables.json").read_bytes())
    near = {_bare(text): {_bare(other["c"]) for other in others} for text, others in read.items()}
    drawn = {}
    for letter, others in near.items():
        (other, *more) = others
        is_source = len(other) > 1 or len(near[other]) > 1 or min(letter, other, key=_rank) == other
        if not more and len(letter) == 1 and is_source:
            drawn[letter] = other
    # What a letter is drawn as may hold marks that are drawn as others.
    return {letter: "".join(drawn.get(part, part) for part in other) for letter, other in drawn.items()}


def _rank(letter: str) -> tuple[bool, str]:
    return unicodedata.normalize("NFKC", letter) != letter, letter


def _bare(text: str) -> str:
    """Return *text* without the marks that keep its direction in the table."""
    return text.translate(_MARKS)
