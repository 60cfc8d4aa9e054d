"""The report as programs read it, and the schema that describes it."""

import json
from pathlib import Path
from typing import Any, get_args

import pytest
from jsonschema import Draft202012Validator

from reconcile.desire.children import CHILDREN
from reconcile.errors import EXIT_NO_ANSWER, EXIT_USAGE
from reconcile.plan.changes import DELETES, PREVIEW, Outcome, Plan, Result, Withheld
from reconcile.report.json import FORMAT_VERSION, run_json
from reconcile.status.result import Pass, Run, Standing, StandingState
from tests.report.test_text import CREATE, DELETE, PLAN, UPDATE

SCHEMA = json.loads((Path(__file__).parents[2] / "docs" / "report.schema.json").read_text())
VALIDATOR = Draft202012Validator(SCHEMA)


def report(done: Run, exit_code: int = 0) -> dict[str, Any]:
    """The report, read back; the schema takes it."""
    text = run_json(done, cluster="the files in shop/", scope="every preview", exit_code=exit_code)
    assert text.endswith("}\n")
    assert text.isascii()
    found: dict[str, Any] = json.loads(text)
    VALIDATOR.validate(found)
    return found


def field(path: str, before: str | None, after: str | None, note: str) -> dict[str, str | None]:
    return {"path": path, "before": before, "after": after, "note": note}


def test_the_schema_is_one() -> None:
    Draft202012Validator.check_schema(SCHEMA)


def test_a_whole_dry_run() -> None:
    notes = ("the status of shop/pr-1 was not written: no right",)
    done = Run((Pass(PLAN),), unknown=("pr-7",), absent=("shop/pr-8",), dry_run=True, notes=notes)
    assert report(done, 4) == {
        "format_version": 1,
        "cluster": "the files in shop/",
        "scope": "every preview",
        "dry_run": True,
        "declined": False,
        "unknown": ["pr-7"],
        "absent": ["shop/pr-8"],
        "previews": [],
        "passes": [
            {
                "plan": {
                    "changes": [
                        {
                            "action": "create",
                            "kind": "Deployment",
                            "namespace": "shop",
                            "name": "pr-42",
                            "preview": "shop/pr-42",
                            "reason": "new preview",
                        },
                        {
                            "action": "update",
                            "kind": "Service",
                            "namespace": "shop",
                            "name": "pr-41",
                            "preview": "shop/pr-41",
                            "reason": "drifted",
                            "fields": [
                                field("spec.ports[http].targetPort", "8080", "http", ""),
                                field("spec.a", None, "1", ""),
                                field("spec.b", "2", None, ""),
                                field("spec.ports[web]", "{name: web}", None, ""),
                                field("spec.c", "(not shown)", "(not shown)", ""),
                                field("spec.d", None, None, "is in another order"),
                                field("spec.e", "", "x", ""),
                            ],
                        },
                        {
                            "action": "delete",
                            "kind": "Mapping",
                            "namespace": "shop",
                            "name": "pr-12",
                            "preview": "shop/pr-12",
                            "reason": "its preview is gone",
                        },
                        {
                            "action": "keep",
                            "kind": "Ingress",
                            "namespace": "shop",
                            "name": "pr-39",
                            "preview": "shop/pr-39",
                            "reason": "protected: platform9.com/prune is disabled",
                        },
                        {
                            "action": "wait",
                            "kind": "Mapping",
                            "namespace": "shop",
                            "name": "pr-38",
                            "preview": "shop/pr-38",
                            "reason": "waits: deleted when Ingress shop/pr-38 exists",
                        },
                        {
                            "action": "blocked",
                            "kind": "Preview",
                            "namespace": "shop",
                            "name": "pr-40",
                            "preview": "shop/pr-40",
                            "reason": "x.example.com: belongs to shop/pr-39; change spec.fqdn",
                            "verdict": "HostnameConflict",
                        },
                    ],
                    "withheld": [
                        {"subject": "Deletes", "reason": "Refusing to prune: the list of previews is empty"}
                    ],
                    "notes": ["only namespace shop was read"],
                    "summary": {
                        "create": 1,
                        "update": 1,
                        "delete": 1,
                        "kept": 1,
                        "waiting": 1,
                        "blocked": 1,
                        "unchanged": 1,
                    },
                },
                "outcomes": {
                    "writes": [],
                    "summary": dict.fromkeys(
                        ("created", "updated", "deleted", "kept", "failed", "rejected", "blocked", "skipped"),
                        0,
                    ),
                },
            }
        ],
        "notes": ["the status of shop/pr-1 was not written: no right"],
        "waited": [],
        "exit_code": 4,
    }


