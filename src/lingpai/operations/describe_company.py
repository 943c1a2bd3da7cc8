"""Say what a company is."""

from dataclasses import dataclass
from typing import ClassVar

from lingpai.stores.interfaces import CompanyStore
from lingpai.vocabulary.outcomes import Ends, Outcome, Refused
from lingpai.vocabulary.values import Caller, Company


@dataclass(frozen=True, slots=True)
class DescribeCompany:
    """Describe the company that the call speaks for, if the user still belongs to it."""

    TITLE: ClassVar[tuple[str, str]] = ("查询公司", "Tell of the company")
    ENDS: ClassVar[Ends] = frozenset({Outcome.NOTHING_THERE})
    FROM_MEMORY: ClassVar[bool] = False

    companies: CompanyStore

    def __call__(self, caller: Caller, _question: None) -> Company:
        """
        Return the company.

        Raises:
            Refused: With NOTHING_THERE when the call speaks for none.

        """
        company = None
        if caller.company_id is not None and caller.standing.membership(caller.company_id):
            company = self.companies.by_id(caller.company_id)
        if company is None:
            raise Refused(Outcome.NOTHING_THERE)
        return company
