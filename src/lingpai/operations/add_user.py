"""Add a user: what an operator does where registration is closed."""

from dataclasses import dataclass, field, replace
from typing import ClassVar

from lingpai.principals.addresses import AT_HOME, Addresses
from lingpai.principals.names import check_new_name, is_anothers, name_key, named
from lingpai.principals.passwords.argon2 import hash_password
from lingpai.principals.published import PUBLISHED, is_published
from lingpai.stores.interfaces import Stores
from lingpai.vocabulary.clock import Clock
from lingpai.vocabulary.events import Event
from lingpai.vocabulary.outcomes import Ends, Outcome, Refused
from lingpai.vocabulary.values import User


@dataclass(frozen=True, slots=True)
class Joining:
    """A company that the new user belongs to from the start."""

    company_id: int
    is_admin: bool = False


@dataclass(frozen=True, slots=True)
class NewUser:
    """
    Whom to add.

    Args:
        profile: A user with everything but id, name key, password and creation time.
        password: Any; an operator's choice is not judged.
        companies: The first of them is the one that the user works in.

    """

    profile: User
    password: str = field(repr=False)
    companies: tuple[Joining, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class AddUser:
    """
    Add a user, with memberships.

    Args:
        published_too: Also with a name and password that a document prints, which a transcript
            needs and nobody else.

    """

    ENDS: ClassVar[Ends] = frozenset({Outcome.ARGUMENT_BAD, Outcome.NAME_TAKEN, Outcome.NOTHING_THERE})
    FROM_MEMORY: ClassVar[bool] = False

    stores: Stores
    clock: Clock
    published_too: bool = False
    addresses: Addresses = AT_HOME

    def __call__(self, operator: str, asked: NewUser) -> User:
        """
        Return the user as kept.

        Raises:
            Refused: With ARGUMENT_BAD for a name that may not be, that a document prints with
                this password, or an address that is none; NOTHING_THERE for a company that is not, else NAME_TAKEN
                for one (or a proved address) that somebody signs in with, or that looks like another's.

        """
        check_new_name(asked.profile.name)
        if is_published(name_key(asked.profile.name), asked.password) and not self.published_too:
            raise Refused(Outcome.ARGUMENT_BAD, "published credentials", fields={"password": PUBLISHED})
        phone, email = self.addresses.check(asked.profile.phone, asked.profile.email)
        user = replace(
            named(asked.profile),
            phone=phone,
            phone_verified=asked.profile.phone_verified and bool(phone),
            email=email,
            email_verified=asked.profile.email_verified and bool(email),
            password=hash_password(asked.password),
            company_id=asked.companies[0].company_id if asked.companies else None,
            created=asked.profile.created or self.clock(),
        )
        event = Event("user:added", "user", "", operator, {"name": asked.profile.name}, told=False)
        with self.stores.change(event) as change:
            for joining in asked.companies:
                if change.companies.by_id(joining.company_id) is None:
                    raise Refused(Outcome.NOTHING_THERE, f"no company {joining.company_id}")
            kept = None if is_anothers(change.accounts, user, self.addresses) else change.accounts.add(user)
            if kept is None:
                raise Refused(Outcome.NAME_TAKEN)
            change.about(str(kept.id))
            for joining in asked.companies:
                change.companies.join(kept.id, joining.company_id, is_admin=joining.is_admin)
            return kept
