"""What a value looks like, for people: an example, and what it is, in Chinese and in English."""

from typing import Annotated

from msgspec import Meta

WORDS = "x-lingpai-words"
"""The member of a JSON Schema that holds both languages, until a description in one of them is written."""


def like(example: object, chinese: str = "", english: str = "") -> Meta:
    """
    Return the likeness of a value, to stand in `Annotated` or beside a field.

    >>> like("13800138000", "手机号", "phone number").examples
    ['13800138000']
    """
    return Meta(examples=[example], extra_json_schema={WORDS: [chinese, english]} if chinese or english else None)


def schema_like(likeness: Meta | None) -> dict[str, object]:
    """Return what *likeness* adds to a JSON Schema."""
    if likeness is None:
        return {}
    return {"examples": likeness.examples or [], **(likeness.extra_json_schema or {})}


Username = Annotated[str, like("lilei", "用户名", "the user's name")]
Password = Annotated[str, like("correct horse", "密码", "the password")]
Truename = Annotated[str, like("李雷", "真实姓名", "the name in real life")]
Nickname = Annotated[str, like("小雷", "昵称", "a name to be called by")]
SexTold = Annotated[str, like("1", "性别:1 男,2 女,3 未填", "1 male, 2 female, 3 not told")]
Phone = Annotated[str, like("13800138000", "手机号", "the phone number")]
Email = Annotated[str, like("lilei@example.com", "邮箱", "the e-mail address")]
Avatar = Annotated[str, like("/000/00/11/52_avatar_small", "头像地址", "where the avatar lies")]
UserId = Annotated[int, like(1152, "用户编号", "the user's id")]
CompanyId = Annotated[int, like(1, "公司编号", "the company's id")]
CompanyName = Annotated[str, like("莫沃科技", "公司名称", "the company's name")]
Created = Annotated[str, like("2017-07-26 23:02:56", "创建时间", "when it was made")]
Until = Annotated[int, like(1767232800, "到期的时刻(秒)", "when it is over, in seconds since 1970")]
