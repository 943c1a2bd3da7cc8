"""Add a company."""

from dataclasses import dataclass, replace
from typing import ClassVar

from lingpai.stores.interfaces import Stores
from lingpai.vocabulary.clock import Clock
from lingpai.vocabulary.events import Event
from lingpai.vocabulary.outcomes import Ends
from lingpai.vocabulary.values import Company


@dataclass(frozen=True, slots=True)
class AddCompany:
    """Add a company; its id is given by the store."""

    ENDS: ClassVar[Ends] = frozenset()
    FROM_MEMORY: ClassVar[bool] = False

    stores: Stores
    clock: Clock

    def __call__(self, operator: str, company: Company) -> Company:
        event = Event("company:added", "company", "", operator, {"name": company.name}, told=False)
        with self.stores.change(event) as change:
            kept = change.companies.add(replace(company, created=company.created or self.clock()))
            change.about(str(kept.id))
            return kept
