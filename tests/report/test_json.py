"""The report as programs read it, and the schema that describes it."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import pytest
from jsonschema import Draft202012Validator

from reconcile.errors import EXIT_NO_ANSWER, EXIT_USAGE
from reconcile.model.names import INTERNAL_ERROR
from reconcile.plan.changes import Blocked, Outcome, Plan, Result, Skipped
from reconcile.report.json import FORMAT_VERSION, run_json
from reconcile.report.states import StateName
from reconcile.status.result import Pass, Run, Standing, StandingState
from tests.given import an_unreadable_preview
from tests.report.test_states import with_ready
from tests.report.test_text import CREATE, DELETE, PLAN, UPDATE

SCHEMA = json.loads((Path(__file__).parents[2] / "docs" / "report.schema.json").read_text())
GOLDEN = Path(__file__).parent / "golden"
VALIDATOR = Draft202012Validator(SCHEMA)


def text_of(done: Run, exit_code: int) -> str:
    return run_json(done, cluster="the files in shop/", scope="every preview", exit_code=exit_code)


def report(done: Run, exit_code: int = 0) -> dict[str, Any]:
    """The report, read back; the schema takes it."""
    text = text_of(done, exit_code)
    assert text.isascii()
    found: dict[str, Any] = json.loads(text)
    VALIDATOR.validate(found)
    return found


def test_the_schema_is_one() -> None:
    Draft202012Validator.check_schema(SCHEMA)


def test_a_report_is_as_in_the_golden_file() -> None:
    notes = ("the status of shop/pr-1 was not written: no right",)
    states = get_args(StandingState)
    done = Run(
        (
            Pass(PLAN, (Outcome(CREATE, "done"), Outcome(UPDATE, "failed", "no"))),
            Pass(Plan((DELETE,)), (Outcome(DELETE, "done"),)),
        ),
        unknown=("pr-7",),
        absent=("shop/pr-8",),
        previews=(with_ready("True"), an_unreadable_preview("pr-2", created="")),
        url_scheme="https",
        notes=notes,
        waited=tuple(Standing("shop", f"pr-{n}", state, "R", "m") for n, state in enumerate(states)),
    )
    report(done, 4)
    assert text_of(done, 4) == (GOLDEN / "everything.json").read_text()


def test_a_special_character_is_an_escape_in_json_and_is_read_back_unchanged() -> None:
    nasty = "\x1b[2J\u202e\n::error::##[group]ünïcode"
    done = Run((Pass(Plan((), (Skipped("Service", nasty),), (nasty,))),))
    text = run_json(done, cluster=nasty, scope=nasty, exit_code=4)
    assert "\x1b" not in text
    assert "##[" not in text
    assert report(done, 4)["passes"][0]["plan"]["notes"] == [nasty]


# the schema says what the code can say


def test_the_schema_takes_every_kind_that_a_template_may_make() -> None:
    custom = "ExternalSecret.external-secrets.io"
    create = replace(CREATE, key=CREATE.key._replace(kind=custom))
    told = report(Run((Pass(Plan((create,), (Skipped("ConfigMap", "no"),)), (Outcome(create, "done"),)),)), 4)
    assert told["passes"][0]["plan"]["changes"][0]["kind"] == custom


def test_the_schema_takes_a_preview_that_is_blocked_by_a_bug() -> None:
    blocked = Blocked(CREATE.key, CREATE.preview, INTERNAL_ERROR, "KeyError")
    assert (
        report(Run((Pass(Plan((blocked,))),)), 1)["passes"][0]["plan"]["changes"][0]["reason"]
        == INTERNAL_ERROR
    )


def test_the_schema_names_every_result_and_state() -> None:
    done = {"created", "updated", "deleted"}
    assert set(SCHEMA["$defs"]["result"]["enum"]) == (set(get_args(Result)) - {"done"}) | done
    assert SCHEMA["properties"]["format_version"]["const"] == FORMAT_VERSION
    assert SCHEMA["$defs"]["waited"]["properties"]["state"]["enum"] == list(get_args(StandingState))
    assert SCHEMA["$defs"]["preview"]["properties"]["state"]["enum"] == list(get_args(StateName))


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
        (("passes", 0, "plan", "changes", 0, "reason"), "Invalid"),
        (("passes", 0, "plan", "changes", 0, "more"), 1),
        (("passes", 0, "plan", "changes", 5, "reason"), "Other"),
        (("passes", 0, "plan", "changes", 1, "fields", 0, "before"), 1),
        (("passes", 0, "plan", "summary", "create"), -1),
    ],
)
def test_the_schema_refuses_what_no_report_has(path: tuple[Any, ...], value: Any) -> None:
    document = report(Run((Pass(PLAN),)))
    above: Any = document
    for step in path[:-1]:
        above = above[step]
    above[path[-1]] = value
    assert not VALIDATOR.is_valid(document)
