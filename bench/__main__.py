"""`python -m bench [verify]`: measure, print a table, and keep the figures in bench/results/."""

import argparse
import json
import platform
from datetime import UTC, datetime
from pathlib import Path

from bench.verify import REQUESTS, verify

RESULTS = Path(__file__).parent / "results"


def main() -> None:
    """Run the parts that are asked for."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("part", nargs="?", default="verify", choices=["verify"])
    parser.add_argument("--sessions", type=int, default=100_000, help="live sessions of each contract")
    parser.add_argument("--seconds", type=int, default=5, help="of one run")
    parser.add_argument("--rounds", type=int, default=3, help="how often everything is measured, in turn")
    parser.add_argument("--contract", action="append", choices=list(REQUESTS), help="only this one")
    asked = parser.parse_args()
    names = asked.contract or list(REQUESTS)
    found = verify(count=asked.sessions, seconds=asked.seconds, rounds=asked.rounds, names=names)
    RESULTS.mkdir(exist_ok=True)
    now = datetime.now(UTC)
    file = RESULTS / f"{now:%Y-%m-%d-%H%M}.json"
    machine = {"python": platform.python_version(), "machine": platform.machine()}
    file.write_text(json.dumps({"at": now.isoformat(), "machine": machine, "verify": found}, indent=1) + "\n")
    print(f"\nkept in {file.relative_to(Path.cwd())}")


if __name__ == "__main__":
    main()
