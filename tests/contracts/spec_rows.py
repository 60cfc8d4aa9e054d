"""Specs that are taken and specs that are refused, by the model and by an API server alike.

`ROWS` is used twice: `tests/contracts` asks the model, `tests/e2e` an API server that has the CRD.
"""

from dataclasses import dataclass
from typing import Any

DIGEST = "@sha256:" + "0a" * 32
LABEL = "a" * 63


@dataclass(frozen=True)
class Row:
    """One spec; `spec` is put over one that is taken, and what is `...` there is left out."""

    taken: bool
    says: str
    spec: Any
    name: str = "pr-1"

    @property
    def whole_spec(self) -> Any:
        if not isinstance(self.spec, dict):
            return self.spec
        base = {"image": "registry.example.com/shop:1", "fqdn": "pr-1.example.com"}
        return {field: value for field, value in {**base, **self.spec}.items() if value is not ...}


def _each(taken: bool, path: str, *values: Any) -> list[Row]:
    """A row for each value of a field; the path leads to it, through one variable where it leads through env."""
    return [Row(taken, f"{path} {_short(value)}", _at(path, value)) for value in values]


def _at(path: str, value: Any) -> dict[str, Any]:
    field, _, rest = path.partition(".")
    below = _at(rest, value) if rest else value
    return {field: [{"name": "A", **below}] if rest and field == "env" else below}


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:40]}… of {len(text)}"


def _resources(taken: bool, *pairs: tuple[dict[str, Any], dict[str, Any]]) -> list[Row]:
    """Limits, and requests."""
    return _each(
        taken, "resources", *({"limits": limits, "requests": requests} for limits, requests in pairs)
    )


_WHOLE = [
    Row(True, "image and fqdn alone", {}),
    Row(False, "no image", {"image": ...}),
    Row(False, "no fqdn", {"fqdn": ...}),
    Row(False, "an empty spec", {"image": ..., "fqdn": ...}),
    Row(False, "a null spec", None),
    Row(False, "a list as spec", []),
    Row(False, "a string as spec", "nginx"),
    Row(False, "an unknown field", {"colour": "red"}),
    Row(False, "an unknown field in env", {"env": [{"name": "A", "vlaue": "1"}]}),
    Row(False, "a field in snake case", {"health_path": "/"}),
    Row(False, "claims, which a Pod's resources have", {"resources": {"claims": []}}),
    Row(True, "null for every field that has a default or may be left out", {
        "port": None, "replicas": None, "env": None, "envFrom": None, "imagePullSecrets": None,
        "resources": None, "command": None, "args": None, "healthPath": None, "revision": None,
        "ttl": None, "suspend": None, "setup": None, "imagePullPolicy": None,
    }),
    Row(False, "null for image", {"image": None}),
    Row(False, "null for fqdn", {"fqdn": None}),
]  # fmt: skip

_NAMES = [
    *[Row(True, f"name {_short(n)}", {}, name=n) for n in ("a", "pr-2", "a--b", LABEL)],
    *[Row(False, f"name {_short(n)}", {}, name=n) for n in ("1a", "a.b", "a" * 64, "0")],
]

_IMAGES = [
    *_each(
        True, "image", "nginx", "nginx:1.29", "library/nginx", "localhost:5000/a/b:tag" + DIGEST,
        "nginx" + DIGEST, "a.example.com/b", "Host/b", "a.example.com:443/b/c-d_e__f.g---h:T.a-g_1",
        "[2001:db8::1]:5000/a", "10.0.0.1:5000/a", "a@sha512:" + "0" * 128, "a:" + "t" * 128,
        "a/" * 255 + "bc", "0",
    ),
    *_each(
        False, "image", "", " ", "nginx ", " nginx", "nginx\n", "ngi nx", "Nginx", "a/B",
        "https://a.example.com/b",
        "docker://a", "bob:secret@a.example.com/b", "bob@a.example.com/b", "nginx:", "nginx@",
        "nginx@sha256:0a",
        "nginx" + DIGEST.upper(), "nginx" + DIGEST + "0", "a//b", "/a", "a/", "a:b:c", "a@md5:" + "0" * 32,
        "a:" + "t" * 129, "-a", "a-", "a.-b", "a___b", "a..b/c..d", "a:-t", "é", "a/" * 256 + "b", 1,
        ["a"], True,
        "nginx\u0000", "a@sha256:" + "g" * 64,
    ),
]  # fmt: skip

