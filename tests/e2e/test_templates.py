"""Templates on a real API server: what operators add stays silent, is mended, and goes without a trace."""

from pathlib import Path
from typing import Any

from tests.e2e.story import Story
from tests.template_cases import ACCEPTED, Case, at
from tests.templates import document

MODE = [{"name": "MODE", "value": "demo"}]
CASES = {f"pr-{number}": case for number, case in enumerate(ACCEPTED)}
"""Each with a preview of its own."""


def differences(live: dict[str, Any], case: Case) -> dict[str, Any]:
    """What a live child has in the place of what the case sets; the server's defaults are no difference."""
    found = {path: at(live, path) for path in case.sets}
    return {path: there for path, there in found.items() if not holds(there, case.sets[path])}


def holds(there: Any, wanted: Any) -> bool:
    """Whether a value has all that is wanted of it; nothing stands for nothing."""
    if isinstance(wanted, dict) and wanted and isinstance(there, dict):
        return all(holds(there.get(name), value) for name, value in wanted.items())
    if isinstance(wanted, list) and isinstance(there, list):
        return len(there) == len(wanted) and all(map(holds, there, wanted))
    return bool(there == wanted)


def specs(story: Story) -> dict[str, Any]:
    return {name: story.live(case.kind, name)["spec"] for name, case in CASES.items()}


def test_templates_are_applied_once_corrected_and_withdrawn(story: Story, tmp_path: Path) -> None:
    def told(what: str) -> list[str]:
        return sorted(f"~ {case.kind} {story.namespace}/{name} {what}" for name, case in CASES.items())

    def is_as_set() -> None:
        live = {name: story.live(case.kind, name) for name, case in CASES.items()}
        found = {case.name: differences(live[name], case) for name, case in CASES.items()}
        assert {name: fields for name, fields in found.items() if fields} == {}
        story.silent(*options)

    for name in CASES:
        story.apply(name, env=MODE, replicas=0, labels={"case": name})
    story.reconcile()
    before = specs(story)
    texts = [document(case.kind, case.body, when=f"case={name}") for name, case in CASES.items()]
    (tmp_path / "app.yaml").write_text("".join(texts))
    options = ("--templates", str(tmp_path))
    assert sorted(story.reconcile(*options).changes) == told("its templates changed")
    is_as_set()

    for name, case in CASES.items():
        story.edit(case.kind, lambda live, spec=before[name]: live.update(spec=spec), name)
    assert sorted(story.reconcile(*options).changes) == told("drifted")
    is_as_set()

    assert sorted(story.reconcile("--templates", "none").changes) == told("its templates changed")
    after = specs(story)
    for name in CASES:
        marks = [
            spec.get("template", {}).get("metadata", {}).pop("annotations", {})
            for spec in (before[name], after[name])
        ]
        assert (after[name], marks[1]) == (before[name], marks[0])
    story.silent()


def test_an_annotation_that_somebody_forged_stops_no_run_without_templates(story: Story) -> None:
    story.apply(replicas=0)
    story.reconcile()
    forged = f"{story.names.templates_annotation}=forged"
    story.plane.kubectl("annotate", "deployment", "pr-1", "-n", story.namespace, forged)
    story.apply(replicas=0, revision="b")
    (line,) = story.reconcile().changes
    assert line.startswith(f"~ Deployment {story.namespace}/pr-1 ")
