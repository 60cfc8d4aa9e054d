"""The report as people read it, to the byte."""

from dataclasses import replace

import pytest

from reconcile.kube.objects import Key
from reconcile.model.status import Status
from reconcile.plan.changes import (
    DELETES,
    Blocked,
    Create,
    Delete,
    FieldChange,
    Keep,
    Outcome,
    Plan,
    Skipped,
    Update,
    Waiting,
)
from reconcile.report.text import outcomes_text, plan_text, unready_text
from tests.given import a_read_preview, children_of, key, live

SERVICE = children_of(a_read_preview())["Service"]
LIVE = live(SERVICE)
CREATE = Create(key("Deployment", "pr-42"), "shop/pr-42", {}, "new preview")
UPDATE = Update(
    key("Service", "pr-41"),
    "shop/pr-41",
    SERVICE,
    LIVE,
    (
        FieldChange("spec.ports[http].targetPort", "8080", "http"),
        FieldChange("spec.a", None, "1"),
        FieldChange("spec.b", "2", None),
        FieldChange("spec.ports[web]", "{name: web}", None),
        FieldChange("spec.c", "(not shown)", "(not shown)"),
        FieldChange("spec.d", None, None, "is in another order"),
        FieldChange("spec.e", "", "x"),
    ),
    "drifted",
)
DELETE = Delete(key("Mapping", "pr-12"), "shop/pr-12", LIVE, "its preview is gone")
KEEP = Keep(key("Ingress", "pr-39"), "shop/pr-39", "protected: platform9.com/prune is disabled")
SILENT = Keep(key("Service", "pr-1"), "shop/pr-1")
WAITING = Waiting(key("Mapping", "pr-38"), "shop/pr-38", "waits: deleted when Ingress shop/pr-38 exists")
BLOCKED = Blocked(
    key("Preview", "pr-40"),
    "shop/pr-40",
    "HostnameConflict",
    "x.example.com: belongs to shop/pr-39; change spec.fqdn",
)
PLAN = Plan(
    (CREATE, UPDATE, DELETE, KEEP, SILENT, WAITING, BLOCKED),
    (Skipped(DELETES, "Refusing to prune: the list of previews is empty"),),
    ("only namespace shop was read",),
)


COMING = Status(False, "Progressing", "0 of 1 pods are available")
FAILING = Status(False, "RolloutFailed", "CrashLoopBackOff: exit code 1", stalled=True)
AGAIN = "pass --wait to wait for it, or run again"


@pytest.mark.parametrize(
    ("statuses", "told"),
    [
        ({}, ""),
        ({"shop/pr-1": Status(True, "Available", "its pods are available")}, ""),
        ({"shop/pr-1": Status(False, "Suspended", "no pods are wanted")}, ""),
        ({"shop/pr-1": Status(False, "HostnameConflict", "x belongs to y", stalled=True)}, ""),
        ({"shop/pr-1": COMING}, f"Not ready yet: shop/pr-1 (0 of 1 pods are available); {AGAIN}\n"),
        (
            {"shop/pr-1": Status(False, "Unread", "ConfigMap could not be read")},
            "Not ready: shop/pr-1 (ConfigMap could not be read); reconcile --explain shop/pr-1 has more\n",
        ),
        (
            {"shop/pr-2": COMING, "shop/pr-1": COMING, "blog/pr-3": COMING},
            f"Not ready yet: blog/pr-3 (0 of 1 pods are available), and 2 more; {AGAIN}\n",
        ),
        (
            {"shop/pr-1": COMING, "shop/pr-2": FAILING},
            "Not ready: shop/pr-2 (CrashLoopBackOff: exit code 1); reconcile --explain shop/pr-2 has more\n"
            f"Not ready yet: shop/pr-1 (0 of 1 pods are available); {AGAIN}\n",
        ),
    ],
)
def test_a_run_that_did_not_wait_reports_what_is_not_ready(statuses: dict[str, Status], told: str) -> None:
    assert unready_text(statuses) == told


def test_a_complete_plan() -> None:
    assert plan_text(PLAN) == (
        "+ Deployment  shop/pr-42  new preview\n"
        "~ Service     shop/pr-41  drifted\n"
        "    spec.ports[http].targetPort  8080 -> http\n"
        "    spec.a  + 1\n"
        "    spec.b  2 -> (unset)\n"
        "    spec.ports[web]  - {name: web}\n"
        "    spec.c  changed (not shown)\n"
        "    spec.d  is in another order\n"
        '    spec.e  "" -> x\n'
        "- Mapping     shop/pr-12  its preview is gone\n"
        "= Ingress     shop/pr-39  protected: platform9.com/prune is disabled\n"
        ". Mapping     shop/pr-38  waits: deleted when Ingress shop/pr-38 exists\n"
        "! Preview     shop/pr-40  x.example.com: belongs to shop/pr-39; change spec.fqdn\n"
        "! Refusing to prune: the list of previews is empty\n"
        "  only namespace shop was read\n"
        "\n"
        "Plan: 1 to create, 1 to update, 1 to delete, 1 kept, 1 waiting, 1 blocked, 1 unchanged.\n"
    )


