"""Specs and settings of every shape that previews and operators may use, for property tests."""

from collections.abc import Mapping
from typing import Any

from hypothesis import strategies as st

from reconcile.model import rules
from reconcile.model.settings import Gateway, Settings, Toleration

# From small to large, in every way of writing that is taken: requests are drawn not to be above the limits.
CPU = ["1m", "0.1", "100m", ".25", "500m", "0.5", 1, "1000m", "1.5", 2, "1e1", "100", "1k"]
MEMORY = [1000, "64Ki", "1e5", "128974848", "0.5Gi", "1024Mi", "1.5Gi", "2G", "9e9", "20Gi", "0.5Ti"]
FIELDS = ["metadata.name", "metadata.labels['a/b']", "spec.nodeName", "status.podIP", "metadata.uid"]

text = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
names = st.from_regex(r"[a-z]([-a-z0-9]{0,8}[a-z0-9])?", fullmatch=True)
env_names = st.from_regex(r"[A-Z][A-Z0-9_.-]{0,5}", fullmatch=True)
keys = st.from_regex(r"[a-zA-Z0-9][-a-zA-Z0-9_.]{0,8}", fullmatch=True)
images = st.builds(
    "{}{}{}{}".format,
    st.sampled_from(["", "registry.example.com/", "localhost:5000/", "[::1]:80/"]),
    st.sampled_from(["web", "team/web", "a__b/c.d"]),
    st.sampled_from(["", ":1", ":pr-42", ":Latest_2.0"]),
    st.sampled_from(["", "@sha256:" + "0a" * 32]),
)


def optional(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Some of these fields."""
    return st.fixed_dictionaries({}, optional=fields)


def reference(**required: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(required, optional={"optional": st.booleans()})


value_from = st.one_of(
    st.builds(lambda found: {"secretKeyRef": found}, reference(name=names, key=keys)),
    st.builds(lambda found: {"configMapKeyRef": found}, reference(name=names, key=keys)),
    st.builds(lambda path: {"fieldRef": {"fieldPath": path}}, st.sampled_from(FIELDS)),
)
variables = st.one_of(
    st.fixed_dictionaries({"name": env_names}, optional={"value": text}),
    st.fixed_dictionaries({"name": env_names, "valueFrom": value_from}),
)
sources = st.sampled_from(["configMapRef", "secretRef"]).flatmap(
    lambda kind: st.fixed_dictionaries({kind: reference(name=names)}, optional={"prefix": env_names})
)


@st.composite
def resources(draw: st.DrawFn) -> dict[str, Any]:
    """Limits and requests that Kubernetes takes together."""
    found: dict[str, dict[str, Any]] = {}
    for name, amounts in (("cpu", CPU), ("memory", MEMORY)):
        low, high = sorted(draw(st.tuples(*[st.integers(0, len(amounts) - 1)] * 2)))
        for side, amount in (("requests", amounts[low]), ("limits", amounts[high])):
            if draw(st.booleans()):
                found.setdefault(side, {})[name] = amount
    return found


OPTIONAL: Mapping[str, st.SearchStrategy[Any]] = {
    "port": st.integers(1, 65535),
    "replicas": st.integers(0, 3),
    "env": st.lists(variables, max_size=4, unique_by=lambda item: item["name"]),
    "envFrom": st.lists(sources, max_size=3),
    "imagePullSecrets": st.lists(
        st.builds(lambda name: {"name": name}, names), max_size=3, unique_by=lambda item: item["name"]
    ),
    "imagePullPolicy": st.sampled_from(rules.PULL_POLICIES),
    "resources": resources(),
    "command": st.lists(text, max_size=3),
    "args": st.lists(text, max_size=3),
    "healthPath": st.sampled_from(["/", "/healthz", "/a?b=c#d"]),
    "revision": st.sampled_from(["0a1b2c3", "v1.0+build/7"]),
    "ttl": st.sampled_from(["0", "72h", "1d12h"]),
    "suspend": st.booleans(),
}
specs = st.fixed_dictionaries({"image": images}, optional=dict(OPTIONAL))
"""Everything that an author may say, but for the hostname, which has to be free."""

pairs = st.dictionaries(
    st.builds("example.com/{}".format, keys.filter(lambda key: key[-1].isalnum())),
    st.sampled_from(["a", "b.c", "D_1"]),
    max_size=2,
).map(lambda found: tuple(sorted(found.items())))
tolerations = st.one_of(
    st.builds(
        Toleration, key=names, operator=st.just("Exists"), effect=st.sampled_from(["NoSchedule", None])
    ),
    st.builds(Toleration, key=names, operator=st.just("Equal"), value=st.sampled_from(["a", "b"])),
)


def _settings(tls: tuple[str | None, str | None], **found: Any) -> Settings:
    return Settings(tls_secret=tls[0], cluster_issuer=tls[1], **found)


settings = st.builds(
    _settings,
    tls=st.sampled_from([(None, None), ("a-secret", None), (None, "an-issuer")]),
    allow_secret=st.just(("*",)),
    route=st.sampled_from(["mapping", "ingress", "httproute"]),
    route_given=st.just(True),
    gateway=st.builds(Gateway, namespace=names, name=names, section=st.none() | names),
    ingress_class=st.none() | names,
    route_labels=pairs,
    route_annotations=pairs,
    pod_security=st.sampled_from(["baseline", "restricted"]),
    default_limits=st.sampled_from([(), (("cpu", "1k"), ("memory", "1Ti"))]),
    default_requests=st.sampled_from([(), (("cpu", "1m"), ("memory", "1k"))]),
    node_selector=pairs,
    tolerations=st.lists(tolerations, max_size=2).map(tuple),
    priority_class=st.none() | names,
)
"""Everything that an operator may decide."""

ALL_FIELDS: dict[str, Any] = {
    "image": "registry.example.com/web:1",
    "port": 8080,
    "replicas": 0,
    "env": [
        {"name": "A", "value": "1"},
        {"name": "EMPTY"},
        {"name": "SECRET", "valueFrom": {"secretKeyRef": {"name": "a", "key": "b", "optional": True}}},
        {"name": "CONFIG", "valueFrom": {"configMapKeyRef": {"name": "a", "key": "b"}}},
        {"name": "FIELD", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
    ],
    "envFrom": [{"configMapRef": {"name": "a"}, "prefix": "P_"}, {"secretRef": {"name": "b"}}],
    "imagePullSecrets": [{"name": "a"}, {"name": "b"}],
    "imagePullPolicy": "Never",
    "resources": {"limits": {"cpu": "1", "memory": "1Gi"}, "requests": {"cpu": "0.5", "memory": "64Mi"}},
    "command": ["run"],
    "args": ["--fast", ""],
    "healthPath": "/healthz",
    "revision": "0a1b2c3",
}
ALL_SETTINGS = Settings(
    route_given=True,
    gateway=Gateway(namespace="infra", name="web", section="https"),
    ingress_class="web",
    cluster_issuer="an-issuer",
    route_labels=(("example.com/team", "a"),),
    route_annotations=(("example.com/note", "b"),),
    pod_security="restricted",
    node_selector=(("example.com/pool", "previews"),),
    tolerations=(Toleration(key="previews", operator="Exists"),),
    priority_class="low",
    allow_secret=("*",),
)
