"""Notices: messages that everybody may read, and the example of a module."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

from lingpai.modules.module import BusinessCall, Module
from lingpai.modules.workbench import Workbench
from lingpai.vocabulary.arguments import Asks, Text, Whole
from lingpai.vocabulary.clock import local_time
from lingpai.vocabulary.events import Event
from lingpai.vocabulary.likeness import Created, like
from lingpai.vocabulary.settings import ModuleSettings
from lingpai.vocabulary.values import Caller, Notice, Visitor

PAGE = 20
"""Notices on one page."""


class NoticeSettings(ModuleSettings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """
    What notices let you set.

    Args:
        writers: Who may add notices: "users" (anybody signed in) or "admins" (of some company).

    """

    writers: Literal["users", "admins"] = "users"


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
class ToldNotice:
    """A notice as it is shown; *created* is in the server's zone."""

    id: Annotated[int, like(1, "编号", "its number")]
    title: Annotated[str, like("放假通知", "标题", "its title")]
    content: Annotated[str, like("国庆放假七天。", "正文", "what it says")]
    created: Created


@dataclass(frozen=True, slots=True)
class NoticePage:
    """One page of notices."""

    notices: Sequence[ToldNotice]


@dataclass(frozen=True, slots=True)
class Notices:
    """What this module does."""

    workbench: Workbench
    settings: NoticeSettings

    def may_write(self, caller: Caller) -> bool:
        """Return whether *caller* may add a notice."""
        return self.settings.writers == "users" or any(m.is_admin for m in caller.standing.memberships)

    def list(self, _visitor: Visitor, asked: PageAsked) -> NoticePage:
        """Return one page of notices, newest first."""
        zone, kept = self.workbench.zone, self.workbench.stores.notices.page(asked.page, PAGE)
        return NoticePage([ToldNotice(n.id, n.title, n.content, local_time(n.created, zone)) for n in kept])

    def add(self, caller: Caller, asked: NewNotice) -> None:
        """Keep a notice; the answer is empty."""
        notice = Notice(0, asked.title, asked.content, caller.user.id, self.workbench.clock())
        event = Event("notice:added", "user", str(caller.user.id), caller.actor, told=False)
        with self.workbench.stores.change(event) as change:
            change.notices.add(notice)


def calls(workbench: Workbench, settings: NoticeSettings) -> Sequence[BusinessCall]:
    """Return the calls as every contract serves them."""
    notices = Notices(workbench, settings)
    return (
        BusinessCall(
            "notice",
            "list",
            notices.list,
            Asks(
                PageAsked,
                page=Whole(
                    "page", least=1, most=10_000, required=False, default=1, about=("第几页", "Which page."), example=1
                ),
            ),
            answers=NoticePage,
            public=True,
            reads=True,
            about=("公告列表，最新的在前", "Notices, newest first."),
        ),
        BusinessCall(
            "notice",
            "add",
            notices.add,
            Asks(
                NewNotice,
                title=Text("title", most=120, about=("标题", "Its title."), example="放假通知"),
                content=Text("content", most=10_000, about=("正文", "What it says."), example="国庆放假七天。"),
            ),
            may=notices.may_write,
            about=("发布公告", "Add a notice."),
        ),
    )


MODULE = Module(
    name="notice",
    build=calls,
    settings=NoticeSettings,
    about=("公告：人人可读", "Notices that everybody may read"),
)