def test_an_empty_plan_is_one_line() -> None:
    assert plan_text(Plan(())) == "Plan: 0 to create, 0 to update, 0 to delete, 0 unchanged.\n"
    assert plan_text(Plan((SILENT,)), title="Then (pass 2)") == (
        "Then (pass 2): 0 to create, 0 to update, 0 to delete, 1 unchanged.\n"
    )


def test_quiet_shows_only_what_needs_attention() -> None:
    assert plan_text(PLAN, quiet=True) == (
        "! Preview  shop/pr-40  x.example.com: belongs to shop/pr-39; change spec.fqdn\n"
        "! Refusing to prune: the list of previews is empty\n"
        "  only namespace shop was read\n"
        "\n"
        "Plan: 1 to create, 1 to update, 1 to delete, 1 kept, 1 waiting, 1 blocked, 1 unchanged.\n"
    )


def test_colour_paints_whole_lines_and_nothing_else() -> None:
    plain, colored = plan_text(PLAN).splitlines(), plan_text(PLAN, color=True).splitlines()
    painted = {"+": "32", "~": "33", "-": "31", "=": "36", ".": "36", "!": "35"}
    assert colored == [
        f"\x1b[{painted[line[0]]}m{line}\x1b[0m" if line[:1] in painted else line for line in plain
    ]


def test_two_blockades_of_one_preview_are_counted_once() -> None:
    assert "1 blocked" in plan_text(Plan((BLOCKED, BLOCKED)))


@pytest.mark.parametrize("nasty", ["a\n::error::b", "\x1b[2J", "\u202e", "##[group]"])
def test_nothing_that_was_written_elsewhere_leaves_its_line(nasty: str) -> None:
    where = Key("Preview", "shop", "pr-1")
    field = FieldChange(f"spec{nasty}", nasty, nasty + "x", "")
    plan = Plan(
        (
            Update(UPDATE.key, "", SERVICE, LIVE, (field,), nasty),
            Blocked(where, "shop/pr-1", "Invalid", nasty),
        ),
        (Skipped("Service", nasty),),
        (nasty,),
    )
    text = plan_text(plan) + outcomes_text([Outcome(CREATE, "failed", nasty)])
    assert len(text.split("\n")) == 10
    assert nasty not in text
    assert not any(line.lstrip().startswith("::") for line in text.splitlines())


def test_the_results_of_the_writes() -> None:
    outcomes = [
        Outcome(CREATE, "done"),
        Outcome(UPDATE, "failed", "the API server does not take it (422): no"),
        Outcome(DELETE, "canceled", "its preview was recreated"),
        Outcome(CREATE, "blocked", "a stranger's"),
        Outcome(CREATE, "skipped", "Service shop/pr-42 comes before it"),
    ]
    assert outcomes_text(outcomes) == (
        "x Service shop/pr-41  failed: the API server does not take it (422): no\n"
        "= Mapping shop/pr-12  canceled: its preview was recreated\n"
        "! Deployment shop/pr-42  blocked: a stranger's\n"
        ". Deployment shop/pr-42  skipped: Service shop/pr-42 comes before it\n"
        "Done: 1 created, 0 updated, 0 deleted, 1 canceled, 1 failed, 1 blocked, 1 skipped.\n"
    )


def test_what_was_simply_done_is_only_counted() -> None:
    outcomes = [Outcome(CREATE, "done"), Outcome(UPDATE, "done"), Outcome(DELETE, "done")]
    assert outcomes_text(outcomes, color=True) == "Done: 1 created, 1 updated, 1 deleted.\n"


def test_a_field_that_cannot_be_shown_hides_none_of_the_plan() -> None:
    broken = FieldChange(None, "a secret", None)  # type: ignore[arg-type]
    text = plan_text(Plan((replace(UPDATE, fields=(broken, *UPDATE.fields)), DELETE)))
    assert "    (cannot be shown: AttributeError; this is a bug)\n" in text
    assert "a secret" not in text
    assert text.endswith("Plan: 0 to create, 1 to update, 1 to delete, 0 unchanged.\n")