_FQDNS = [
    *_each(
        True, "fqdn", "a.example.com", "localhost", "a", "1.example.com", "a-b.c--d.e", f"{LABEL}.{LABEL}.a",
        "xn--bcher-kva.example.com", "1a", "a.1a", "a.0x1f", ".".join(["a" * 61] * 4) + ".abcd",
    ),
    *_each(
        False, "fqdn", "", "Foo", "a.Example.com", "*.example.com", "a.example.com:80", "a.example.com.",
        "https://a.example.com", "a.example.com/x", "a_b.example.com", "a b", "a..b", ".a", "-a.b", "a-.b",
        "a.-b",
        "a.b-", "1.2.3.4", "1.2.3", "1", "::1", "[::1]", "bücher.example.com", f"a{LABEL}.example.com",
        "a.com\n",
        ".".join(["a" * 61] * 4) + ".abcdefg", 1, True, "a.b\u2028",
    ),
]  # fmt: skip

_NUMBERS = [
    *_each(True, "port", 1, 80, 65535, 80.0),
    *_each(False, "port", 0, -1, 65536, "80", "http", 80.5, True, [80], 10**12, 1e300),
    *_each(True, "replicas", 0, 1, 100, 2.0),
    *_each(False, "replicas", -1, 101, "1", 0.5, False),
    *_each(True, "suspend", True, False),
    *_each(False, "suspend", "true", "yes", 0, 1, []),
]

_ENV = [
    *_each(
        True, "env", [], [{"name": "A"}], [{"name": "A", "value": ""}, {"name": "B", "value": "$(A)\n\t€"}],
        [{"name": "a.b-c_D1"}, {"name": "_"}, {"name": "-"}, {"name": ".a"}, {"name": ".-"}],
        [{"name": "A" * 256, "value": "x" * 32768}], [{"name": f"A{number}"} for number in range(200)],
    ),
    *_each(
        False, "env", [{"name": f"A{number}"} for number in range(201)], [{"name": "A" * 257}],
        [{"name": "A"}, {"name": "B"}, {"name": "A", "value": "1"}], [{"value": "x"}], [None], ["A=1"],
        {"A": "1"}, "A=1",
        *([{"name": n}] for n in ("", "1A", "A=B", "A B", ".", "..", "..a", "É", "A\n", 1, None)),
        [{"name": "A", "value": "", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}],
    ),
    *_each(True, "env.value", "€" * 32768),
    *_each(False, "env.value", "x" * 32769, 1, True, ["x"], {"x": "y"}),
    *_each(True, "env", [{"name": "A", "value": None, "valueFrom": None}]),
]  # fmt: skip

_SOURCES = [
    *_each(
        True, "env.valueFrom", {"secretKeyRef": {"name": "s.a-b", "key": "K_e-y.1", "optional": True}},
        {"configMapKeyRef": {"name": "c", "key": ".a", "optional": False}},
        {"configMapKeyRef": {"name": "c", "key": "k"}, "secretKeyRef": None},
        {"fieldRef": {"fieldPath": "metadata.name", "apiVersion": "v1"}},
    ),
    *_each(
        False, "env.valueFrom", {}, "secret", {"resourceFieldRef": {"resource": "limits.cpu"}},
        {"secretKeyRef": {"name": "s", "key": "k"}, "configMapKeyRef": {"name": "c", "key": "k"}},
        {"fieldRef": {"fieldPath": "metadata.name", "apiVersion": "v2"}},
    ),
    *_each(True, "env.valueFrom.secretKeyRef", {"name": "s", "key": "k"}),
    *_each(
        False, "env.valueFrom.secretKeyRef", {"name": "s"}, {"key": "k"}, {"name": "", "key": "k"},
        {"name": "S", "key": "k"}, {"name": "s", "key": ""}, {"name": "s", "key": ".."},
        {"name": "s", "key": "a/b"}, {"name": "s", "key": "k", "optional": "true"},
    ),
    *_each(
        True, "env.valueFrom.fieldRef.fieldPath", "metadata.name", "metadata.namespace", "metadata.uid",
        "metadata.labels['a']", "metadata.annotations['example.com/a.B_c']", "status.hostIP",
        "status.hostIPs", "status.podIP", "status.podIPs", "spec.nodeName", "spec.serviceAccountName",
    ),
    *_each(
        False, "env.valueFrom.fieldRef.fieldPath", "", "metadata", "metadata.labels", "metadata.labels['']",
        "spec.image", "x", "metadata.labels['-a']", 'metadata.labels["a"]', "metadata.name\n", 1,
    ),
]  # fmt: skip

