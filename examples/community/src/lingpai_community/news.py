"""Notices of a project: `news/*`."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import insert, or_, select

from lingpai.modules.module import BusinessCall
from lingpai.modules.paging import Page, PageAsked, paged, paging
from lingpai.vocabulary.arguments import Asks
from lingpai.vocabulary.clock import local_time
from lingpai.vocabulary.outcomes import Ends, Outcome
from lingpai.vocabulary.values import Caller
from lingpai_community.asking import ID, ITEM, kind, words
from lingpai_community.endings import NOT_FOUND
from lingpai_community.people import People, is_mine, is_staffed, not_found
from lingpai_community.tables import bills, items, news, rooms

ENDS: Ends = frozenset({NOT_FOUND, Outcome.NOT_ALLOWED})


@dataclass(frozen=True, kw_only=True)
class NewsAsked(PageAsked):
    """Of which project."""

    item_id: int


@dataclass(frozen=True)
class NewNews:
    """What is to be told; with *arrearage* only to those who owe."""

    item_id: int
    category: int
    title: str
    content: str
    arrearage: int


@dataclass(frozen=True)
class One:
    """Which notice."""

    id: int


@dataclass(frozen=True)
class News:
    """A notice: category 1 ordinary, 2 urgent, 3 reminder."""

    id: int
    item_id: int
    category: int
    arrearage: int
    title: str
    content: str
    created: str


@dataclass(frozen=True)
class Made:
    """What was made."""

    id: int


@dataclass(frozen=True, slots=True)
class Newspaper:
    """What a project's people are told."""

    people: People

    def add(self, caller: Caller, asked: NewNews) -> Made:
        """Tell a project's people something: its administrators."""
        item = self.people.led_item(caller, asked.item_id)
        with self.people.bench.change("news:added", caller, item=item.id) as tables:
            row = tables.row(
                insert(news).returning(news.c.id),
                item_id=item.id,
                category=asked.category,
                arrearage=asked.arrearage,
                title=asked.title,
                content=asked.content,
                author_id=caller.user.id,
                created=self.people.bench.clock(),
            )
        return Made(row.id)

    def list(self, caller: Caller, asked: NewsAsked) -> Page[News]:
        """Return a project's notices, newest first."""
        item = self.people.item(caller, asked.item_id)
        seen = self._seen(caller).where(news.c.item_id == item.id).order_by(news.c.id.desc())
        rows = self.people.bench.read.rows(seen.limit(asked.wanted).offset(asked.skipped))
        return paged([self._told(row) for row in rows], asked)

    def show(self, caller: Caller, asked: One) -> News:
        """Return one notice."""
        row = self.people.bench.read.row(self._seen(caller).where(news.c.id == asked.id))
        return self._told(row) if row else not_found(f"notice {asked.id}")

    def _seen(self, caller: Caller) -> Any:
        """Return what *caller* is told: all as staff; at home, reminders only if they owe."""
        lived_in = select(rooms.c.item_id).where(is_mine(caller))
        owing = lived_in.join(bills, bills.c.room_id == rooms.c.id).where(bills.c.paid.is_(False))
        for_all = (news.c.arrearage == 0) & news.c.item_id.in_(lived_in)
        return select(news).join_from(news, items).where(or_(is_staffed(caller), for_all, news.c.item_id.in_(owing)))

    def _told(self, row: Any) -> News:
        created = local_time(row.created, self.people.bench.zone)
        return News(row.id, row.item_id, row.category, row.arrearage, row.title, row.content, created)


def calls(people: People) -> tuple[BusinessCall, ...]:
    """Return the calls of this file."""
    does = Newspaper(people)
    return (
        BusinessCall(
            "news",
            "getlist",
            does.list,
            Asks(NewsAsked, item_id=ITEM, **paging("limit")),
            answers=Page[News],
            reads=True,
            ends=ENDS,
            about=("通知公告列表", "A project's notices."),
        ),
        BusinessCall(
            "news",
            "getinfo",
            does.show,
            Asks(One, id=ID),
            answers=News,
            reads=True,
            ends=ENDS,
            about=("通知公告详情", "One notice."),
        ),
        BusinessCall(
            "news",
            "add",
            does.add,
            Asks(
                NewNews,
                item_id=ITEM,
                category=kind("category", ("类别：1普通 2紧急 3提醒", "1 ordinary, 2 urgent, 3 reminder."), 3),
                title=words("title", ("标题", "Its title."), most=120),
                content=words("content", ("正文", "What it says."), most=10_000),
                arrearage=kind(
                    "arrearage", ("1只给欠费住户看", "1: only for those who owe."), 1, least=0, required=False
                ),
            ),
            answers=Made,
            ends=ENDS,
            about=("发布通知公告", "Tell a project's people something."),
        ),
    )
