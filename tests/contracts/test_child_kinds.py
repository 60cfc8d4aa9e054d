"""A kind of child, or a field of a spec, that was added but not everywhere: what was forgotten is told."""

import ast
from pathlib import Path

import pytest

from kit.manifests import RIGHTS, manifests
from reconcile.desire.children import CHILDREN, KINDS
from reconcile.desire.children.kind import ChildKind
from reconcile.desire.children.metadata import Rendered, child
from reconcile.kube.objects import Resource
from reconcile.kube.rawjson import plain
from reconcile.model.preview import PreviewEnvironment
from reconcile.model.settings import Settings
from reconcile.model.spec import Spec
from tests.builders import EVERY_FIELD
from tests.controlplane import shipped
from tests.given import a_read_preview

ROOT = Path(__file__).parents[2]
VERBS = {
    "preview-reconcile": "get, list, create, patch, delete",
    "preview-reconcile-plan": "get, list",
}


def forgotten_of(kind: ChildKind) -> list[str]:
    """What a kind of child has not yet, each with what to do."""
    return [*_file_of(kind), *_test_of(kind), *_rights_of(kind), *_exclusive_of(kind), *_content_of(kind)]


def _path_of(kind: ChildKind) -> str:
    return f"reconcile/desire/children/{kind.render.__name__}.py"


def _file_of(kind: ChildKind) -> list[str]:
    name, file = kind.render.__name__, ROOT / _path_of(kind)
    defined = ast.parse(file.read_text()).body if file.exists() else []
    if any(isinstance(node, ast.FunctionDef) and node.name == name for node in defined):
        return []
    return [f"{_path_of(kind)}: put `def {name}` there, so that who looks for it finds it"]


def _test_of(kind: ChildKind) -> list[str]:
    folder = ROOT / "tests" / "desire"
    texts = [path.read_text() for path in (*folder.glob("test_*.py"), *folder.glob("golden/*.yaml"))]
    spelled = (f'"kind": "{kind.resource.kind}"', f"\nkind: {kind.resource.kind}\n")
    if any(spelling in text for text in texts for spelling in spelled):
        return []
    return [f'tests/desire: no test states its whole manifest, with "kind": "{kind.resource.kind}"']


def _rights_of(kind: ChildKind) -> list[str]:
    group, plural = kind.resource.group, kind.resource.plural
    found, shown = [], group or '""'
    for role, verbs in VERBS.items():
        rule = {"apiGroups": [group], "resources": [plural], "verbs": verbs.split(", ")}
        if rule not in shipped(role):
            text = f"apiGroups: [{shown}], resources: [{plural}], verbs: [{verbs}]"
            found.append(f"{RIGHTS}: the ClusterRole {role} has no rule {{{text}}}")
    return found


def _exclusive_of(kind: ChildKind) -> list[str]:
    if kind.exclusive or kind.runs_once:
        return []
    return [f"{_path_of(kind)}: its row has an empty `exclusive`, so nothing of it is ever taken over"]


def _content_of(kind: ChildKind) -> list[str]:
    """What a row leaves out there could change in the cluster, and a pass over many would not see it."""
    made = [kind.render(a_read_preview(**given), Settings()) for given in ({}, EVERY_FIELD)]
    said = {name for manifest in made if manifest is not None for name in plain(manifest)}
    named = set(kind.content) | {top[0].removeprefix("f:") for top in kind.exclusive}
    found = []
    if left_out := sorted(said - {"apiVersion", "kind", "metadata"} - set(kind.content)):
        found.append(f"{_path_of(kind)}: the `content` of its row has not {', '.join(left_out)}")
    if wrong := sorted(named - said) if said else []:
        found.append(f"{_path_of(kind)}: its row names {', '.join(wrong)}, which it never has")
    return found


@pytest.mark.parametrize("kind", CHILDREN, ids=lambda kind: kind.resource.kind)
def test_a_kind_of_child_has_all_that_it_needs(kind: ChildKind) -> None:
    forgotten = forgotten_of(kind)
    assert not forgotten, "\n".join(
        [f"{kind.resource.kind} is in CHILDREN, and this was forgotten:", *forgotten]
    )


def test_kinds_of_children_have_names_of_their_own() -> None:
    """A Key, a plan and an event tell children apart by their kind alone."""
    assert len(KINDS) == len(CHILDREN)


def test_every_field_of_a_spec_has_its_example() -> None:
    fields = {field.alias or name for name, field in Spec.model_fields.items()} - {"image", "fqdn"}
    assert fields == EVERY_FIELD.keys(), (
        "tests/builders.py: EVERY_FIELD has an example of each field of a spec"
    )


@pytest.mark.parametrize(("path", "text"), manifests().items(), ids=lambda value: str(value)[:60])
def test_what_is_written_from_the_code_matches_the_code(path: Path, text: str) -> None:
    assert (ROOT / path).read_text() == text, f"{path} is not as the code has it: run `make manifests`"


def test_what_a_kind_lacks_is_named_with_what_to_do() -> None:
    def widget(*_: object) -> None:
        return None

    odd = ChildKind(Resource("example.com", "v1", "Widget", "widgets"), widget, exclusive=())
    assert forgotten_of(odd) == [
        "reconcile/desire/children/widget.py: put `def widget` there, so that who looks for it finds it",
        'tests/desire: no test states its whole manifest, with "kind": "Widget"',
        "cronjob/rights.yaml: the ClusterRole preview-reconcile has no rule {apiGroups: [example.com], "
        "resources: [widgets], verbs: [get, list, create, patch, delete]}",
        "cronjob/rights.yaml: the ClusterRole preview-reconcile-plan has no rule {apiGroups: [example.com], "
        "resources: [widgets], verbs: [get, list]}",
        "reconcile/desire/children/widget.py: its row has an empty `exclusive`, so nothing of it is ever taken over",
    ]


def test_a_kind_without_a_spec_must_name_the_fields_that_it_has() -> None:
    def widget(preview: PreviewEnvironment, settings: Settings) -> Rendered:
        return child(resource, preview, None, content={"data": {"a": preview.name}})

    resource = Resource("example.com", "v1", "Widget", "widgets")
    head = "reconcile/desire/children/widget.py: "
    assert forgotten_of(ChildKind(resource, widget))[-2:] == [
        f"{head}the `content` of its row has not data",
        f"{head}its row names spec, which it never has",
    ]
    whole = ChildKind(resource, widget, content=("data",), exclusive=(("f:data",),))
    assert not any("its row" in told for told in forgotten_of(whole))
