"""What is like an unchanged child is unchanged: no difference that matters gets lost in a signature."""

import copy
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import msgspec
import pytest
from hypothesis import assume
from hypothesis import given as drawn
from hypothesis import strategies as st

from reconcile.alike import Alike, Wording
from reconcile.changes import Keep
from reconcile.children import KINDS as KNOWN
from reconcile.children import ChildKind, metadata, render
from reconcile.children.metadata import Rendered
from reconcile.decide import decide
from reconcile.objects import Resource
from reconcile.preview import PreviewEnvironment, parse_preview
from reconcile.sent import SentObject, plain
from reconcile.settings import Gateway, Settings
from reconcile.snapshot import Live
from tests.builders import a_preview
from tests.unit.given import NAMES, RULES, a_read_preview, entry, live

SPEC: dict[str, Any] = {
    "port": 8080,
    "healthPath": "/healthz",
    "resources": {"requests": {"cpu": "100m"}},
    "setup": {"command": ["migrate"]},
}
ROUTES: dict[str, dict[str, Any]] = {
    "Mapping": {},
    "Ingress": {"route": "ingress"},
    "HTTPRoute": {"route": "httproute", "gateway": Gateway(namespace="infra", name="web")},
}
KINDS = ["Job", "Deployment", "Service", *ROUTES]


def a_numbered_preview(number: int, **spec: Any) -> PreviewEnvironment:
    """One of many that differ in their own words alone."""
    name = f"pr-{number}"
    words = {
        "image": f"ghcr.io/acme/shop:sha-{number:07x}-b",
        "fqdn": f"{name}.preview.example.com",
        "revision": f"{number:039x}b",
        "env": [{"name": "BASE_URL", "value": f"https://{name}.preview.example.com"}],
    }
    return a_read_preview(name, f"team-{number}", uid=f"uid-of-{name}", **{**SPEC, **words, **spec})


def rendered(preview: PreviewEnvironment, kind: str, **settings: Any) -> Rendered:
    return next(m for m in render(preview, Settings(**settings)) if m["kind"] == kind)


def child(preview: PreviewEnvironment, kind: str) -> tuple[Live, Rendered]:
    """The child as a server has it, and as it is wanted."""
    wanted = rendered(preview, kind, **ROUTES.get(kind, {}))
    there = live(
        plain(wanted),
        entry("controller", [("f:status",)], subresource="status")
        | {"time": f"2026-11-25T20:00:0{preview.name[-1]}Z"},
        uid=f"of-{preview.uid}",
    )
    if kind == "Service":
        there.manifest["spec"]["clusterIP"] = "10.0.0." + preview.name[3:]
    return there, wanted


AsItComes = Callable[[Mapping[str, Any]], Live]


def as_sent(manifest: Mapping[str, Any]) -> Live:
    """As a list of a server has it, undecoded."""
    text = msgspec.json.encode(dict(manifest))
    return Live(SentObject(text, {"apiVersion": manifest["apiVersion"], "kind": manifest["kind"]}))


either_way = pytest.mark.parametrize("as_it_comes", [Live, as_sent])


def wording(preview: PreviewEnvironment, *kinds: str, as_it_comes: AsItComes = Live) -> Wording:
    children = [child(preview, kind) for kind in kinds]
    return Alike(NAMES).wording([(as_it_comes(live.manifest), wanted) for live, wanted in children], preview)


def knowing(*unchanged: Wording) -> Alike:
    alike = Alike(NAMES)
    for one in unchanged:
        alike.add(one)
    return alike


@either_way
@pytest.mark.parametrize("kind", KINDS)
def test_previews_that_differ_in_their_own_words_alone_are_alike(kind: str, as_it_comes: AsItComes) -> None:
    first, other = (wording(a_numbered_preview(n), kind, as_it_comes=as_it_comes) for n in (1, 22))
    assert other in knowing(first)


@pytest.mark.parametrize("route", ROUTES)
def test_all_children_of_a_preview_are_known_at_once(route: str) -> None:
    kinds = ("Job", "Deployment", "Service", route)
    first, other = (wording(a_numbered_preview(n), *kinds) for n in (1, 22))
    assert other in knowing(first)
    assert wording(a_numbered_preview(22), *kinds[1:]) not in knowing(first)


