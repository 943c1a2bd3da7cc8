"""A page in two languages is one page: headings, lists, tables and code are alike, and each leads to the other."""

import re
from dataclasses import dataclass
from itertools import chain, zip_longest
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from tests.conformance.test_coverage import cells

ROOT = Path(__file__).parents[2]
PLACES = ("*.zh.md", "docs/**/*.zh.md", "examples/*/*.zh.md", "sdks/*/*.zh.md")
PAGES = sorted(str(page.relative_to(ROOT)) for place in PLACES for page in ROOT.glob(place))

REFERENCE = "docs/contracts/reference/"
"""What the contracts print of themselves (tests/conformance/test_pages.py): nobody writes links there."""

WRITTEN = [page for page in PAGES if not page.startswith(REFERENCE)]

ENGLISH_ALONE = frozenset(f"docs/{name}.md" for name in ("cli", "coverage", "mutation", "speed"))
"""What a program prints, what is said of each statement of the documents, and what was measured on the way."""

each_page = pytest.mark.parametrize("page", PAGES)
each_written_page = pytest.mark.parametrize("page", WRITTEN)


@dataclass(frozen=True, slots=True)
class Shape:
    """
    What of a page does not hang on its language.

    Args:
        headings: The level of each.
        items: The depth of each item of a list.
        tables: The cells of each row of each.
        blocks: The language and the text of each block of code.

    """

    headings: list[str]
    items: list[int]
    tables: list[list[list[str]]]
    blocks: list[tuple[str, str]]


def shape(text: str) -> Shape:
    """Return the shape of the page in Markdown *text*, as GitHub reads it."""
    found, lines = Shape([], [], [], []), text.splitlines()
    for token in MarkdownIt("commonmark").enable("table").parse(text):
        match token.type:
            case "heading_open":
                found.headings.append(token.tag)
            case "list_item_open":
                found.items.append(token.level)
            case "fence" | "code_block":
                found.blocks.append((token.info, token.content))
            case "table_open":
                found.tables.append([])
            case "tr_open":
                # As they are written: what is rendered has as many as the head, and hides one too many.
                first, _ = token.map or (0, 0)
                found.tables[-1].append(cells(lines[first]))
    return found


_CHINESE = "[\u2026\u201c\u201d\u3000-\u303f\u4e00-\u9fff\uff00-\uffef]"
_WORDS = re.compile(rf"{_CHINESE}(?:[^\"'`<>]*{_CHINESE})?")
_COMMENT = re.compile(r"(?:^|\s)(?:#|//)\s")


def stands_for(chinese: str, english: str) -> bool:
    """
    Return whether a line of code is the *english* one, but for Chinese words where that has English ones.

    Words never go beyond their quotes or tags; a comment is words to its end. "zh" and "en" are each page's own.
    """
    chinese = re.sub("""(["'])zh(?=["'])""", r"\1en", chinese)
    begins = max((mark.end() for mark in _COMMENT.finditer(chinese)), default=len(chinese))
    code, comment = chinese[:begins], chinese[begins:]
    pattern, place = "", 0
    for words in _WORDS.finditer(code):
        pattern += re.escape(code[place : words.start()]) + "[^\"'`<>]+"
        place = words.end()
    pattern += re.escape(code[place:]) + (".+" if _WORDS.search(comment) else re.escape(comment))
    return chinese == english or re.fullmatch(pattern, english) is not None


def drifted(chinese: str, english: str) -> list[tuple[str, str]]:
    """Return the lines of two blocks of code of which one does not stand for the other."""
    lines = zip_longest(chinese.splitlines(), english.splitlines(), fillvalue="(no line)")
    return [pair for pair in lines if not stands_for(*pair)]


def widths(page: Shape) -> list[list[int]]:
    """Return how many cells each row of each table has."""
    return [[len(row) for row in table] for table in page.tables]


def tells(chinese: str, english: str) -> bool:
    """Return whether two texts have the same numbers, and name the same things in the letters of code."""
    ours, theirs = (set(re.findall("`([^`]+)`", text)) for text in (chinese, english))
    return (
        numbers(chinese) == numbers(english)
        and all(any(stands_for(name, other) for other in theirs) for name in ours)
        and all(any(stands_for(other, name) for other in ours) for name in theirs)
    )


def numbers(text: str) -> list[str]:
    """Return the numbers of *text*, however they are parted into thousands, as digits and in one order."""
    return sorted(re.findall(r"\d+(?:\.\d+)*", re.sub(r"(?<=\d),(?=\d{3})", "", text)))


def both(page: str) -> tuple[str, str]:
    """Return the Chinese *page*, and the English one."""
    chinese, english = ROOT / page, ROOT / page.replace(".zh.md", ".md")
    return chinese.read_text(encoding="utf-8"), english.read_text(encoding="utf-8")


