"""docs/unattended.md and docs/status.md name every metric, every field of a summary and every Event."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path

from reconcile.cli.metrics import registry_of
from reconcile.plan.changes import Create, Delete, Update
from reconcile.report.summary import Summary
from reconcile.status.events import of_outcomes
from tests.status.test_events import TRANSITIONS, done

DOCS = Path(__file__).parents[2] / "docs"
UNATTENDED = (DOCS / "unattended.md").read_text()
EVENTS = (DOCS / "status.md").read_text().partition("## Events")[2].partition("\n## ")[0]
NOW = datetime(2026, 1, 10, 12, tzinfo=UTC)
SUMMARY = Summary(0, 1.0, success=True, now=NOW, previews={"Available": 1})


def test_every_metric_is_in_the_table_with_its_labels() -> None:
    documented = re.findall(r"^\| `(preview_reconcile_\w+)(?:\{([\w,]+)\})?` \|", UNATTENDED, re.MULTILINE)
    made = {(metric.name, ",".join(metric.samples[0].labels)) for metric in registry_of(SUMMARY).collect()}
    assert sorted(documented) == sorted(made)


def test_the_summary_that_is_shown_has_every_field() -> None:
    (shown,) = re.findall(r"```json\n(.*)\n```", UNATTENDED)
    assert set(json.loads(shown)) == set(SUMMARY.fields)


def test_every_event_that_hangs_on_no_failure_is_in_the_table_with_its_type() -> None:
    rows = re.findall(r"^\| (`.*?) \| (\w+) \|", EVENTS, re.MULTILINE)
    documented = {(type_, reason) for names, type_ in rows for reason in re.findall("`(\\w+)`", names)}
    told = {event for _, _, events in TRANSITIONS.values() for event in events}
    for action in (Create, Update, Delete):
        told |= {(one.type, one.reason) for one in of_outcomes([done(action, "Service", "drifted")], NOW)}
    assert documented <= told
    assert told - documented == {("Warning", "RolloutFailed"), ("Warning", "RouteNotAccepted")}
