"""Further children of every kind on a real API server: owned as foreseen, silent, and mended where they drifted."""

import json
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest

from reconcile.cluster.kubernetes import connect
from reconcile.desire.desire import children_of
from reconcile.kube.live import Live
from reconcile.kube.managedfields import EMPTY, MISSING, field_set_of, leaves_beside, node_at, path_text
from reconcile.kube.managedfields import Path as FieldPath
from reconcile.kube.objects import Key, Manifest, Resource, is_map, key_of
from reconcile.model.preview import PreviewEnvironment, parse_preview
from reconcile.model.settings import Settings
from reconcile.plan.changes import Keep, Plan, Update
from tests.controlplane import ControlPlane
from tests.e2e.further import (
    DOCUMENTS,
    document,
    kinds_of,
    put,
    shapes,
    shapes_in,
    with_kinds,
)
from tests.e2e.mutations import pointer_to
from tests.e2e.story import Story
from tests.e2e.test_properties import NAMES, Stage
from tests.templates import with_templates
from tests.whole import WHOLE

GATEWAY_API = "gateway.networking.k8s.io"
CUSTOM = (
    Resource(GATEWAY_API, "v1", "Gateway", "gateways"),
    Resource(GATEWAY_API, "v1", "GRPCRoute", "grpcroutes"),
    Resource(GATEWAY_API, "v1", "BackendTLSPolicy", "backendtlspolicies"),
)
LABELS = {"team": "shop"}
ROUNDS = 60 if WHOLE else 3
"""Of mutations, each of one field of every child; `PROOF=whole` is `make walks`."""


@pytest.fixture(scope="module")
def group(gateway_api: ControlPlane) -> Iterator[str]:
    with shapes_in(gateway_api) as group:
        yield group


@pytest.fixture
def text(group: str) -> str:
    """The documents of every kind."""
    return DOCUMENTS.replace("GROUP", group)


@pytest.fixture
def whole(story: Story, text: str, group: str) -> Story:
    """A story with a preview that may have all of them, and in which no pod starts."""
    story.allow_no_pods()
    story.apply(labels=LABELS, replicas=0)
    return with_kinds(story, *kinds_of(text, *CUSTOM, *shapes(group)))


def wanted(story: Story, settings: Settings) -> tuple[Manifest, ...]:
    preview = parse_preview(story.live("PreviewEnvironment"), group=NAMES.group)
    assert isinstance(preview, PreviewEnvironment)
    return children_of(preview, settings)


def read(story: Story, key: Key) -> Live:
    return Live(story.live(key.kind, key.name))


def test_every_kind_is_owned_as_foreseen_and_a_second_run_only_lists(
    whole: Story, text: str, tmp_path: Path
) -> None:
    settings = with_templates(text, route="mapping")  # before the run, which learns the custom kinds
    options = put(tmp_path / "templates", text)
    made = whole.reconcile(*options)
    assert "another schema" not in made.stdout, made.stdout
    children = wanted(whole, settings)
    assert len({child["kind"] for child in children}) == 26
    assert [line.split()[1:3] for line in made.changes] == [
        [key.kind, f"{key.namespace}/{key.name}"] for key in map(key_of, children)
    ]
    owned = {
        str(key_of(m)): read(whole, key_of(m)).applied_by(NAMES.field_manager) or EMPTY for m in children
    }
    differing = {
        name: sorted(path_text(path) for path in owned[name] ^ field_set_of(m))
        for m in children
        if owned[name := str(key_of(m))] != field_set_of(m)
    }
    assert differing == {}
    whole.silent(*options)
    whole.silent(*options, "--no-fingerprint")


def test_one_mutation_of_a_field_of_each_child_is_found_named_and_corrected_and_nothing_else(
    whole: Story, text: str
) -> None:
    cluster = connect(
        str(whole.plane.kubeconfig), None, deadline_seconds=None, concurrency=8, user_agent="tests"
    )
    stage, settings, random = Stage(whole, cluster), with_templates(text, route="mapping"), Random(23)
    try:
        carried_out(stage, settings)
        children = {key_of(manifest): manifest for manifest in wanted(whole, settings)}
        found = [one for _ in range(ROUNDS) for one in mutated_and_mended(stage, settings, children, random)]
    finally:
        cluster.close()
    assert len(found) > 15 * ROUNDS
    assert len({key.kind for key in found}) > 20


def carried_out(stage: Stage, settings: Settings) -> None:
    """A run that does all that it plans, and leaves nothing for the next one."""
    outcomes = stage.run(settings, "pr-1").outcomes
    assert [(str(o.change.key), o.result, o.message) for o in outcomes if o.result != "done"] == []
    assert named(stage.plan(settings, "pr-1")) == {}


def named(plan: Plan) -> dict[Key, set[str]]:
    """The children that a plan has something to say about, and the fields that it names."""
    return {
        change.key: {field.path for field in change.fields}
        if isinstance(change, Update)
        else {change.message}
        for change in plan.changes
        if not (isinstance(change, Keep) and not change.message)
    }


