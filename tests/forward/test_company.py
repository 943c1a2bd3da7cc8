"""A service of one company: for whom a call speaks."""

import pytest

from lingpai.edge.forwarding import _is_of
from lingpai.vocabulary.values import Caller, Client, Membership, Session, Standing, Terms, User

OURS, OTHER = 1, 2


@pytest.mark.parametrize(
    ("chosen", "speaks_for", "is_let_in"),
    [(True, OURS, True), (True, OTHER, False), (True, None, False), (False, OTHER, False), (False, None, True)],
)
def test_a_call_speaks_for_the_company_that_its_token_names_and_for_any_only_where_none_is_chosen(
    chosen, speaks_for, is_let_in
):
    session = Session("s", 1, "c", "mowork", "pc", None, None, 0, None, 10, 0)
    standing = Standing(session, User(1, "n", "n", ""), Client("c", "c"), (Membership(OURS, "和园物业"),))
    terms = Terms("mowork", None, 10, company_chosen=chosen)
    caller = Caller(terms=terms, client=standing.client, standing=standing, company_id=speaks_for)

    assert _is_of(caller, OURS) is is_let_in
