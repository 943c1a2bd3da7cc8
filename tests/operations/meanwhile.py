"""An account system in which a test lets something happen while a password is being hashed, as it does in life."""

from collections.abc import Callable
from dataclasses import replace

from lingpai.edge.steps import built_in_id
from lingpai.operations.change_password import ChangePassword
from lingpai.operations.mint_token import MintToken, TokenAsked
from lingpai.operations.register import Register
from lingpai.operations.sign_in import SignIn
from lingpai.principals.admission import Admission
from lingpai.principals.passwords.gate import HashingGate
from lingpai.vocabulary.outcomes import Refused
from lingpai.vocabulary.values import Caller, Visitor
from tests.conformance.stage import Stage


class SlowGate(HashingGate):
    """A gate that does *meanwhile* once, right after its next answer."""

    meanwhile: Callable[[], object] | None = None

    def _run(self, work, first=None):
        answer = super()._run(work, first)
        meanwhile, self.meanwhile = self.meanwhile, None
        if meanwhile is not None:
            meanwhile()
        return answer


class Town(Stage):
    """A stage on which operations are called by themselves, one user being mei."""

    def __init__(self, contract="mowork"):
        super().__init__(contract)
        self.user("mei", "correct horse")
        self.gate = SlowGate(1)
        house = self.house
        self.trials = replace(house.trials, gate=self.gate)
        self.sign_in = SignIn(self.stores, self.trials, house.opening)
        self.register = Register(self.stores, self.gate, house.opening, house.clock)
        self.admission = Admission(house.clock)
        self.change_password = ChangePassword(self.stores, self.trials, self.admission, house.clock)

    def visitor(self, **terms):
        contract = self.house.served[self.name].contract
        client = self.tables.rows.clients[built_in_id(self.name, contract.client_types[0])]
        return Visitor(terms=replace(contract.terms, **terms), client=client, client_type=contract.client_types[0])

    def caller(self, name="mei"):
        """Return *name* with a new session."""
        visitor = self.visitor()
        granted = MintToken(self.stores, self.house.opening)(visitor, TokenAsked(self._user(name).id))
        return Caller(terms=visitor.terms, client=visitor.client, standing=granted.standing)

    def live(self, name="mei"):
        return [s.id for s in self.stores.sessions.of_user(self._user(name).id) if s.ended is None]

    def kinds(self):
        return [row.kind for row in self.stores.audit.page(0, 1000)]


def refusal(call):
    """Return how *call* was refused."""
    try:
        call()
    except Refused as refused:
        return refused
    raise AssertionError("it was not refused")
