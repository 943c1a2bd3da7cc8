"""A back office with three companies, whose clock a test moves: pairs are renewed here, and companies changed."""

from dataclasses import replace

from lingpai.operations.change_company import ChangeCompany, CompanyChosen
from lingpai.operations.change_membership import JoinCompany, LeaveCompany, MembershipAsked
from lingpai.operations.open_session import Opening, session_opened
from lingpai.operations.renew import PairShown, Renew, Rotation
from lingpai.principals.admission import Admission
from lingpai.principals.keys import Keyring
from lingpai.stores.memory import Memory
from lingpai.vocabulary.events import Event
from lingpai.vocabulary.outcomes import Reason
from lingpai.vocabulary.values import Caller, Client, Company, PairTerms, Sighting, Terms, User, Visitor

START = 1_576_051_888_000
TERMS = Terms(
    contract="oppmg",
    idle_seconds=3602,
    absolute_seconds=43_200,
    entrance="members",
    company_chosen=True,
    pair=PairTerms(access=1800, refresh=3600, leeway=2, grace=30),
)


class Office:
    """
    One user of companies 1 and 2 (not 3), signed in once: session `self.session`, pair 1 for company 1.

    Args:
        reuse: The client's `refresh_reuse`.

    """

    def __init__(self, reuse="revoke"):
        self.now = START
        self.stores = Memory(self.clock)
        self.keys = Keyring(self.stores, bytes(32), self.clock, bytes)
        self.keys.import_key("oppmg.pair", b"access-key-for-tests-of-32-bytes" + b"refresh-key-for-tests-of-32bytes")
        client = Client("oppmg:unknown", "", contracts=frozenset({"oppmg"}), refresh_reuse=reuse)
        self.visitor = Visitor(terms=TERMS, client=client)
        admission, rotation = Admission(self.clock), Rotation(self.keys, self.clock)
        self.renewing = Renew(self.stores, admission, rotation)
        self.changing = ChangeCompany(self.stores, admission, rotation)
        with self.stores.change(Event("test:prepared", "everything", "")) as change:
            for name in ("一", "二", "三"):
                change.companies.add(Company(0, name))
            change.clients.add(client)
            change.accounts.add(User(0, "mei", "mei", "", company_id=1))
            for company_id in (1, 2):
                change.companies.join(1, company_id, is_admin=False)
        self.session = "s"
        with self.stores.change(session_opened(self.session, 1, self.visitor)) as change:
            Opening(self.keys, self.clock, bytes).open(change, self.session, 1, self.visitor)

    def clock(self):
        return self.now

    def wait(self, seconds):
        self.now += round(seconds * 1000)

    def standing(self):
        return self.stores.sessions.standing_of(self.session)

    def pair(self, number):
        return self.stores.generations.find(self.session, number)

    def renew(self, number, company_id=1):
        """Show the refresh token of pair *number*, and return the pair that is the answer."""
        return self.renewing(self.visitor, PairShown(self.session, number, company_id)).pair

    def change_company(self, number, company_id, speaks_for=1):
        """Show the access token of pair *number*, ask for a company, and return the pair that is the answer."""
        standing = self.standing()
        caller = Caller(
            terms=TERMS, client=standing.client, standing=standing, company_id=speaks_for, generation=number
        )
        return self.changing(caller, CompanyChosen(company_id)).pair

    def be_seen(self):
        """Write down a use of the session, as the shell does after each renewal."""
        self.stores.traces.saw([Sighting(self.session, self.now, TERMS.idle_end(self.now))])

    def join(self, company_id):
        JoinCompany(self.stores)("operator", MembershipAsked(1, company_id))

    def leave(self, company_id):
        LeaveCompany(self.stores, self.clock)("operator", MembershipAsked(1, company_id))

    def end(self, reason=Reason.KICKED_OUT):
        with self.stores.change(Event("session:ended", "session", self.session)) as change:
            change.sessions.end(self.session, reason, self.now)

    def spend(self, number):
        """Exchange pair *number* for none, as only a broken restore could."""
        with self.stores.change(Event("test:spent", "session", self.session)) as change:
            assert change.generations.claim(self.session, number, self.now)

    def events(self):
        return [row.kind for row in self.stores.audit.page(0, 1000) if row.kind.startswith("session:")]


class OutrunBook:
    """
    A book of pairs in whose way another transaction comes once, right before a claim.

    Stands for engines whose transactions see each other's commits between two statements.
    """

    def __init__(self, book, meanwhile):
        self._book = book
        self._meanwhile = meanwhile

    def __getattr__(self, name):
        return getattr(self._book, name)

    def claim(self, session_id, number, at):
        meanwhile, self._meanwhile = self._meanwhile, None
        if meanwhile is not None:
            assert self._book.claim(session_id, number, at)
            self._book.add(replace(self._book.find(session_id, number), number=number + 1, exchanged=None, **meanwhile))
            return False
        return self._book.claim(session_id, number, at)


def outrun(stores, **meanwhile):
    """Let the next claim in *stores* come too late: another call made a pair with the values *meanwhile* before it."""
    change_of = stores.change

    class Outrun:
        def __init__(self, event):
            self._change = change_of(event)

        def __enter__(self):
            change = self._change.__enter__()
            change.generations = OutrunBook(change.generations, meanwhile)
            return change

        def __exit__(self, *raised):
            return self._change.__exit__(*raised)

    stores.change = Outrun
