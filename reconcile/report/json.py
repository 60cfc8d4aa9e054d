"""The report as JSON for programs; `docs/report.schema.json` describes it."""

import json
from typing import Any

from reconcile.plan.changes import (
    Blocked,
    Change,
    Create,
    Delete,
    FieldChange,
    Keep,
    Outcome,
    Plan,
    Update,
    Waiting,
)
from reconcile.report.counts import action_of, counts, done_word, few, outcome_counts
from reconcile.report.safe import cut, safe_json
from reconcile.report.states import State, states
from reconcile.status.result import Run, Standing

FORMAT_VERSION = 1

_ACTIONS = {
    Create: "create",
    Update: "update",
    Delete: "delete",
    Keep: "keep",
    Waiting: "wait",
    Blocked: "blocked",
}


def run_json(done: Run, *, cluster: str, scope: str, exit_code: int) -> str:
    """The whole run as one JSON document; unchanged children are counted, not listed."""
    document = {
        "format_version": FORMAT_VERSION,
        "cluster": cluster,
        "scope": scope,
        "dry_run": done.dry_run,
        "declined": done.declined,
        "unknown": list(done.unknown),
        "absent": list(done.absent),
        "previews": [_preview(state) for state in states(done)],
        "passes": [{"plan": _plan(one.plan), "outcomes": _outcomes(one.outcomes)} for one in done.passes],
        "notes": [cut(note) for note in done.notes],
        "waited": [_waited(one) for one in done.waited],
        "exit_code": exit_code,
    }
    # ASCII alone: what is no plain character is an escape in every JSON string.
    return safe_json(json.dumps(document, indent=2, ensure_ascii=True)) + "\n"


def _preview(state: State) -> dict[str, Any]:
    return {
        "namespace": state.namespace,
        "name": state.name,
        "url": state.url or None,
        "state": state.state,
        "reason": state.reason,
        "message": cut(state.message),
        "created": state.created or None,
        "expires": state.expires or None,
    }


def _waited(one: Standing) -> dict[str, Any]:
    return {
        "namespace": one.namespace,
        "name": one.name,
        "state": one.state,
        "reason": one.reason,
        "message": cut(one.message),
        "url": one.url or None,
    }


def _plan(plan: Plan) -> dict[str, Any]:
    count = counts(plan)
    shown = [c for c in plan.changes if action_of(c) != "unchanged"]
    names = ("create", "update", "delete", "kept", "waiting", "blocked", "unchanged")
    return {
        "changes": [_change(change) for change in shown],
        "withheld": [{"subject": entry.subject, "reason": cut(entry.reason)} for entry in plan.withheld],
        "notes": [cut(note) for note in plan.notes],
        "summary": {name: count[name] for name in names},
    }


def _change(change: Change) -> dict[str, Any]:
    found: dict[str, Any] = {
        "action": _ACTIONS[type(change)],
        "kind": change.key.kind,
        "namespace": change.key.namespace,
        "name": change.key.name,
        "preview": change.preview,
        "reason": cut(change.reason),
    }
    if isinstance(change, Update):
        found["fields"] = [_field(field) for field in few(change.fields)]
    if isinstance(change, Blocked):
        found["verdict"] = change.verdict
    return found


def _field(field: FieldChange) -> dict[str, Any]:
    return {
        "path": cut(field.path),
        "before": None if field.before is None else cut(field.before),
        "after": None if field.after is None else cut(field.after),
        "note": cut(field.note),
    }


def _outcomes(outcomes: tuple[Outcome, ...]) -> dict[str, Any]:
    count = outcome_counts(outcomes)
    names = ("created", "updated", "deleted", "kept", "failed", "rejected", "blocked", "skipped")
    listed = [
        {
            "action": _ACTIONS[type(outcome.change)],
            "kind": outcome.change.key.kind,
            "namespace": outcome.change.key.namespace,
            "name": outcome.change.key.name,
            "result": done_word(outcome.change) if outcome.result == "done" else outcome.result,
            "message": cut(outcome.message),
        }
        for outcome in outcomes
    ]
    return {"writes": listed, "summary": {name: count[name] for name in names}}