_REFERENCES = [
    *_each(
        True, "envFrom", [], [{"secretRef": {"name": "s"}}], [{"configMapRef": {"name": "c",
        "optional": True}}],
        [{"prefix": "A_", "secretRef": {"name": "s"}}, {"secretRef": {"name": "s"}}],
        [{"secretRef": {"name": "s"}}] * 50,
    ),
    *_each(
        False, "envFrom", [{}], [{"prefix": "A_"}], [{"secretRef": {}}], [{"secretRef": {"name": "S"}}],
        [{"secretRef": {"name": "s"}, "configMapRef": {"name": "c"}}], [{"prefix": "1",
        "secretRef": {"name": "s"}}],
        [{"prefix": "", "secretRef": {"name": "s"}}], [{"secretRef": {"name": "s"}}] * 51, {"secretRef": "s"},
    ),
    *_each(True, "imagePullSecrets", [], [{"name": "a"}, {"name": "b.c"}],
        [{"name": f"a{n}"} for n in range(20)]),
    *_each(
        False, "imagePullSecrets", [{"name": "a"}, {"name": "a"}], [{}], ["a"], [{"name": "A"}],
        [{"name": ""}],
        [{"name": f"a{n}"} for n in range(21)], [{"name": "a" * 254}],
    ),
]  # fmt: skip

_RESOURCES = [
    *_each(
        True, "resources", {}, {"limits": {}, "requests": None}, {"limits": {"cpu": None}},
        {"limits": {f"a.b/c{n}": 1 for n in range(16)}},
    ),
    *_each(
        False, "resources", {"limits": {f"a.b/c{n}": 1 for n in range(17)}}, {"limits": []}, "small",
    ),
    *_each(
        True, "resources.limits.cpu", "1", "500m", "0.5", ".5", "1.", "0", "1500m", "1.5Gi", "1e3", "1E3",
        "1e-3", "1e+3", "128974848", "100u", "1n", "9" * 15, "999999999Ti", "999999999T", "0.000000001", 1, 0,
        10**15 - 1, 2.0,
    ),
    *_each(
        False, "resources.limits.cpu", "", "-1", "+1", "1 ", " 1", "1K", "1mi", "1kk", "abc", "1e", "1e1.5",
        "1e10", "1.5.1", ".", "m", "1E", "1P", "1Ei", "9" * 16, "1000000000T", "1\n", "\u0661", 0.5, -1,
        10**15, True, [], {}, "1e3m",
    ),
    *_each(
        True, "resources.requests",
        *({n: "1"} for n in ("memory", "ephemeral-storage", "a.kubernetes.io/B_c.d-1")),
    ),
    *_each(
        False, "resources.requests",
        *({n: "1"} for n in ("Cpu", "gpu", "", "hugepages-", "example.com/", "/a", "a/b/c", "a/-b",
                             "a" * 254 + "/b")),
    ),
    *_each(
        True, "resources.limits",
        *({"example.com/gpu": q} for q in ("1", 0, 8, "512Ki", "2k", "9" * 15, "999999G")),
        {"a/B_c.d-1": "1"}, {"a.kubernetes.io/share": "0.5"}, {"a" * 244 + "/b": "1"},
    ),
    *_each(
        False, "resources.limits",
        *({"example.com/gpu": q} for q in ("0.5", "500m", "1000m", "1.", "1e3", "1T", "1000000k")),
        {"requests.example.com/gpu": "1"}, {"a" * 245 + "/b": "1"},
    ),
    *_resources(
        True,
        ({"memory": "1Gi"}, {"memory": "1Gi"}),
        ({"memory": "1024Mi"}, {"memory": 1073741824, "cpu": "9"}),
        ({"cpu": "1"}, {"cpu": "999m", "memory": "1Gi"}),
        ({"cpu": "1.1n"}, {"cpu": "1.2n"}),
        ({"memory": "99999999Ti"}, {"memory": "999999999Ti"}),
        ({"example.com/gpu": "2"}, {"example.com/gpu": 2}),
        ({"example.com/epc": "1024k"}, {"example.com/epc": "1000Ki"}),
        ({"a.kubernetes.io/share": "2"}, {"a.kubernetes.io/share": "1"}),
        ({"hugepages-2Mi": "4Mi", "memory": "1Gi"}, {"hugepages-2Mi": "4096Ki"}),
        ({"hugepages-2Mi": "4Mi"}, {"cpu": "1"}),
        ({"hugepages-1Gi": 0, "cpu": "1"}, {}),
    ),
    *_resources(
        False,
        ({"memory": "512Mi"}, {"memory": "1Gi"}),
        ({"cpu": 1}, {"cpu": "1001m"}),
        ({"cpu": "1", "memory": "1Gi"}, {"cpu": "1", "memory": 1073741825}),
        ({"ephemeral-storage": "1G"}, {"ephemeral-storage": "1Gi"}),
        ({"example.com/gpu": "2"}, {"example.com/gpu": "1"}),
        ({"example.com/gpu": "1"}, {"example.com/gpu": "2"}),
        ({}, {"example.com/gpu": "1"}),
        ({"cpu": "1"}, {"example.com/gpu": "1"}),
        ({"a.example.com/gpu": "1"}, {"b.example.com/gpu": "1"}),
        ({"hugepages-2Mi": "4Mi"}, {}),
        ({"hugepages-2Mi": "4Mi"}, {"hugepages-2Mi": "4Mi"}),
        ({"hugepages-2Mi": "4Mi", "ephemeral-storage": "1Gi"}, {}),
        ({"memory": "1Gi"}, {"hugepages-2Mi": "4Mi"}),
        ({"hugepages-2Mi": "4Mi", "memory": "1Gi"}, {"hugepages-2Mi": "2Mi"}),
        ({"hugepages-2Mi": "3Mi", "memory": "1Gi"}, {}),
        ({"hugepages-2Mi": "4M", "memory": "1Gi"}, {}),
        ({"hugepages-2M": "4M", "memory": "1Gi"}, {}),
        ({"hugepages-2Mi/a": "4Mi", "memory": "1Gi"}, {}),
    ),
]  # fmt: skip