def test_each_pass_has_what_became_of_its_writes() -> None:
    first = Pass(PLAN, (Outcome(CREATE, "done"), Outcome(UPDATE, "failed", "no")))
    second = Pass(Plan((DELETE,)), (Outcome(DELETE, "done"),))
    passes = report(Run((first, second)), 1)["passes"]
    service = {"kind": "Service", "namespace": "shop", "name": "pr-41"}
    assert passes[0]["outcomes"]["writes"] == [
        {
            "action": "create",
            "kind": "Deployment",
            "namespace": "shop",
            "name": "pr-42",
            "result": "created",
            "message": "",
        },
        {"action": "update", **service, "result": "failed", "message": "no"},
    ]
    assert [one["result"] for one in passes[1]["outcomes"]["writes"]] == ["deleted"]
    assert passes[1]["outcomes"]["summary"]["deleted"] == 1


def test_what_is_no_plain_character_is_an_escape_in_json_and_comes_back_whole() -> None:
    nasty = "\x1b[2J\u202e\n::error::##[group]ünïcode"
    done = Run((Pass(Plan((), (Withheld("Service", nasty),), (nasty,))),))
    text = run_json(done, cluster=nasty, scope=nasty, exit_code=4)
    assert "\x1b" not in text
    assert "##[" not in text
    assert report(done, 4)["passes"][0]["plan"]["notes"] == [nasty]


# the schema says what the code can say


def test_the_schema_names_every_kind_and_every_result() -> None:
    kinds = [kind.resource.kind for kind in CHILDREN]
    assert SCHEMA["$defs"]["kind"]["enum"] == [PREVIEW, *kinds]
    subject = SCHEMA["$defs"]["plan"]["properties"]["withheld"]["items"]["properties"]["subject"]
    assert subject["enum"] == [DELETES, *kinds]
    done = {"created", "updated", "deleted"}
    assert set(SCHEMA["$defs"]["result"]["enum"]) == (set(get_args(Result)) - {"done"}) | done
    assert SCHEMA["properties"]["format_version"]["const"] == FORMAT_VERSION


def test_who_was_waited_for_is_told_in_each_state() -> None:
    states = get_args(StandingState)
    assert SCHEMA["$defs"]["waited"]["properties"]["state"]["enum"] == list(states)
    waited = tuple(Standing("shop", f"pr-{n}", state, "R", "m") for n, state in enumerate(states))
    assert report(Run((Pass(PLAN),), waited=waited), 1)["waited"] == [
        {"namespace": "shop", "name": f"pr-{n}", "state": state, "reason": "R", "message": "m", "url": None}
        for n, state in enumerate(states)
    ]


def test_the_schema_has_every_exit_code_of_a_run_that_got_as_far_as_a_plan() -> None:
    codes = set(SCHEMA["properties"]["exit_code"]["enum"])
    assert codes == {0, 1, 2, 3, 4, 5, 130, 143} - {EXIT_USAGE, EXIT_NO_ANSWER}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("exit_code",), 2),
        (("passes",), []),
        (("more",), 1),
        (("passes", 0, "plan", "changes", 0, "action"), "replace"),
        (("passes", 0, "plan", "changes", 0, "fields"), []),
        (("passes", 0, "plan", "changes", 0, "verdict"), "Invalid"),
        (("passes", 0, "plan", "changes", 0, "more"), 1),
        (("passes", 0, "plan", "changes", 5, "verdict"), "Other"),
        (("passes", 0, "plan", "changes", 1, "fields", 0, "before"), 1),
        (("passes", 0, "plan", "summary", "create"), -1),
    ],
)
def test_the_schema_refuses_what_no_report_says(path: tuple[Any, ...], value: Any) -> None:
    document = report(Run((Pass(PLAN),)))
    above: Any = document
    for step in path[:-1]:
        above = above[step]
    above[path[-1]] = value
    assert not VALIDATOR.is_valid(document)
