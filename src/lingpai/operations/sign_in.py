"""Sign in with a name and a password."""

from dataclasses import dataclass, field
from typing import ClassVar

from lingpai.operations.open_session import Granted, Opening, session_opened
from lingpai.principals.addresses import Addresses
from lingpai.principals.admission import may_enter
from lingpai.principals.names import name_key
from lingpai.principals.passwords.trials import PasswordTrials
from lingpai.principals.rates import Rate, unlimited
from lingpai.stores.interfaces import AccountStore, Stores
from lingpai.vocabulary.likeness import Password, Username
from lingpai.vocabulary.outcomes import Ends, Outcome, Refused
from lingpai.vocabulary.values import User, Visitor


@dataclass(frozen=True, slots=True)
class NameAndPassword:
    """What somebody signs in with."""

    name: Username
    password: Password = field(repr=False)


def find_by_sign_in_name(accounts: AccountStore, name: str, addresses: Addresses, *, phone_names: bool) -> User | None:
    """
    Return the user whom *name* means: a user name, a proved e-mail address, or where *phone_names* a proved number.

    How many questions that asks shows in *name* alone, not in whether anybody is called so.
    """
    phone, email = addresses.phone(name) if phone_names else None, addresses.email(name)
    found = [accounts.named(name_key(name))]
    if phone:
        found.append(accounts.with_phone(phone))
    if email:
        found.append(accounts.with_email(email))
    return next((user for user in found if user is not None), None)


@dataclass(frozen=True, slots=True)
class SignIn:
    """
    Open a session for whoever knows the password.

    An unknown user, a wrong password, a disabled user and one who may not come in
    over this contract get one answer, after the same questions and one hash.
    """

    TITLE: ClassVar[tuple[str, str]] = ("登录", "Sign in")
    ENDS: ClassVar[Ends] = Opening.ENDS | PasswordTrials.ENDS
    FROM_MEMORY: ClassVar[bool] = False

    stores: Stores
    trials: PasswordTrials
    opening: Opening
    rate: Rate = unlimited

    def __call__(self, visitor: Visitor, asked: NameAndPassword) -> Granted:
        self.rate("sign_in", visitor)
        terms = visitor.terms
        user = find_by_sign_in_name(
            self.stores.accounts, asked.name, self.trials.addresses, phone_names=terms.phone_names
        )
        # Asked for nobody too, and judged before the hash: a right password must not tell who is shut out.
        memberships = self.stores.companies.memberships(user.id if user else 0)
        if user is not None and not may_enter(
            user, visitor.client, terms, member=bool(memberships), at=self.opening.clock()
        ):
            user = None
        passed = self.trials.check(asked.name, visitor.address, user, asked.password)
        assert user is not None  # noqa: S101 - nobody else has a right password
        session_id = self.opening.new_id()
        with self.stores.change(session_opened(session_id, user.id, visitor)) as change:
            now_kept = change.accounts.lock(user.id)
            if now_kept is None or now_kept.password != user.password:
                raise Refused(Outcome.SIGN_IN_FAILED, "the password was changed meanwhile")
            self.trials.clear(change, passed)
            return self.opening.open(change, session_id, user.id, visitor)