@either_way
@pytest.mark.parametrize("kind", KINDS)
def test_nothing_of_a_live_object_that_a_decision_looks_at_can_change_unseen(
    kind: str, as_it_comes: AsItComes
) -> None:
    preview = a_numbered_preview(1)
    there, wanted = child(preview, kind)
    alike = knowing(Alike(NAMES).wording([(as_it_comes(there.manifest), wanted)], preview))
    for path, changed in each_change(there.manifest):
        seen = path[0] not in ("status", "apiVersion", "kind") and not is_unseen(kind, path)
        now = alike.wording([(as_it_comes(changed), wanted)], preview)
        assert (now not in alike) is seen, path


def test_of_another_kind_also_a_field_that_is_called_like_an_address_counts() -> None:
    preview = a_numbered_preview(1)
    there, wanted = child(preview, "Deployment")
    alike = knowing(Alike(NAMES).wording([(there, wanted)], preview))
    there.manifest["spec"]["clusterIP"] = "10.0.0.1"
    assert alike.wording([(Live(there.manifest), wanted)], preview) not in alike


@either_way
def test_what_a_kind_has_in_the_place_of_a_spec_is_looked_at(
    as_it_comes: AsItComes, monkeypatch: pytest.MonkeyPatch
) -> None:
    resource, preview = Resource("", "v1", "ConfigMap", "configmaps"), a_numbered_preview(1)
    wanted = metadata.child(resource, preview, NAMES, None, content={"data": {"a": "1"}})
    monkeypatch.setitem(KNOWN, "ConfigMap", ChildKind(resource, lambda *_: wanted, content=("data",)))
    alike = knowing(Alike(NAMES).wording([(as_it_comes(plain(wanted)), wanted)], preview))
    for data, seen in (({"a": "1"}, False), ({"a": "2"}, True), ({"a": "1", "b": "1"}, True)):
        now = alike.wording([(as_it_comes({**plain(wanted), "data": data}), wanted)], preview)
        assert (now not in alike) is seen


def is_unseen(kind: str, path: tuple[Any, ...]) -> bool:
    """What the server alone chose."""
    unseen = {("metadata", name) for name in ("uid", "resourceVersion", "creationTimestamp")}
    if kind == "Service":
        unseen.add(("spec", "clusterIP"))
    return path[:2] in unseen


def each_change(manifest: Any) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """The object with one value changed, and with one field taken away, for every place in it."""
    for path in places(manifest):
        for change in (other, None):
            changed = copy.deepcopy(manifest)
            above = changed
            for step in path[:-1]:
                above = above[step]
            if change is None:
                del above[path[-1]]
            else:
                above[path[-1]] = change(above[path[-1]])
            if path not in (("metadata", "name"), ("metadata", "namespace")) and path[-1] != "time":
                yield path, changed


def other(value: Any) -> Any:
    if isinstance(value, bool):
        return not value
    return value + 1 if isinstance(value, int) else f"{value}x" if isinstance(value, str) else {"x": value}


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, below in items:
        if path:
            yield (*path, name)
        yield from places(below, (*path, name))


@pytest.mark.parametrize(
    "spec",
    [
        {"port": 8081},
        {"healthPath": None},
        {"env": []},
        {"resources": {"requests": {"cpu": "200m"}}},
        {"image": "ghcr.io/acme/shop@sha256:" + "0" * 64},
    ],
    ids=str,
)
def test_another_wish_is_not_alike(spec: dict[str, Any]) -> None:
    alike = knowing(wording(a_numbered_preview(1), "Deployment"))
    assert wording(a_numbered_preview(3), "Deployment") in alike
    assert wording(a_numbered_preview(2, **spec), "Deployment") not in alike


