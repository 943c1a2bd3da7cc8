"""What an answer tells a client of what it uses and will lose: `Deprecation` (RFC 9745) and `Sunset` (RFC 8594)."""

from collections.abc import Mapping
from email.utils import formatdate

from lingpai.edge.call import Call
from lingpai.vocabulary.clock import SECOND
from lingpai.vocabulary.policies import FREE, Policy, WeakForm, form_rule
from lingpai.vocabulary.values import Client

_NOTHING: Mapping[str, str] = {}


def announced(call: Call, client: Client) -> Mapping[str, str]:
    """
    Return the headers for the first end of what *call* used: a weak form, an old secret, or the contract itself.

    Nothing is told of what has no end, since nobody could do anything about it. `Deprecation` is when the end was
    said, or where only a setting says it, the end itself.
    """
    if client.policies is FREE and not call.contract.weak and call.secret_end is None:
        return _NOTHING
    said = client.policies.said
    rules = [form_rule(form, said, call.contract.weak) for form in call.weak] + [said.get(call.contract.name)]
    if call.secret_end is not None:
        rules.append(Policy(WeakForm.OLD_SECRET, call.secret_end, client.secret_made))
    ending = [(rule.end, rule) for rule in rules if rule is not None and rule.end]
    if not ending:
        return _NOTHING
    end, rule = min(ending, key=lambda one: one[0])
    return {"deprecation": f"@{_since(rule, end) // SECOND}", "sunset": formatdate(end / SECOND, usegmt=True)}


def _since(rule: Policy, end: int) -> int:
    """Return since when it is deprecated: never later than the end (RFC 9745, section 4)."""
    return min(rule.since or end, end)
