"""Notices: messages that everybody may read, and the example of a module."""

from dataclasses import dataclass
from zoneinfo import ZoneInfo

from lingpai.modules.module import BusinessCall, Module, Result
from lingpai.stores.interfaces import Stores
from lingpai.vocabulary.arguments import Asks, Text, Whole
from lingpai.vocabulary.clock import Clock, local_time
from lingpai.vocabulary.events import Event
from lingpai.vocabulary.values import Caller, Notice, Visitor

PAGE = 20
"""Notices on one page."""


@dataclass(frozen=True, slots=True)
class PageAsked:
    """Which page, from 1."""

    page: int = 1


@dataclass(frozen=True, slots=True)
class NewNotice:
    """What is to be told."""

    title: str
    content: str


@dataclass(frozen=True, slots=True)
class Notices:
    """
    The calls of this module.

    Args:
        writers: Who may add notices: "users" (anybody signed in) or "admins" (of some company).

    """

    stores: Stores
    clock: Clock
    zone: ZoneInfo
    writers: str = "users"

    def module(self) -> Module:
        """Return the calls as they are declared to every contract."""
        return (
            BusinessCall(
                "notice",
                "list",
                self.list,
                Asks(PageAsked, page=Whole("page", least=1, most=10_000, required=False, default=1)),
                public=True,
                reads=True,
            ),
            BusinessCall(
                "notice",
                "add",
                self.add,
                Asks(NewNotice, title=Text("title", most=120), content=Text("content", most=10_000)),
                may=self.may_write,
            ),
        )

    def may_write(self, caller: Caller) -> bool:
        """Return whether *caller* may add a notice."""
        return self.writers == "users" or any(m.is_admin for m in caller.standing.memberships)

    def list(self, _visitor: Visitor, asked: PageAsked) -> Result:
        """Return one page of notices, newest first."""
        notices = self.stores.notices.page(asked.page, PAGE)
        return {"notices": [self._written(notice) for notice in notices]}

    def add(self, caller: Caller, asked: NewNotice) -> Result:
        """Keep a notice; the answer is empty."""
        notice = Notice(0, asked.title, asked.content, caller.user.id, self.clock())
        with self.stores.change(Event("notice:added", "user", str(caller.user.id), caller.actor, told=False)) as change:
            change.notices.add(notice)
        return None

    def _written(self, notice: Notice) -> dict[str, str | int]:
        created = local_time(notice.created, self.zone)
        return {"id": notice.id, "title": notice.title, "content": notice.content, "created": created}