@drawn(
    numbers=st.lists(
        st.sampled_from(["1", "10", "1000", "2000", "1e3", "2e3", "m", "k"]), min_size=2, max_size=2
    ),
    cpu=st.sampled_from(["1000m", "1", "2000m", "2", "1k", "1e3", "1000"]),
    there=st.sampled_from(["1000m", "1", "2000m", "2", "1k", "1e3", "1000"]),
)
def test_words_that_look_like_amounts_never_hide_one(numbers: list[str], cpu: str, there: str) -> None:
    """A revision may be 1000, and a preview may be called m: what they are alike in is decided alike."""
    alike = Alike(NAMES)
    for word in numbers:
        asked = {"requests": {"cpu": cpu.replace(numbers[0], word)}}
        spec: dict[str, Any] = {"resources": asked, "revision": word}
        name = word if word.isalpha() else "pr-1"
        preview = parse_preview(a_preview(name, uid="uid-of-it", **spec), group=NAMES.group)
        assume(isinstance(preview, PreviewEnvironment))
        assert isinstance(preview, PreviewEnvironment)
        wanted = rendered(preview, "Deployment")
        now = live(plain(wanted))
        (container,) = now.manifest["spec"]["template"]["spec"]["containers"]
        container["resources"]["requests"]["cpu"] = there.replace(numbers[0], word)
        silent = decide(wanted, preview, now, RULES) == Keep(now.key, f"shop/{name}")
        one = alike.wording([(now, wanted)], preview)
        if one in alike:
            assert silent
        if silent:
            alike.add(one)


def test_one_that_is_going_or_has_what_it_had_not_is_not_alike() -> None:
    preview = a_numbered_preview(1)
    there, wanted = child(preview, "Deployment")
    alike = knowing(Alike(NAMES).wording([(there, wanted)], preview))
    for more in ({"deletionTimestamp": "2026-01-01T00:00:00Z"}, {"labels": {**there.labels, "x": "y"}}):
        now = Live({**there.manifest, "metadata": {**there.metadata, **more}})
        assert alike.wording([(now, wanted)], preview) not in alike


@pytest.mark.parametrize(
    ("words", "change"),
    [
        (({"name": "web-1"}, {"name": "disabled"}), "protect"),
        (({"revision": "keepit"}, {"revision": "prune"}), "annotate"),
        (
            ({"revision": "somebody.else"}, {"revision": NAMES.field_manager.removeprefix("preview-")}),
            "manager",
        ),
        (({"name": "false"}, {"name": "true"}), "controller"),
    ],
)
def test_a_word_that_a_constant_of_ours_holds_is_no_mark(
    words: tuple[dict[str, str], dict[str, str]], change: str
) -> None:
    """What somebody wrote may be our word in one child, and a name like another in the next."""
    found = []
    for own in words:
        preview = a_read_preview(uid="uid-of-it", **own)
        wanted = rendered(preview, "Deployment")
        there = live(plain(wanted)).manifest
        metadata: dict[str, Any] = there["metadata"]
        word = own.get("name") or own["revision"]
        if change == "protect":
            metadata["annotations"][NAMES.prune_annotation] = word
        elif change == "annotate":
            metadata["annotations"][f"platform9.com/{word}"] = "disabled"
        elif change == "manager":
            metadata["managedFields"][0]["manager"] = f"preview-{word}"
        else:
            metadata["ownerReferences"] = [{"kind": "ConfigMap", "name": "x", "controller": word == "true"}]
        found.append(Alike(NAMES).wording([(Live(there), wanted)], preview))
    first, other = found
    assert other not in knowing(first)
    assert first not in knowing(other)


def test_a_word_that_stands_where_the_other_preview_has_none_makes_it_another() -> None:
    """Somebody wrote the name of pr-22 into pr-1's child: for pr-22 it is more than a stranger's word."""
    found = []
    for number in (1, 22):
        there, wanted = child(a_numbered_preview(number), "Deployment")
        there.manifest["metadata"]["annotations"]["note"] = "see pr-22"
        found.append(Alike(NAMES).wording([(there, wanted)], a_numbered_preview(number)))
    assert found[0] in knowing(found[0])
    assert found[1] not in knowing(found[0])


def test_two_words_that_changed_places_are_seen() -> None:
    found = []
    for image, revision in (("ghcr.io/a/one:x", "two-b"), ("two-b", "ghcr.io/a/one:x")):
        preview = a_numbered_preview(1, image=image, revision=revision.replace(":", "-"))
        there, wanted = child(preview, "Deployment")
        there.manifest["metadata"]["annotations"]["note"] = "ghcr.io/a/one:x"
        found.append(Alike(NAMES).wording([(there, wanted)], preview))
    assert found[1] not in knowing(found[0])


def test_those_that_were_of_use_last_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reconcile.alike.MOST", 2)
    one, two, three = (
        wording(a_numbered_preview(1, port=port), "Service", "Deployment") for port in (1, 2, 3)
    )
    alike = knowing(one, two)
    assert one in alike
    alike.add(three)
    assert (one in alike, two in alike, three in alike) == (True, False, True)
