"""The answer that an explanation begins with: how a preview stands, and what a run would do; pure."""

from collections.abc import Sequence

from reconcile.explain.explain import Explanation
from reconcile.plan.changes import PREVIEW, Blocked, Create, Delete, Plan, Update, Waiting
from reconcile.plan.decide import PREVIEW_CHANGED
from reconcile.plan.withhold import is_withheld


def answer(told: Explanation) -> tuple[str, str]:
    """How it stands, and what a run would do: the two lines that come first."""
    return _standing(told), _would(told)


def _standing(told: Explanation) -> str:
    there = [child for child in told.children if child.standing]
    if told.wish is None:
        return f"Gone: there is no preview {told.place}; {_left(len(there))}"
    if told.wish.verdict == "Going":
        return f"Going: {told.wish.message}"
    blocked = next(((block.verdict, block.reason) for block in told.plan.blocked), None)
    if found := (told.found and not told.found.ready and (told.found.reason, told.found.message)) or blocked:
        return f"Not ready: {found[0]}: {found[1]}"
    if told.found:
        older = any(isinstance(c, Update) and c.reason == PREVIEW_CHANGED for c in told.plan.changes)
        ready = "Ready, as it was wanted before" if older else "Ready"
        return f"{ready}: {told.found.url or 'its pods are available, and it has no link'}"
    if told.from_server:
        return "Whether it is ready is not known: not all could be read"
    return "Whether it is ready only an API server can tell"


def _would(told: Explanation) -> str:
    plan = told.plan
    parts = [part for type_, verb in _VERBS if (part := _part(plan, type_, verb))]
    said = f"A run would {_listed(parts)}" if parts else "A run would change nothing"
    waits = [c.key.kind for c in plan.changes if isinstance(c, Waiting) and c.key.kind != PREVIEW]
    held = [c.key.kind for c in plan.changes if is_withheld(c)]
    more = [f"{_listed(waits)} waits"] if waits else []
    more += [f"the delete of {_listed(held)} is withheld"] if held else []
    more += ["it waits for a person"] if any(isinstance(c, Blocked) for c in plan.changes) else []
    return "; ".join([said, *more])


_VERBS: tuple[tuple[type[Create | Update | Delete], str], ...] = (
    (Create, "create"),
    (Update, "update"),
    (Delete, "delete"),
)


def _part(plan: Plan, type_: type[Create | Update | Delete], verb: str) -> str:
    """Such as `update Deployment and Service (drifted)`."""
    changes = [change for change in plan.changes if isinstance(change, type_)]
    reasons = ", ".join(dict.fromkeys(change.reason for change in changes))
    return f"{verb} {_listed([change.key.kind for change in changes])} ({reasons})" if changes else ""


def _listed(words: Sequence[str]) -> str:
    return " and ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else "".join(words)


def _left(count: int) -> str:
    return f"{count} object{' is' if count == 1 else 's are'} left of it"
