"""The town, and databases of a test's own."""

import sys
from pathlib import Path

import pytest

# The town is told in a file beside this one, and the databases where the root's tests have them.
sys.path.insert(0, str(Path(__file__).parent))

from settling import begin, settled

from tests.conftest import databases, postgres_url

__all__ = ["databases", "postgres_url"]


@pytest.fixture
def town():
    """Five contracts to ask, in a town where the first has been asked before."""
    five = settled()
    begin(five, "mowork")
    return five