def mutated_and_mended(
    stage: Stage, settings: Settings, children: dict[Key, Manifest], random: Random
) -> set[Key]:
    """Change or remove one field of each child, as far as the server takes it; those of which it did."""
    allowed: dict[Key, set[str]] = {}
    for key, manifest in children.items():
        before = read(stage.story, key)
        # What somebody adds to an empty map is an addition, and that one was removed nobody can tell.
        fields = [(path, value) for path, value in mutable(manifest, before) if value or not is_map(value)]
        path, value = random.choice(fields or [((), None)])
        if path:
            edit(stage.story, key, before, path, value, removes=random.random() < 0.4)
        after = read(stage.story, key)
        if touched(before) != touched(after):
            lost = (before.applied_by(NAMES.field_manager) or EMPTY) - (
                after.applied_by(NAMES.field_manager) or EMPTY
            )
            allowed[key] = {
                path_text(one[:depth], manifest) for one in {path, *lost} for depth in range(1, len(one) + 1)
            }
    found = named(stage.plan(settings, "pr-1"))
    assert found.keys() == allowed.keys(), {
        str(key): allowed.get(key) for key in found.keys() ^ allowed.keys()
    }
    strange = {
        str(key): extra
        for key, paths in found.items()
        if (extra := {one for one in paths if not one.startswith(tuple(allowed[key]))})
    }
    assert strange == {}
    carried_out(stage, settings)
    return set(found)


def edit(story: Story, key: Key, live: Live, path: FieldPath, value: Any, *, removes: bool) -> None:
    """A JSON patch by somebody, which the server may refuse."""
    step = {"op": "remove"} if removes else {"op": "replace", "value": otherwise(value)}
    with_path = [{**step, "path": pointer_to(live.manifest, path)}]
    story.plane.request(
        "PATCH",
        f"{story.path_of(key.kind, key.name)}?fieldManager=kubectl-edit",
        json.dumps(with_path).encode(),
        content_type="application/json-patch+json",
    )


def touched(live: Live) -> tuple[Any, Any]:
    """What somebody changes who edits an object: what it says, and what of it is ours."""
    body = {name: value for name, value in live.manifest.items() if name not in ("metadata", "status")}
    return body, live.applied_by(NAMES.field_manager)


def mutable(manifest: Manifest, live: Live) -> Iterator[tuple[FieldPath, Any]]:
    """The fields of its own that somebody may edit: what is kept, is no key of an item, and none of our marks."""
    for path, value, there, node in leaves_beside(manifest, live.manifest):
        marks = path[:1] == ("f:metadata",)
        is_key = (
            path[-2:-1] and path[-2].startswith("k:") and path[-1][2:] in node_at(manifest, path[:-2]).keys
        )
        if node is not None and path[-1].startswith("f:") and there is not MISSING and not (marks or is_key):
            yield path, value


def otherwise(value: Any) -> Any:
    """Another value of the same form."""
    match value:
        case bool():
            return not value
        case int() | float():
            return value + 1
        case str():
            return f"{value}x"
        case list():
            return value[:-1] if value else ["x"]
        case _:
            return {**(value or {}), "x": "y"}


MISTAKES = {
    "unknown field": ("Strict", "spec:\n  sized: big", 6, "spec.sized: is not a known field; did you mean size?"),
    "wrong type": ("Strict", "spec:\n  items:\n  - {name: a, value: text}", 7, "spec.items[0].value: is not a whole number"),
    "same key twice": ("Strict", "spec:\n  items:\n  - {name: a}\n  - {name: a}", 8, "spec.items[1]: "),
    "same default key twice": ("Strict", "spec:\n  ports:\n  - {port: 80}\n  - {port: 80, protocol: TCP}", 8, "spec.ports[1]: "),
    "no list": ("Strict", "spec:\n  tags: a", 6, "spec.tags: is not a list"),
    "a custom kind of Kubernetes' own": ("GRPCRoute", "spec:\n  hostnames: ['${preview.spec.fqdn}']\n  rule: []", 7, "spec.rule: is not a known field; did you mean rules?"),
}  # fmt: skip
"""By its name, the kind and the body of a document, and the line and the begin of what is told."""


def test_mistakes_by_a_schema_of_the_servers_are_found_before_anything_is_sent(
    story: Story, group: str, tmp_path: Path
) -> None:
    free, strict = shapes(group)
    story = with_kinds(story, free, strict, *CUSTOM)
    story.apply(replicas=0)
    folder = tmp_path / "templates"
    options = put(folder, document(free.api_version, "Free", "-free", "spec: {sized: big}"))
    for number, (kind, body, *_) in enumerate(MISTAKES.values()):
        api_version = strict.api_version if kind == "Strict" else f"{GATEWAY_API}/v1"
        (folder / f"{number}.yaml").write_text(document(api_version, kind, f"-{number}", body))
    told = story.reconcile(*options, code=2).stderr
    for number, (_, _, line, sentence) in enumerate(MISTAKES.values()):
        assert f"{folder}/{number}.yaml:{line}: {sentence}" in told
    assert "further.yaml" not in told
    assert story.writes() == []
