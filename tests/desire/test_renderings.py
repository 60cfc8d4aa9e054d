"""Children are rendered once for each preview, before they are asked for where there is time for it."""

from dataclasses import replace
from typing import Any

import pytest

from reconcile.desire.children import render
from reconcile.desire.desire import Renderings, desire
from reconcile.model.scope import make_scope
from reconcile.model.settings import Settings
from tests.given import a_read_preview

SETTINGS = Settings()


def scope(*names: str) -> Any:
    return make_scope(None, names, None, namespace_only=False)


@pytest.fixture
def rendered(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The previews whose children were rendered, one by one."""
    made: list[str] = []

    def counting(preview: Any, settings: Settings) -> Any:
        made.append(preview.name)
        return render(preview, settings)

    monkeypatch.setattr("reconcile.desire.desire.render", counting)
    return made


def test_what_was_prepared_is_not_rendered_again(rendered: list[str]) -> None:
    renderings, preview = Renderings(SETTINGS, scope()), a_read_preview("pr-1")
    assert renderings.prepare(preview) is preview
    (desired,) = desire([preview], SETTINGS, scope(), renderings=renderings)
    assert (desired.children, rendered) == (render(preview, SETTINGS), ["pr-1"])


def test_an_equal_preview_that_was_not_prepared_is_rendered_for_itself(rendered: list[str]) -> None:
    """A list that starts over reads every preview anew."""
    renderings = Renderings(SETTINGS, scope())
    renderings.prepare(a_read_preview("pr-1"))
    desire([a_read_preview("pr-1")], SETTINGS, scope(), renderings=renderings)
    assert rendered == ["pr-1", "pr-1"]


def test_nothing_is_prepared_outside_the_scope_or_for_one_that_is_going(rendered: list[str]) -> None:
    renderings = Renderings(SETTINGS, scope("pr-2"))
    renderings.prepare(a_read_preview("pr-1"))
    renderings.prepare(replace(a_read_preview("pr-2"), deletion_timestamp="2026-01-01T00:00:00Z"))
    assert rendered == []
