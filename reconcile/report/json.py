"""The report as JSON for programs; `docs/report.schema.json` describes it."""

import json
from typing import Any

from reconcile.plan.changes import Blocked, Change, FieldChange, Outcome, Plan, Update
from reconcile.report.counts import action_of, counts, few, outcome_counts, result_word
from reconcile.report.safe import cut, safe_json
from reconcile.report.states import State, states
from reconcile.status.result import Run, Standing

FORMAT_VERSION = 2

_ACTIONS = {"kept": "keep", "unchanged": "keep", "waiting": "wait"}
"""Those that are another word here than in the totals."""


def run_json(done: Run, *, cluster: str, scope: str, exit_code: int) -> str:
    """Render the whole run as one JSON document; unchanged children are counted, not listed."""
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
    # In ASCII every character that is not plain is an escape.
    return safe_json(json.dumps(document, indent=2, ensure_ascii=True)) + "\n"


def _preview(state: State) -> dict[str, Any]:
    return {
        "namespace": state.namespace,
        "name": state.name,
        "url": state.url or None,
        **_state(state),
        "created": state.created or None,
        "expires": state.expires or None,
    }


def _waited(one: Standing) -> dict[str, Any]:
    return {"namespace": one.namespace, "name": one.name, **_state(one), "url": one.url or None}


def _state(one: State | Standing) -> dict[str, Any]:
    return {"state": one.state, "reason": one.reason, "message": cut(one.message)}


def _plan(plan: Plan) -> dict[str, Any]:
    return {
        "changes": [_change(change) for change in plan.changes if action_of(change) != "unchanged"],
        "skipped": [{"subject": entry.subject, "message": cut(entry.message)} for entry in plan.skipped],
        "notes": [cut(note) for note in plan.notes],
        "summary": counts(plan),
    }


def _change(change: Change) -> dict[str, Any]:
    found = {**_action(change), "preview": change.preview, "message": cut(change.message)}
    if isinstance(change, Update):
        found["fields"] = [_field(field) for field in few(change.fields)]
    if isinstance(change, Blocked):
        found["reason"] = change.reason
    return found


def _action(change: Change) -> dict[str, Any]:
    action, key = action_of(change), change.key
    named = {"kind": key.kind, "namespace": key.namespace, "name": key.name}
    return {"action": _ACTIONS.get(action, action), **named}


def _field(field: FieldChange) -> dict[str, Any]:
    return {
        "path": cut(field.path),
        "before": None if field.before is None else cut(field.before),
        "after": None if field.after is None else cut(field.after),
        "note": cut(field.note),
    }


def _outcomes(outcomes: tuple[Outcome, ...]) -> dict[str, Any]:
    writes = [
        {**_action(outcome.change), "result": result_word(outcome), "message": cut(outcome.message)}
        for outcome in outcomes
    ]
    return {"writes": writes, "summary": outcome_counts(outcomes)}
