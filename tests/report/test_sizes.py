"""Whatever anybody wrote, and however much: each text that is told of it has an end."""

import json
import logging
from dataclasses import replace

import pytest

from reconcile.cli.logging import LONGEST_RECORD, JsonFormatter, SafeFormatter
from reconcile.desire.desire import desire
from reconcile.kube.health.events import LONGEST as LONGEST_EVENT
from reconcile.kube.health.events import pod_event
from reconcile.kube.health.rollout import LONGEST_MESSAGE
from reconcile.kube.objects import EVENTS_V1
from reconcile.model.names import NAME_TAKEN
from reconcile.model.scope import Scope
from reconcile.model.settings import Settings
from reconcile.model.status import rendered
from reconcile.plan.changes import PREVIEW, Blocked, FieldChange, Outcome, Plan, Skipped
from reconcile.plan.child import child_of
from reconcile.plan.decide import decide
from reconcile.report.counts import MOST_FIELDS
from reconcile.report.html import run_html
from reconcile.report.json import run_json
from reconcile.report.safe import LONGEST_LINE
from reconcile.report.text import run_text
from reconcile.status.events import LONGEST_NOTE, event, of_status
from reconcile.status.reason import status_of
from reconcile.status.result import Pass, Run
from tests.given import RULES, a_read_preview, children_of, entry, key, untracked
from tests.report.test_text import UPDATE
from tests.status.test_reason import NOW, facts

ENDLESS = "\u2028é<`" * 2_500
ROOM = 6 * LONGEST_LINE
"""Of one text in a line, with what stands around it: JSON has up to six characters for one."""


def endless() -> Run:
    """A run in which every text of others is endless."""
    labels = [f"metadata.labels[{n}]" for n in range(MOST_FIELDS + 9)]
    first = (FieldChange(ENDLESS, None, None, ENDLESS), FieldChange(labels[0], ENDLESS, f"{ENDLESS}x", ""))
    many = (FieldChange(label, "a", "b", "") for label in labels[1:])
    update = replace(UPDATE, fields=(*first, *many), message=ENDLESS)
    blocked = Blocked(key(PREVIEW), "shop/pr-1", NAME_TAKEN, ENDLESS)
    plan = Plan((update, blocked), (Skipped("Mappings", ENDLESS),), (ENDLESS,))
    return Run((Pass(plan, (Outcome(update, "failed", ENDLESS),)),), notes=(ENDLESS,))


@pytest.mark.parametrize("report", ["text", "json", "html"])
def test_a_line_of_a_report_has_an_end_and_so_have_the_fields_of_a_change(report: str) -> None:
    done = endless()
    text = {
        "text": lambda: run_text(done, cluster="c", scope="s"),
        "json": lambda: run_json(done, cluster="c", scope="s", exit_code=1),
        "html": lambda: run_html(done, cluster="c", scope="s"),
    }[report]()
    ours = max(map(len, run_html(Run((Pass(Plan(())),)), cluster="c", scope="s").splitlines()))
    assert max(map(len, text.splitlines())) < ROOM + 200 + (ours if report == "html" else 0)
    assert "and 10 more" in text
    assert text.count("metadata.labels[") == MOST_FIELDS - 1


def test_a_log_record_has_an_end() -> None:
    record = logging.LogRecord("reconcile", logging.WARNING, "x.py", 1, "%s", (ENDLESS,), None)
    assert len(SafeFormatter().format(record)) < LONGEST_RECORD + 100
    assert len(json.loads(JsonFormatter().format(record))["message"]) < LONGEST_RECORD + 100


def test_a_status_and_its_event_have_an_end() -> None:
    given = facts()
    status = status_of(replace(given, desired=replace(given.desired, reason="Refused", message=ENDLESS)), NOW)
    assert status is not None
    assert len(status.message) <= LONGEST_MESSAGE
    (told,) = of_status({}, rendered(status, {}, NOW))
    found = event(given.desired.preview, told, NOW)
    assert found["kind"] == EVENTS_V1.kind
    assert len(found["note"].encode()) <= LONGEST_NOTE


def test_an_event_of_others_is_truncated() -> None:
    about = {"kind": "Pod", "name": "pr-1-a", "uid": "u-1"}
    warning = {"type": "Warning", "reason": "Unhealthy", "involvedObject": about, "metadata": {}}
    found = pod_event({**warning, "message": ENDLESS})
    assert found is not None
    assert len(found.message) <= LONGEST_EVENT


def test_of_many_refusals_the_first_are_reported() -> None:
    secrets = [
        {"name": f"V{n}", "valueFrom": {"secretKeyRef": {"name": "s" * 253, "key": "k"}}} for n in range(200)
    ]
    (desired,) = desire([a_read_preview(env=secrets)], Settings(), Scope())
    assert desired.message.endswith("; and 180 more")


def test_of_many_managers_of_an_unmanaged_object_a_few_are_named() -> None:
    preview = a_read_preview(uid="u-1")
    service = children_of(preview)["Service"]
    managers = [entry(f"manager-{number:03}", [("f:spec",)]) for number in range(300)]
    bare = {**service, "metadata": {"name": "pr-1", "namespace": "shop"}}
    there = untracked(bare, managedFields=managers)
    change = decide(service, preview, child_of(preview, there, RULES))
    assert isinstance(change, Blocked)
    assert "manager-004 and 295 more)" in change.message
