"""Change a user's phone number or e-mail address, and whether they are proved: what an operator does."""

from dataclasses import dataclass, replace
from typing import ClassVar

from lingpai.principals.addresses import Addresses
from lingpai.principals.names import is_anothers
from lingpai.stores.interfaces import Stores
from lingpai.vocabulary.events import Event
from lingpai.vocabulary.outcomes import Ends, Outcome, Refused
from lingpai.vocabulary.values import User


@dataclass(frozen=True, slots=True)
class AddressesAsked:
    """
    Whose, and what to; None leaves a thing as it is.

    Args:
        phone: Empty for none.
        phone_verified: A number that changes is not proved unless this says so.
        email: Empty for none.
        email_verified: As with the phone.

    """

    user_id: int
    phone: str | None = None
    phone_verified: bool | None = None
    email: str | None = None
    email_verified: bool | None = None


@dataclass(frozen=True, slots=True)
class ChangeAddresses:
    """Set a user's addresses."""

    ENDS: ClassVar[Ends] = frozenset({Outcome.ARGUMENT_BAD, Outcome.NOTHING_THERE, Outcome.NAME_TAKEN})
    FROM_MEMORY: ClassVar[bool] = False

    stores: Stores
    addresses: Addresses

    def __call__(self, operator: str, asked: AddressesAsked) -> User:
        """
        Return the user as kept.

        Raises:
            Refused: With ARGUMENT_BAD for what is no address, NOTHING_THERE when there is no such user,
                NAME_TAKEN when somebody else signs in with what would be proved.

        """
        phone, email = self.addresses.check(asked.phone or "", asked.email or "")
        with self.stores.change(Event("user:addresses-changed", "user", str(asked.user_id), operator)) as change:
            user = change.accounts.lock(asked.user_id)
            if user is None:
                raise Refused(Outcome.NOTHING_THERE, f"no user {asked.user_id}")
            if asked.phone is not None:
                user = replace(user, phone=phone, phone_verified=user.phone_verified and phone == user.phone)
            if asked.email is not None:
                user = replace(user, email=email, email_verified=user.email_verified and email == user.email)
            if asked.phone_verified is not None:
                user = replace(user, phone_verified=asked.phone_verified and bool(user.phone))
            if asked.email_verified is not None:
                user = replace(user, email_verified=asked.email_verified and bool(user.email))
            if is_anothers(change.accounts, user, self.addresses):
                raise Refused(Outcome.NAME_TAKEN, "somebody else signs in with it")
            change.accounts.set_addresses(user)
            return user
