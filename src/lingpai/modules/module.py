"""How business is declared: calls that are typed functions of caller and question, known to no wire."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from lingpai.modules.workbench import Workbench
from lingpai.vocabulary.arguments import NOTHING, Asks, Words
from lingpai.vocabulary.outcomes import Ending, Ends, Outcome, Refused, Row
from lingpai.vocabulary.settings import ModuleSettings
from lingpai.vocabulary.values import Caller, Visitor

Result = Any
"""What a call answers: a frozen dataclass or struct, a mapping of plain values, or None for nothing."""


class ModuleFailed(Exception):
    """A module's own code raised what it may not; the message names the module and the call."""


@dataclass(frozen=True, slots=True, eq=False)
class BusinessCall:
    """
    One call.

    Args:
        module: The first part of its name, such as `notice`: what contracts write as module, service or controller.
        name: The second, such as `add`.
        run: Answers it. For a call that is not public the caller is a `Caller`.
        asks: Its arguments.
        answers: The type of the answer, whose fields are the members of `data` in their order; None for no data.
        public: Anyone may call; else a user is needed.
        reads: It changes nothing, so that it may be asked with GET.
        role: Only users with this role may call; empty for all.
        scope: Only clients whose scope has this alias may call; empty for all. Where a house gives short-lived codes
            (zhiyun), a code opens the call under this alias, else under the module's name.
        may: Whether this caller may call, asked before *run*; None for everybody.
        ends: Endings of *run*, besides ARGUMENT_BAD where it has arguments.
        about: What it is for, in Chinese and English.
        of: The name of the module that it belongs to, for the log; filled in by composition.

    """

    module: str
    name: str
    run: Callable[[Any, Any], Result]
    asks: Asks = NOTHING
    answers: Any = None
    public: bool = False
    reads: bool = False
    role: str = ""
    scope: str = ""
    may: Callable[[Caller], bool] | None = None
    ends: Ends = field(default=frozenset())
    about: Words = ("", "")
    of: str = ""

    FROM_MEMORY = False

    @property
    def ENDS(self) -> Ends:  # noqa: N802 - the name that every operation has
        """Every ending that this call can bring about."""
        is_guarded = self.may is not None or self.role or self.scope
        return self.ends | ({Outcome.NOT_ALLOWED} if is_guarded else frozenset())

    def __call__(self, caller: Visitor, question: Any) -> Any:
        """
        Answer the call, in plain values.

        Raises:
            Refused: With NOT_ALLOWED when role, scope or *may* say no, else as *run* says.

            ModuleFailed: *run* raised anything else, or an ending that it did not announce.

        """
        if not self._lets_in(caller):
            raise Refused(Outcome.NOT_ALLOWED)
        try:
            return msgspec.to_builtins(self.run(caller, question))
        except Refused as refusal:
            if refusal.outcome not in self.ENDS | Asks.ENDS | {Outcome.STORE_SILENT}:
                raise ModuleFailed(f"{self} ended in {refusal.outcome.name}, which it does not announce") from refusal
            raise
        except Exception as defect:
            raise ModuleFailed(str(self)) from defect

    def __str__(self) -> str:
        return f"module {self.of or self.module}: {self.module}/{self.name}"

    def _lets_in(self, caller: Visitor) -> bool:
        if self.scope and self.scope not in caller.client.scope.split():
            return False
        if not self.role and self.may is None:
            return True
        if not isinstance(caller, Caller):
            return False
        return (not self.role or caller.user.role == self.role) and (self.may is None or self.may(caller))


@dataclass(frozen=True, slots=True)
class Rung:
    """
    A request as it came, which no contract has read.

    Args:
        headers: Names in lower case; of one that came twice, the last.

    """

    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Replied:
    """What goes back to whoever rang."""

    status: int = 200
    body: bytes = b"{}"
    content_type: str = "application/json"


@dataclass(frozen=True, slots=True)
class Hook:
    """
    Where a machine rings that speaks no contract: `POST /hooks/<module>/<name>`, such as a payment's notification.

    Nothing has been proved when *run* is called: whatever it believes, it must verify.
    """

    name: str
    run: Callable[[Rung], Replied]


Migration = Callable[[Any], None]
"""One step from an earlier schema: it is given Alembic's operations (`op.create_table(…)`), as our own scripts are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Module:
    """
    Business calls that belong together, as their package declares them: `MODULE = Module(…)`.

    Args:
        name: One plain word: its section in the settings, its alias in zhiyun's scopes, the prefix of its tables.
        build: Makes calls and hooks from a workbench and the settings.
        settings: What it lets you set, a `ModuleSettings` with a default for every one.
        contracts: The contracts that serve it; None for every one that can spell its endings.
        codes: For each contract, the rows of its code table that spell this module's own endings.
        migrations: The steps that made its tables what they are, oldest first; none is changed once it was released.
        about: What it is for, in Chinese and English.

    """

    name: str
    build: Callable[[Workbench, Any], Sequence[BusinessCall | Hook]]
    settings: type[Any] = ModuleSettings
    contracts: tuple[str, ...] | None = None
    codes: Mapping[str, tuple[Row, ...]] = field(default_factory=dict)
    migrations: tuple[Migration, ...] = ()
    about: Words = ("", "")


@dataclass(frozen=True, slots=True)
class Offer:
    """What a module offers to one contract."""

    module: str
    calls: tuple[BusinessCall, ...]
    codes: tuple[Row, ...] = ()


Offers = tuple[Offer, ...]
"""What all modules offer to one contract."""


@dataclass(frozen=True, slots=True)
class Built:
    """A module with its calls and hooks made."""

    module: Module
    calls: tuple[BusinessCall, ...]
    hooks: tuple[Hook, ...] = ()

    def offer(self, contract: str) -> Offer | None:
        """
        Return what the contract is to serve, or None where it does not serve this module.

        A module that names its contracts is served by those, and one of them that it has no
        codes for does not start; else it is served where each of its own endings has a row.
        """
        module, rows = self.module, self.module.codes.get(contract, ())
        if module.contracts is not None:
            is_served = contract in module.contracts
        else:
            own = {end for call in self.calls for end in call.ENDS if isinstance(end, Ending)}
            is_served = own <= {end for row in rows for end in row[4:]}
        return Offer(module.name, self.calls, rows) if is_served else None


def built(module: Module, workbench: Workbench, settings: Any) -> Built:
    """Return *module* with its calls and hooks made from *workbench* and *settings*."""
    made = module.build(workbench, settings)
    calls = tuple(dataclasses.replace(one, of=module.name) for one in made if isinstance(one, BusinessCall))
    return Built(module, calls, tuple(one for one in made if isinstance(one, Hook)))
