"""Whatever is written as XML, two strict readers can read, and what they read is what was written."""

import re
from xml.parsers import expat

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from lxml import etree

from lingpai.edge.xml import escaped, write_xml

FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
ANY_TEXT = st.text(st.characters(exclude_categories=()))
TREE = st.recursive(
    st.none() | st.integers() | ANY_TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=12,
)


def strictly_read(document: bytes) -> etree._Element:
    expat.ParserCreate().Parse(document, True)
    return etree.fromstring(document, etree.XMLParser(recover=False, resolve_entities=False, no_network=True))


@given(ANY_TEXT)
@example("<A & B> \"c\" 'd' ]]> \r\n\t 🎉")
@example("\x00\x0b\x1b\ud800\ufffe\uffff")
@example(" ")
def test_any_text_comes_back_or_is_replaced_where_xml_cannot_carry_it(text):
    read = strictly_read(write_xml("answer", {"text": text}))

    assert (read.findtext("text") or "") == FORBIDDEN.sub("\ufffd", text)


@given(st.dictionaries(st.text(), TREE, max_size=4))
def test_any_members_make_a_well_formed_document(members):
    read = strictly_read(write_xml("answer", members))

    assert len(read) == len(members)


@pytest.mark.parametrize("empty", [None, "", {}, [], ()])
def test_what_is_empty_is_an_empty_element(empty):
    assert write_xml("answer", {"status": empty}).splitlines()[2] == b"  <status />"


def test_zero_and_no_are_not_empty():
    lines = write_xml("answer", {"count": 0, "done": False}).decode().splitlines()

    assert lines[2:4] == ["  <count>0</count>", "  <done>false</done>"]


def test_a_list_is_items_and_an_indent_is_two_blanks_a_level():
    members = {"data": {"notices": [{"id": 1}, "two"]}, "code": 200}

    assert write_xml("apiResponse", members).decode() == (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        "<apiResponse>\n"
        "  <data>\n"
        "    <notices>\n"
        "      <item>\n"
        "        <id>1</id>\n"
        "      </item>\n"
        "      <item>two</item>\n"
        "    </notices>\n"
        "  </data>\n"
        "  <code>200</code>\n"
        "</apiResponse>"
    )


@pytest.mark.parametrize(("member", "name"), [("a b", "a_b"), ("1st", "_1st"), ("", "_"), ("年", "_"), ("<x>", "_x_")])
def test_what_cannot_be_a_name_is_made_one(member, name):
    assert write_xml("answer", {member: 1}).splitlines()[2] == f"  <{name}>1</{name}>".encode()


def test_the_five_marks_are_escaped():
    assert escaped("&<>\"'") == "&amp;&lt;&gt;&quot;&apos;"