def test_every_page_for_users_is_there_in_both_languages():
    english = {str(page.relative_to(ROOT)) for page in ROOT.glob("docs/**/*.md") if not page.name.endswith(".zh.md")}

    assert english - ENGLISH_ALONE == {page.replace(".zh.md", ".md") for page in PAGES if page.startswith("docs/")}


@each_page
def test_both_languages_have_the_same_headings(page):
    chinese, english = map(shape, both(page))

    assert chinese.headings == english.headings
    assert chinese.headings


@each_page
def test_both_languages_list_as_many_things(page):
    chinese, english = map(shape, both(page))

    assert chinese.items == english.items


@each_page
def test_both_languages_have_tables_of_the_same_shape(page):
    chinese, english = map(shape, both(page))

    assert widths(chinese) == widths(english)


@each_written_page
def test_each_row_of_a_table_has_the_same_numbers_and_names_in_both_languages(page):
    chinese, english = map(shape, both(page))
    rows = zip(chain(*chinese.tables), chain(*english.tables), strict=True)

    assert [(ours, theirs) for ours, theirs in rows if not tells("|".join(ours), "|".join(theirs))] == []


@each_page
def test_both_languages_print_the_same_code(page):
    chinese, english = (shape(text).blocks for text in both(page))

    assert [language for language, _ in chinese] == [language for language, _ in english]
    pairs = zip(chinese, english, strict=True)
    assert [each for (_, ours), (_, theirs) in pairs for each in drifted(ours, theirs)] == []


@pytest.mark.parametrize("page", sorted({*PAGES, *(page.replace(".zh.md", ".md") for page in PAGES)}))
def test_no_drawing_of_a_sequence_has_a_line_that_a_semicolon_ends(page):
    """Mermaid takes what is behind it for a line of its own, finds none there, and GitHub shows an error instead."""
    blocks = shape((ROOT / page).read_text(encoding="utf-8")).blocks

    assert [text for language, text in blocks if language == "mermaid" and "sequence" in text and ";" in text] == []


@each_written_page
def test_each_language_leads_to_the_other_at_the_top(page):
    name = Path(page).name
    tops = [text.partition("\n## ")[0] for text in both(page)]

    assert f"[English]({name.replace('.zh.md', '.md')})" in tops[0]
    assert f"[中文]({name})" in tops[1]


@each_written_page
def test_a_chinese_page_leads_to_chinese_pages_where_there_are_some(page):
    text = (ROOT / page).read_text(encoding="utf-8").replace(f"]({Path(page).name.replace('.zh.md', '.md')})", "]()")
    targets = re.findall(r"\]\((?!https?://)([^)#\s]+\.md)\b", text)

    def in_chinese(target: str) -> Path:
        return (ROOT / page).parent / target.replace(".md", ".zh.md")

    assert [each for each in targets if not each.endswith(".zh.md") and in_chinese(each).exists()] == []


@pytest.mark.parametrize(
    ("chinese", "english"),
    [
        ("make serve", "make serve"),
        ('app=$(lingpai client add "我的应用" --json)', 'app=$(lingpai client add "My app" --json)'),
        ("lingpai audit show 4711      # 一条记录", "lingpai audit show 4711      # one row, with its 'seal'"),
        ('# role = "boss"   # 调用者的角色', '# role = "boss"   # the caller\'s'),
        ("<b>公告</b> <i>标题</i>", "<b>Notices</b> <i>title</i>"),
        ("F->>A: 退出登录", "F->>A: sign out"),
        ('Client(oppmg, language="zh")', 'Client(oppmg, language="en")'),
    ],
)
def test_a_line_may_have_chinese_words_for_english_ones(chinese, english):
    assert drifted(chinese, english) == []


@pytest.mark.parametrize(
    ("chinese", "english"),
    [
        ("make serve", "make serve PORT=8001"),
        ("make setup", "make setup\nmake serve"),
        ("make setup\nmake serve", "make setup"),
        ('lingpai client add "我的应用"', 'lingpai client add "My app" --json'),
        ("lingpai audit show 4711  # 一条记录", "lingpai audit show 4711 --json  # one row"),
        ('# role = "boss"  # 角色', '# role = "admin"  # the role'),
        ("print('你好', name)", "print('Hello', name, 'again')"),
        ("<b>公告</b>", "<b>Notices</b><i></i>"),
        ("F->>A: 退出登录", "F->>B: sign out"),
        ("interval: 15s", "interval: 30s"),
    ],
)
def test_a_line_that_drifted_is_seen(chinese, english):
    assert drifted(chinese, english) != []
