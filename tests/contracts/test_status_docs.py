"""docs/status.md has every reason that a status can have, and no other."""

import re
from pathlib import Path

from reconcile.model import names
from tests.status.test_reason import ROWS

DOCS = (Path(__file__).parents[2] / "docs" / "status.md").read_text()
TABLE = DOCS.partition("## The reasons")[2].partition("\n## ")[0]


def documented() -> set[tuple[str, str, str]]:
    """Reason, Ready and Stalled of each row."""
    rows = re.findall(r"^\| `(\w+)` \| (\w+) \| (\S+)[^|]* \|", TABLE, re.MULTILINE)
    return {(reason, ready, stalled) for reason, ready, stalled in rows}


def test_every_reason_is_in_the_table() -> None:
    assert {reason for reason, _, _ in documented()} == names.REASONS


def test_every_row_of_the_unit_tests_is_in_the_table() -> None:
    told = {
        (reason, str(reason == "Available"), "True" if stalled else "no")
        for _, text in ROWS.values()
        for reason, stalled in re.findall("^([A-Za-z]+)(!?): ", text)
    }
    # An HTTPRoute that was not answered is one row with the one that was refused.
    assert told - documented() == {("RouteNotAccepted", "False", "no")}
