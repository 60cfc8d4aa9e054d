"""What an API server records as ours, beside what was foreseen."""

from typing import Any

import pytest

from reconcile.execute.foreseen import unforeseen
from reconcile.kube.live import Live
from reconcile.kube.managedfields import field_set_of
from reconcile.plan.changes import Create, Outcome
from tests.given import MANAGER, NAMES, a_read_preview, children_of, edited, entry, live, untracked

PLACE = "shop/pr-1"
WANTED = children_of(a_read_preview())
SERVICE = WANTED["Service"]
SELECTOR = ("f:spec", "f:selector")
OTHER_HASH = edited(SERVICE, "metadata", "annotations", "platform9.com/applied", to="x")


def recorded(there: dict[str, Any], *more: tuple[str, ...]) -> Live:
    return untracked(
        there, managedFields=[entry(MANAGER, {*field_set_of(SERVICE), *more} - {SELECTOR}, "Apply")]
    )


def done(answer: Live | None, kind: str = "Service") -> Outcome:
    child = WANTED[kind]
    return Outcome(Create(live(child).key, PLACE, child, ""), "done", "", answer)


@pytest.mark.parametrize(
    "outcome",
    [
        pytest.param(done(live(SERVICE)), id="as foreseen"),
        pytest.param(done(None), id="no answer"),
        pytest.param(done(untracked(SERVICE)), id="nothing recorded"),
        pytest.param(done(recorded(OTHER_HASH)), id="an apply of another manifest"),
    ],
)
def test_no_difference_or_an_unknown_one_reports_nothing(outcome: Outcome) -> None:
    assert unforeseen([outcome], NAMES) == ()


def test_of_each_kind_only_so_many_are_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reconcile.execute.foreseen.MOST_COMPARED", 2)
    others, differs = [done(live(SERVICE)), done(None)], done(recorded(SERVICE))
    assert unforeseen([*others, done(live(WANTED["Mapping"]), "Mapping"), differs], NAMES)
    assert not unforeseen([*others, *others, differs], NAMES)


def test_a_kind_is_named_once_with_its_first_fields() -> None:
    more = [(*SELECTOR, f"f:{name}") for name in "abcde"]
    (told,) = unforeseen(
        [done(live(SERVICE)), done(recorded(SERVICE, *more)), done(recorded(SERVICE))], NAMES
    )
    assert told == (
        "Service: this API server has another schema for spec.selector, spec.selector.a, spec.selector.b, "
        "spec.selector.c, spec.selector.d and 1 more, and each run may apply it again; upgrade this tool, "
        "or run make schemas in a clone of it"
    )
