"""What is like an unchanged child is unchanged: no difference that matters gets lost in a signature."""

import copy
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import assume
from hypothesis import given as drawn
from hypothesis import strategies as st

from reconcile.alike import Alike
from reconcile.changes import Keep
from reconcile.decide import decide
from reconcile.preview import PreviewEnvironment, parse_preview
from reconcile.settings import Gateway
from reconcile.snapshot import Live
from tests.builders import a_preview
from tests.unit.given import NAMES, RULES, a_read_preview, children_of, entry, live

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


def child(preview: PreviewEnvironment, kind: str) -> tuple[Live, dict[str, Any]]:
    """The child as a server has it, and as it is wanted."""
    wanted = children_of(preview, **ROUTES.get(kind, {}))[kind]
    there = live(
        copy.deepcopy(wanted),
        entry("controller", [("f:status",)], subresource="status"),
        uid=f"of-{preview.uid}",
    )
    if kind == "Service":
        there.manifest["spec"]["clusterIP"] = "10.0.0." + preview.name[3:]
    return there, wanted


def signature(preview: PreviewEnvironment, kind: str) -> bytes:
    return Alike(NAMES).signature(*child(preview, kind), preview)


@pytest.mark.parametrize("kind", KINDS)
def test_previews_that_differ_in_their_own_words_alone_are_alike(kind: str) -> None:
    assert signature(a_numbered_preview(1), kind) == signature(a_numbered_preview(22), kind)


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_of_a_live_object_that_a_decision_looks_at_can_change_unseen(kind: str) -> None:
    preview = a_numbered_preview(1)
    there, wanted = child(preview, kind)
    before = Alike(NAMES).signature(there, wanted, preview)
    for path, changed in each_change(there.manifest):
        seen = path[0] not in ("status", "apiVersion", "kind") and path[:2] not in UNSEEN
        assert (Alike(NAMES).signature(Live(changed), wanted, preview) != before) is seen, path


UNSEEN = {("metadata", name) for name in ("uid", "resourceVersion", "creationTimestamp")} | {
    ("spec", "clusterIP")
}


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
            if path not in (("metadata", "name"), ("metadata", "namespace")):
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
    assert signature(a_numbered_preview(2, **spec), "Deployment") != signature(
        a_numbered_preview(1), "Deployment"
    )


@drawn(
    numbers=st.lists(
        st.sampled_from(["1", "10", "1000", "2000", "1e3", "2e3", "m", "k"]), min_size=2, max_size=2
    ),
    cpu=st.sampled_from(["1000m", "1", "2000m", "2", "1k", "1e3", "1000"]),
    there=st.sampled_from(["1000m", "1", "2000m", "2", "1k", "1e3", "1000"]),
)
def test_words_that_look_like_amounts_never_hide_one(numbers: list[str], cpu: str, there: str) -> None:
    """A revision may be 1000, and a preview may be called m: what they are alike in is decided alike."""
    found: dict[bytes, bool] = {}
    for word in numbers:
        asked = {"requests": {"cpu": cpu.replace(numbers[0], word)}}
        spec: dict[str, Any] = {"resources": asked, "revision": word}
        name = word if word.isalpha() else "pr-1"
        preview = parse_preview(a_preview(name, uid="uid-of-it", **spec), group=NAMES.group)
        assume(isinstance(preview, PreviewEnvironment))
        assert isinstance(preview, PreviewEnvironment)
        wanted = children_of(preview)["Deployment"]
        now = live(copy.deepcopy(wanted))
        (container,) = now.manifest["spec"]["template"]["spec"]["containers"]
        container["resources"]["requests"]["cpu"] = there.replace(numbers[0], word)
        silent = decide(wanted, preview, now, RULES) == Keep(now.key, f"shop/{name}")
        mark = Alike(NAMES).signature(now, wanted, preview)
        assert found.setdefault(mark, silent) is silent


def test_one_that_is_going_or_has_what_it_had_not_is_not_alike() -> None:
    preview = a_numbered_preview(1)
    there, wanted = child(preview, "Deployment")
    before = Alike(NAMES).signature(there, wanted, preview)
    for more in ({"deletionTimestamp": "2026-01-01T00:00:00Z"}, {"labels": {**there.labels, "x": "y"}}):
        now = Live({**there.manifest, "metadata": {**there.metadata, **more}})
        assert Alike(NAMES).signature(now, wanted, preview) != before


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
    marks = set()
    for own in words:
        preview = a_read_preview(uid="uid-of-it", **own)
        wanted = children_of(preview)["Deployment"]
        there = live(copy.deepcopy(wanted)).manifest
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
        marks.add(Alike(NAMES).signature(Live(there), wanted, preview))
    assert len(marks) == 2
