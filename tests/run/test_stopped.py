"""A run that is told to end: what is under way ends, and nothing else is begun."""

from reconcile.cluster.pool import Stop
from reconcile.kube.objects import Key
from tests.builders import a_preview
from tests.given import key
from tests.memory import Memory
from tests.run.test_run import INGRESS, PREVIEW, go, results, running


def told_to_end_at(memory: Memory, request: str, *, then_touches: bool = False) -> Stop:
    """While this request is under way, which meets a conflict where the object is touched meanwhile."""
    stop = Stop()

    def meanwhile(memory: Memory, at: Key) -> None:
        stop.ask(15)
        if then_touches:
            memory.touch(at)

    memory.trouble(request, meanwhile)
    return stop


def test_a_delete_whose_preview_is_being_read_is_not_begun() -> None:
    memory = running()
    memory.forget(key("PreviewEnvironment"))
    memory.put(a_preview("pr-2", deleted="2026-01-01T00:00:00Z"))
    go(memory, stop=told_to_end_at(memory, f"get {PREVIEW}"))
    assert memory.writes() == []


def test_a_change_that_met_a_conflict_is_not_tried_again() -> None:
    memory = running()
    memory.put(a_preview(image="registry.example.com/shop:2", generation=2))
    stop = told_to_end_at(memory, "apply Deployment shop/pr-1", then_touches=True)
    assert results(go(memory, stop=stop)) == [("Deployment shop/pr-1", "skipped")]
    assert memory.writes() == ["apply Deployment shop/pr-1"]


def test_no_further_pass_is_begun() -> None:
    memory = running()
    done = go(memory, settings=INGRESS, stop=told_to_end_at(memory, "apply Ingress shop/pr-1"))
    assert (len(done.passes), memory.writes()) == (1, ["apply Ingress shop/pr-1"])