_TEXTS = [
    *_each(True, "command", [], ["sh", "-c", "a && b\n"], [""], ["x"] * 100, ["x" * 32768]),
    *_each(False, "command", "sh", ["x"] * 101, ["x" * 32769], [1], [None], {"0": "sh"}, [["sh"]]),
    *_each(True, "args", [], ["--a=b", "$(A)"], ["x"] * 100),
    *_each(False, "args", "-x", ["x"] * 101, [True]),
    *_each(True, "healthPath", "/", "/healthz?a=b&c=%20#~!", "/" + "a" * 1023, "//"),
    *_each(
        False, "healthPath", "", "healthz", "/a b", "/\n", "/a\n", "/é", "/" + "a" * 1024, "http://a/", 1,
        "/\x7f",
    ),
    *_each(True, "imagePullPolicy", "Always", "IfNotPresent", "Never"),
    *_each(False, "imagePullPolicy", "", "always", "ifNotPresent", "Never ", "Always\n", 1, True, ["Always"]),
    *_each(True, "revision", "0123abc", "v1.2.3+build", "feature/x_y-z", "a" * 128, "0"),
    *_each(False, "revision", "", "-a", "/a", "a b", "a\n", "a" * 129, 123, "é", "a:b"),
]  # fmt: skip

_SETUPS = [
    *_each(
        True, "setup", {"command": ["sh", "-c", "a && b"]}, {"args": ["x"]}, {"image": "nginx:1"},
        {"image": None, "command": ["x"], "args": None}, {"command": [], "args": ["x"]},
        {"command": ["x"] * 100, "args": ["x" * 32768]},
    ),
    *_each(
        False, "setup", {}, [], "migrate", True, {"command": []}, {"command": [], "args": []},
        {"image": None}, {"image": ""}, {"image": "Nginx"}, {"command": "sh"}, {"command": [1]},
        {"command": ["x"] * 101}, {"args": [None]}, {"args": ["x" * 32769]},
        {"command": ["x"], "env": []}, {"command": ["x"], "backoffLimit": 1},
    ),
]  # fmt: skip

_LONG = "€" * 32_000


def _long(taken: bool, last: int) -> list[Row]:
    """Env, command, args and setup with 64,000 characters and so many more."""
    one, two, more = {"name": "A" * 100, "value": _LONG[100:]}, [_LONG[:16_000], _LONG[16_000:]], "x" * last
    specs: list[dict[str, Any]] = [
        {"env": [one, {"name": "B", "value": _LONG[1:]}, {"name": "C", "value": more[1:]}]},
        {"env": [one, {"name": "C" * 100}], "args": two, "command": [more[100:]]},
        {"command": two, "args": [_LONG], "setup": {"args": [more]}},
        {"env": [one], "setup": {"command": [*two, more]}},
    ]
    return [Row(taken, f"64,000 characters and {last} more ({n})", spec) for n, spec in enumerate(specs)]


_TTLS = [
    *_each(
        True, "ttl", "0", "72h", "7d", "1d12h", "1d2h3m4s", "90s", "30m", "0h", "007d", "3650d", "87600h",
        "315360000s", "3649d23h59m60s", "000000000d000000000h000000000m000000001s",
    ),
    *_each(
        False, "ttl", "", "1", "72", "-1h", "1.5h", "1h1d", "1d1d", "1 d", " 1d", "1d\n", "7D", "1w", "1y",
        "d", "h1",
        "3651d", "3650d1s", "87601h", "999999999d", "1000000000s", "00", "1h30", "\u0661d", 72, True,
        "P1D", "1ms",
    ),
]  # fmt: skip

ROWS = (
    *_WHOLE, *_NAMES, *_IMAGES, *_FQDNS, *_NUMBERS, *_ENV, *_SOURCES, *_REFERENCES, *_RESOURCES, *_TEXTS,
    *_SETUPS, *_TTLS, *_long(True, 1_536), *_long(False, 1_537),
)  # fmt: skip
