"""Tours of the contracts, each declared as a table of steps in a file of its contract's name."""

from importlib import import_module
from importlib.util import find_spec

from lingpai.cli.tours.walking import Tour


def tour_of(contract: str) -> Tour | None:
    """Return the tour of *contract*, or None where it has none."""
    name = f"{__name__}.{contract}"
    if not contract.isidentifier() or find_spec(name) is None:
        return None
    tour = getattr(import_module(name), "TOUR", None)
    return tour if isinstance(tour, Tour) else None
