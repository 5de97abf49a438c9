"""The peer beside which the count is measured: pabutools, with identical ballots merged for it.

    python -m benchmarks.peer FILE mes|mes-merged|add1u|end-to-end

Prints one JSON object: CPU seconds and the winners. It is run as a process of its own, with a limit
on its time, because some elections take it hours.
"""

import gzip
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any


def main(path: str, work: str) -> None:
    """Do the work once and print what it took."""
    from pabutools.election import Cost_Sat, parse_pabulib
    from pabutools.rules import (
        completion_by_rule_combination,
        greedy_utilitarian_welfare,
        method_of_equal_shares,
    )

    content = Path(path).read_bytes()
    plain = gzip.decompress(content) if path.endswith(".gz") else content
    with tempfile.NamedTemporaryFile(suffix=".pb") as file:
        file.write(plain)
        file.flush()
        before = time.process_time()
        instance, profile = parse_pabulib(file.name)
    read = time.process_time() - before
    ballots: Any = profile if work in ("mes", "end-to-end") else profile.as_multiprofile()
    before = time.process_time()
    if work == "mes":
        won = method_of_equal_shares(instance, ballots, sat_class=Cost_Sat)
    else:
        ballots = profile.as_multiprofile()
        won = completion_by_rule_combination(
            instance,
            ballots,
            [method_of_equal_shares, greedy_utilitarian_welfare],
            [{"sat_class": Cost_Sat, "voter_budget_increment": 1}, {"sat_class": Cost_Sat}],
        )
    counted = time.process_time() - before
    print(json.dumps({"read": read, "count": counted, "won": sorted(p.name for p in won)}))


if __name__ == "__main__":
    main(*sys.argv[1:])
