"""Whether an API server records as ours what its schema said; where not, such a child never settles."""

from collections import Counter
from collections.abc import Iterable, Iterator

from reconcile.kube.managedfields import FieldSet, field_set_of, path_text
from reconcile.model.names import Names
from reconcile.model.problems import first_of
from reconcile.plan.changes import Delete, Outcome

MOST_FIELDS = 5
"""So many are named."""
MOST_COMPARED = 100
"""So many answers of each kind are compared. What does not settle for a rarer field is applied again by the
next run, which has few others to compare."""


def unforeseen(outcomes: Iterable[Outcome], names: Names) -> tuple[str, ...]:
    """A sentence for each kind of child whose field set in the server's answer is not the computed one."""
    found: dict[str, str] = {}
    compared = Counter[str]()
    for outcome in outcomes:
        kind = outcome.change.key.kind
        if kind in found or compared[kind] == MOST_COMPARED or outcome.live is None:
            continue
        compared[kind] += 1
        if paths := [*_differing(outcome, names)]:
            found[kind] = _sentence(kind, paths)
    return tuple(found.values())


def _differing(outcome: Outcome, names: Names) -> Iterator[str]:
    """The fields that only one of them has; none where the answer is not to an apply of this manifest."""
    change, live = outcome.change, outcome.live
    if live is None or isinstance(change, Delete):
        return
    applied: FieldSet | None = live.applied_by(names.field_manager)
    hashes = [found["metadata"].get("annotations") for found in (change.manifest, live.manifest)]
    if applied is None or len({(found or {}).get(names.applied_annotation) for found in hashes}) > 1:
        return
    for path in sorted(applied ^ field_set_of(change.manifest)):
        yield path_text(path, change.manifest, live.manifest)


def _sentence(kind: str, paths: list[str]) -> str:
    return (
        f"{kind}: this API server has another schema for {first_of(paths, MOST_FIELDS)}, "
        "and each run may apply it again; upgrade this tool, or run make schemas in a clone of it"
    )
