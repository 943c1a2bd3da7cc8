"""
Weak forms, as the parts of a contract declare them, and the order in which a call is judged by its client's policies.

A part that reads a weak form has it as one of its fields. So what a contract reads can be listed, and a
contract that would act before the policies were judged is not built.
"""

import dataclasses
from collections.abc import Iterable
from typing import TYPE_CHECKING

from lingpai.vocabulary.policies import WeakForm

if TYPE_CHECKING:
    from lingpai.edge.contract import Route, Step


def weak_forms(part: object) -> frozenset[WeakForm]:
    """Return every weak form that *part*, or a part of it, declares."""
    if isinstance(part, WeakForm):
        return frozenset({part})
    if isinstance(part, tuple):
        return frozenset().union(*map(weak_forms, part))
    if dataclasses.is_dataclass(part) and not isinstance(part, type):
        return weak_forms(tuple(getattr(part, field.name) for field in dataclasses.fields(part)))
    return frozenset()


def way(steps: Iterable["Step"], route: "Route") -> list["Step"]:
    """Return what happens to a call of *route*, with its proofs in their place."""
    return [inner for step in steps for inner in step.on(route)]


def check_judged(steps: Iterable["Step"], route: "Route") -> None:
    """
    Make sure that whatever a call of *route* may use is judged, for a client that is known, before the call acts.

    Raises:
        ValueError: It would act first, or judge before the client is known.

    """
    is_known, is_judged = False, False
    for step in way(steps, route):
        if step.JUDGES:
            if not is_known:
                raise ValueError(f"{route.path}: {_name(step)} stands before the client is known")
            is_judged = True
        elif step.ACTS and not is_judged:
            raise ValueError(
                f"{route.path}: {_name(step)} acts before the policies are judged; put Permitted() before it"
            )
        elif weak_forms(step):
            is_judged = False
        is_known = is_known or step.KNOWS_CLIENT


def _name(step: "Step") -> str:
    return type(step).__name__
