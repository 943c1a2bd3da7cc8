"""Change one's own password; every other session of the user ends."""

from dataclasses import dataclass, field
from typing import Annotated, ClassVar

from lingpai.principals.admission import Admission
from lingpai.principals.passwords.strength import check_new_password
from lingpai.principals.passwords.trials import PasswordTrials
from lingpai.principals.rates import Rate, unlimited
from lingpai.stores.interfaces import Stores
from lingpai.vocabulary.clock import Clock
from lingpai.vocabulary.events import Event
from lingpai.vocabulary.likeness import like
from lingpai.vocabulary.outcomes import Ends, Outcome, Reason, Refused
from lingpai.vocabulary.values import Caller


@dataclass(frozen=True, slots=True)
class PasswordChange:
    """The password as it is, and as it shall be."""

    old: Annotated[str, like("correct horse", "原密码", "the password as it is")] = field(repr=False)
    new: Annotated[str, like("battery staple", "新密码", "the password as it shall be")] = field(repr=False)


@dataclass(frozen=True, slots=True)
class ChangePassword:
    """Change the caller's password; the session that asks stays, all others of the user end."""

    TITLE: ClassVar[tuple[str, str]] = ("修改密码", "Change the password")
    ENDS: ClassVar[Ends] = Admission.ENDS | PasswordTrials.ENDS | {Outcome.PASSWORD_TOO_WEAK}
    FROM_MEMORY: ClassVar[bool] = False

    stores: Stores
    trials: PasswordTrials
    admission: Admission
    clock: Clock
    rate: Rate = unlimited

    def __call__(self, caller: Caller, asked: PasswordChange) -> None:
        """
        Make it so.

        Raises:
            Refused: With PASSWORD_TOO_WEAK, whatever the old one is; with SIGN_IN_FAILED for a wrong old password,
                TOO_MANY_ATTEMPTS when too many are hashed or were tried; with SESSION_OVER when the session was
                ended, or its user disabled, while the passwords were hashed.

        """
        self.rate("sign_in", caller)
        user = self.stores.accounts.by_id(caller.user.id)
        # First, so that whoever looks for a new one uses up no tries of the old.
        check_new_password(asked.new, caller.user.name)
        passed = self.trials.check(caller.user.name, caller.address, user, asked.old)
        assert user is not None  # noqa: S101 - nobody else has a right password
        encoded = self.trials.gate.hash(asked.new)
        with self.stores.change(Event("user:password-changed", "user", str(user.id), caller.actor)) as change:
            now_kept = change.accounts.lock(user.id)
            self.admission.check(change.sessions.standing_of(caller.session.id), caller.terms)
            if now_kept is None or now_kept.password != user.password:
                raise Refused(Outcome.SIGN_IN_FAILED, "the password was changed meanwhile")
            self.trials.clear(change, passed)
            change.accounts.set_password(user.id, encoded)
            change.sessions.end_of_user(user.id, Reason.PASSWORD_CHANGED, self.clock(), but=caller.session.id)
