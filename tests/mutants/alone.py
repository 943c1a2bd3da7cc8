"""`python -m tests.mutants.alone SOURCES TEST...`: run tests on a copy of the sources until one fails."""

import sys
from pathlib import Path

from tests.mutants.judging import run

if __name__ == "__main__":
    sys.exit(run(["-x", *sys.argv[2:]], Path(sys.argv[1]), []))
