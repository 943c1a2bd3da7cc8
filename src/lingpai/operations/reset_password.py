"""Give a user a new password: what an operator does; all sessions of the user end."""

from dataclasses import dataclass
from typing import ClassVar

from lingpai.principals.passwords.argon2 import hash_password
from lingpai.stores.interfaces import Stores
from lingpai.vocabulary.clock import Clock
from lingpai.vocabulary.events import Event
from lingpai.vocabulary.outcomes import Ends, Outcome, Reason, Refused
from lingpai.vocabulary.secret import Secret


@dataclass(frozen=True, slots=True)
class PasswordReset:
    """Whose, and what to."""

    user_id: int
    password: Secret


@dataclass(frozen=True, slots=True)
class ResetPassword:
    """Set a user's password, and end every session of theirs."""

    ENDS: ClassVar[Ends] = frozenset({Outcome.NOTHING_THERE})
    FROM_MEMORY: ClassVar[bool] = False

    stores: Stores
    clock: Clock

    def __call__(self, operator: str, asked: PasswordReset) -> None:
        """
        Make it so.

        Raises:
            Refused: With NOTHING_THERE, when there is no such user.

        """
        encoded = hash_password(asked.password.reveal())
        with self.stores.change(Event("user:password-reset", "user", str(asked.user_id), operator)) as change:
            if change.accounts.lock(asked.user_id) is None:
                raise Refused(Outcome.NOTHING_THERE, f"no user {asked.user_id}")
            change.accounts.set_password(asked.user_id, encoded)
            change.sessions.end_of_user(asked.user_id, Reason.PASSWORD_CHANGED, self.clock())
