"""Register: make an account for oneself, and sign in with it."""

from dataclasses import dataclass, field
from typing import Annotated, ClassVar

from lingpai.operations.open_session import Granted, Opening, session_opened
from lingpai.principals.addresses import AT_HOME, Addresses
from lingpai.principals.names import check_new_name, is_anothers, name_key, named
from lingpai.principals.passwords.gate import HashingGate
from lingpai.principals.passwords.strength import check_new_password
from lingpai.principals.rates import Rate, unlimited
from lingpai.stores.interfaces import Stores
from lingpai.vocabulary.clock import Clock
from lingpai.vocabulary.events import Event
from lingpai.vocabulary.likeness import Avatar, Email, Nickname, Password, Phone, SexTold, Truename, Username, like
from lingpai.vocabulary.outcomes import Ends, Outcome, Refused
from lingpai.vocabulary.values import Sex, Terms, User, Visitor


@dataclass(frozen=True, slots=True)
class Registration:
    """What somebody tells of themselves. Phone number and e-mail address are kept, but not proved by telling them."""

    name: Username
    password: Password = field(repr=False)
    truename: Truename = ""
    nickname: Nickname = ""
    sex: SexTold = Sex.UNTOLD
    phone: Phone = ""
    email: Email = ""
    avatar: Avatar = ""
    invitation: Annotated[str, like("welcome", "邀请码", "what an invited guest shows")] = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Register:
    """Make an account and open its first session, both or neither."""

    TITLE: ClassVar[tuple[str, str]] = ("注册", "Make an account, signed in")
    ENDS: ClassVar[Ends] = Opening.ENDS | {
        Outcome.NOT_ALLOWED,
        Outcome.ARGUMENT_BAD,
        Outcome.PASSWORD_TOO_WEAK,
        Outcome.NAME_TAKEN,
        Outcome.TOO_MANY_ATTEMPTS,
    }
    FROM_MEMORY: ClassVar[bool] = False

    stores: Stores
    gate: HashingGate
    opening: Opening
    clock: Clock
    addresses: Addresses = AT_HOME
    rate: Rate = unlimited

    def __call__(self, visitor: Visitor, asked: Registration) -> Granted:
        self.rate("register", visitor)
        _check_registration(visitor.terms, asked.invitation)
        check_new_name(asked.name)
        check_new_password(asked.password, asked.name)
        if self.stores.accounts.named(name_key(asked.name)):
            raise Refused(Outcome.NAME_TAKEN)
        phone, email = self.addresses.check(asked.phone, asked.email)
        newcomer = User(
            id=0,
            name=asked.name,
            name_key="",
            password=self.gate.hash(asked.password),
            truename=asked.truename,
            nickname=asked.nickname,
            sex=Sex(asked.sex),
            phone=phone,
            email=email,
            avatar=asked.avatar,
            created=self.clock(),
        )
        newcomer = named(newcomer)
        session_id = self.opening.new_id()
        detail = {"contract": visitor.terms.contract, "name": newcomer.name}
        event = Event("user:registered", "user", "", "visitor", detail, told=False)
        with self.stores.change(event) as change:
            user = None if is_anothers(change.accounts, newcomer, self.addresses) else change.accounts.add(newcomer)
            if user is None:
                raise Refused(Outcome.NAME_TAKEN)
            change.about(str(user.id))
            change.also(session_opened(session_id, user.id, visitor))
            return self.opening.open(change, session_id, user.id, visitor)


def _check_registration(terms: Terms, invitation: str) -> None:
    is_invited = terms.invitation is not None and terms.invitation.matches(invitation)
    if not (terms.registration == "open" or (terms.registration == "invite" and is_invited)):
        raise Refused(Outcome.NOT_ALLOWED, "registration is closed, or the invitation is wrong")
