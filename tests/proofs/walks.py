"""Walks: what an author does to one spec, edit by edit, valid and not, and what operators do to their documents."""

from collections.abc import Mapping
from typing import Any, NamedTuple, TypeVar

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from reconcile.desire.children.further import CLAIM
from tests.e2e import specs
from tests.templates import document, further

T = TypeVar("T")
STEPS = 10
HOSTS = ("one", "two", "three")
DOMAIN = "preview.example.com"
"""Of the hostnames that the operator allows here."""

SETUPS = [
    {"command": ["migrate"]},
    {"args": ["--all"]},
    {"image": "registry.example.com/setup:1"},
    {"image": "registry.example.com/setup:2", "command": ["migrate", "--fast"]},
]
FIELDS: Mapping[str, st.SearchStrategy[Any]] = {
    **specs.OPTIONAL,
    "image": specs.images,
    "fqdn": st.sampled_from(HOSTS).map(lambda host: f"{host}.{DOMAIN}"),
    "setup": st.sampled_from(SETUPS),
}
REQUIRED = frozenset({"image", "fqdn"})

INVALID: Mapping[str, tuple[Any, ...]] = {
    "image": (None, "", "Web", "a b", "https://registry.example.com/web", 7, ["web"]),
    "fqdn": (
        None,
        "",
        "Foo.example.com",
        "a_b.example.com",
        "10.0.0.1",
        "*.example.com",
        "one.elsewhere.org",
    ),
    "port": (0, 65536, "80", 80.5, True),
    "replicas": (-1, 101, "2", 1.5),
    "env": (
        [{"name": "A", "value": "1"}, {"name": "A", "value": "2"}],
        [{"name": "1A"}],
        [{"name": "A", "value": 1}],
        [{"name": "A", "valueFrom": {}}],
        {"A": "1"},
    ),
    "envFrom": ([{}], [{"secretRef": {"name": "Secret"}}]),
    "imagePullSecrets": ([{"name": "a"}, {"name": "a"}], ["a"]),
    "imagePullPolicy": ("always", "", True, ["Always"]),
    "resources": ({"limits": {"cpu": "-1"}}, {"requests": {"memory": "1 Gi"}}, ["1"]),
    "command": ("run", [1]),
    "args": ([None],),
    "healthPath": ("healthz", "", "/a b"),
    "revision": ("-a", "", "a b"),
    "ttl": ("1w", "-1h", "1.5h", "3651d", 72),
    "suspend": ("yes", 1),
    "setup": ({}, {"command": "migrate"}, []),
}
"""What no preview may say: refused by the schema, or, as the last of `fqdn`, by the operator."""


class Edit(NamedTuple):
    """These fields get these values, or go where there is none; `bad` is put in for this once."""

    changed: Mapping[str, Any]
    gone: frozenset[str] = frozenset()
    bad: tuple[str, Any] | None = None

    def of(self, spec: Mapping[str, Any]) -> dict[str, Any]:
        """The valid spec that the author goes on from."""
        return {name: value for name, value in {**spec, **self.changed}.items() if name not in self.gone}

    def written(self, spec: Mapping[str, Any]) -> dict[str, Any]:
        """What is in the object now: valid, unless it has something bad."""
        if self.bad is None:
            return self.of(spec)
        name, value = self.bad
        return {k: v for k, v in {**self.of(spec), name: value}.items() if v is not None}


@st.composite
def edits(draw: st.DrawFn) -> Edit:
    """One to three fields change, some go; one time in three what is written is bad."""
    names = draw(st.lists(st.sampled_from(sorted(FIELDS)), min_size=1, max_size=3, unique=True))
    bad = None
    if draw(st.integers(0, 2)) == 0:
        name = draw(st.sampled_from(sorted(INVALID)))
        bad = (name, draw(st.sampled_from(INVALID[name])))
    gone = frozenset(name for name in names if name not in REQUIRED and draw(st.integers(0, 2)) == 0)
    return Edit({name: draw(FIELDS[name]) for name in names if name not in gone}, gone, bad)


def set_up_once_for(spec: Mapping[str, Any]) -> tuple[Any, ...]:
    """What a setup Job runs once for; nothing changes it then. Empty where there is none.

    One that has ended stays as long as this is the same, also while its preview is suspended, which, made
    from scratch, would get none.
    """
    if "setup" not in spec:
        return ()
    return (spec["image"], spec["setup"].get("image", spec["image"]), spec.get("revision", ""))


def drawn(count: int, number: int) -> list[list[Edit]]:
    """So many walks; the same for the same number."""
    return _drawn(walks, count, number)


def _drawn(strategy: st.SearchStrategy[T], count: int, number: int) -> list[T]:
    found: list[T] = []

    @seed(number)
    @settings(max_examples=count, deadline=None, database=None, phases=[Phase.generate],
              suppress_health_check=list(HealthCheck))  # fmt: skip
    @given(strategy)
    def draw(one: T) -> None:
        found.append(one)

    draw()
    assert len(found) == count
    return found


DOCUMENTS: Mapping[str, str] = {
    "config": further("v1", "ConfigMap", "-config", "data: {image: '${preview.spec.image}'}"),
    "other config": further("v1", "ConfigMap", "-config", "data: {image: elsewhere}"),
    "second config": further("v1", "ConfigMap", "-second", "data: {a: b}"),
    "redis": further("v1", "Service", "-redis", "spec: {ports: [{port: 6379}]}"),
    "other redis": further("v1", "Service", "-redis", "spec: {ports: [{port: 6380}]}"),
    "claim": further("v1", CLAIM, "-store", "spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}"),
    "budget": further("policy/v1", "PodDisruptionBudget", "-budget", "spec: {minAvailable: 1}"),
    "app": document("Service", "spec: {sessionAffinity: ClientIP}"),
}  # fmt: skip
"""What operators may have in their folder; those of one kind and name are merged into one child."""
NOBODY = further("v1", "ConfigMap", "-x", "data: {a: b}", when="nobody")
"""Is always there, since a folder without a document is a mistake."""

folders = st.lists(st.sampled_from(sorted(DOCUMENTS)), unique=True, max_size=4)


def drawn_folders(count: int, number: int) -> list[list[str]]:
    """So many lists of folders' texts, one for each step of a walk; the same for the same number."""
    found = _drawn(st.lists(folders, min_size=STEPS, max_size=STEPS), count, number)
    return [["".join([NOBODY, *(DOCUMENTS[name] for name in names)]) for names in walk] for walk in found]


walks = st.lists(edits(), min_size=STEPS, max_size=STEPS)
START: Mapping[str, Any] = {"image": "registry.example.com/web:1", "fqdn": f"one.{DOMAIN}"}
