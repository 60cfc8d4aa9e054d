"""Which hostnames routes ask for, in every spelling that their kinds have for one."""

from collections.abc import Callable
from fnmatch import fnmatchcase
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconcile.kube.hostnames import asks_only_for, covered, hostnames
from reconcile.kube.live import Live
from reconcile.kube.patterns import matches
from tests.whole import drawn
from tests.work import grows_evenly

A, B = "a.example.com", "b.example.com"


def a_route(kind: str, spec: Any) -> Live:
    return Live(
        {"apiVersion": "x/v1", "kind": kind, "metadata": {"name": "web", "namespace": "infra"}, "spec": spec}
    )


@pytest.mark.parametrize(
    ("kind", "spec", "names"),
    [
        ("Mapping", {"hostname": A}, {A}),
        ("Mapping", {"host": "A.example.com"}, {A}),
        ("Mapping", {"hostname": A, "host": B}, {A, B}),
        ("Ingress", {"rules": [{"host": A}, {"host": B}, {"http": {}}]}, {A, B}),
        ("HTTPRoute", {"hostnames": [A, B]}, {A, B}),
        # whatever the path is
        ("Mapping", {"hostname": A, "prefix": "/oauth2/"}, {A}),
        (
            "Ingress",
            {"rules": [{"host": A, "http": {"paths": [{"path": "/oauth2", "pathType": "Prefix"}]}}]},
            {A},
        ),
        ("HTTPRoute", {"hostnames": [A], "rules": [{"matches": [{"path": {"value": "/oauth2"}}]}]}, {A}),
        ("Mapping", {}, set()),
        ("Service", {"hostname": A}, set()),
        ("Mapping", None, set()),
        ("Mapping", [A], set()),
        ("Mapping", {"hostname": 5}, set()),
        ("Mapping", {"host": A, "host_regex": True}, set()),
        ("Ingress", {"rules": {"host": A}}, set()),
        ("Ingress", {"rules": [A, None, {"host": 5}]}, set()),
        ("HTTPRoute", {"hostnames": A}, set()),
        ("HTTPRoute", {"hostnames": [None, 5, ""]}, set()),
    ],
)
def test_a_route_requests_hostnames(kind: str, spec: Any, names: set[str]) -> None:
    assert hostnames(a_route(kind, spec)) == names


@pytest.mark.parametrize(
    ("kind", "spec", "taken"),
    [
        ("Mapping", {"hostname": A, "prefix": "/"}, {A}),
        ("Mapping", {"hostname": "*.example.com", "prefix": "/"}, {A, B}),
        ("Mapping", {"hostname": "*.example.com", "prefix": "/api"}, set()),
        ("Mapping", {"hostname": "*.com", "prefix": "/"}, set()),
        ("Mapping", {"hostname": "*.com", "prefix": "/", "precedence": 1}, {A, B}),
        ("Mapping", {"hostname": "*.example.com", "prefix": "/", "precedence": -1}, set()),
        ("Ingress", {"rules": [{"host": "*.example.com"}]}, set()),
        ("HTTPRoute", {"hostnames": ["*.example.com"]}, set()),
        ("Mapping", None, set()),
    ],
)
def test_a_wildcard_takes_what_it_would_win(kind: str, spec: Any, taken: set[str]) -> None:
    assert covered(a_route(kind, spec), [A, B]) == taken


EXACT, REGEX = {":authority": A}, {":authority": r"[ab]\.example\.com"}


@pytest.mark.parametrize(
    ("spec", "taken"),
    [
        ({"hostname": "A.Example.COM"}, {A}),
        ({"hostname": f"{A}."}, {A}),
        ({"hostname": f"{A}:8443"}, {A}),
        ({"hostname": f"{A}.:443"}, {A}),
        ({"host": A}, {A}),
        ({"host": f"{A}:443"}, {A}),
        ({"host": A, "host_regex": False}, {A}),
        ({"host": "*.example.com:443", "precedence": 1}, {A, B}),
        ({"headers": EXACT}, {A}),
        ({"headers": {":Authority": f"{A}:443"}}, {A}),
        ({"headers": {"Host": A}}, {A}),
        ({"headers": {"x-host": A}}, set()),
        ({"headers": {":authority": True}}, set()),
        ({"headers": [A]}, set()),
        ({"headers": EXACT, "hostname": B}, {A, B}),
        ({"regex_headers": REGEX}, {A, B}),
        ({"regex_headers": {":authority": A}}, {A}),
        ({"host": r"^a\.example\.com$", "host_regex": True}, {A}),
        ({"host": r"[a-z0-9-]+\.example\.com", "host_regex": True}, {A, B}),
        ({"host": r"(.+)\.example\.com", "host_regex": True}, {A, B}),
        ({"host": r"[0-9]+\.example\.com", "host_regex": True}, set()),
        ({"host": r"(a|b)\.example\.com", "host_regex": True}, {A, B}),
        ({"host": r"(?i)[ac]{1,3}\.(example|test)\.com", "host_regex": True}, {A}),
        ({"host": r"(?!b).+\.example\.com", "host_regex": True}, set()),
        ({"host": "*.example.com", "host_regex": True, "precedence": 1}, set()),
        ({"host": ".*", "host_regex": True}, set()),
        ({"host": ".*", "host_regex": True, "precedence": 1}, {A, B}),
        ({"host": ".*", "host_regex": True, "precedence": 1, "prefix": "/api/"}, set()),
    ],
)
def test_a_mapping_takes_a_hostname_in_whatever_spelling(spec: dict[str, Any], taken: set[str]) -> None:
    assert covered(a_route("Mapping", {"prefix": "/", **spec}), [A, B]) == taken


OAUTH, ROOT = {"path": "/oauth2", "pathType": "Prefix"}, {"path": "/", "pathType": "Prefix"}


def an_ingress(*paths: dict[str, str], **spec: Any) -> dict[str, Any]:
    return {"rules": [{"host": A, "http": {"paths": list(paths)}}], **spec}


def implementation_specific(path: str) -> dict[str, Any]:
    return an_ingress({"path": path, "pathType": "ImplementationSpecific"})


def an_httproute(*rules: Any) -> dict[str, Any]:
    return {"hostnames": [A], "rules": list(rules)}


def by_path(value: str, type_: str = "PathPrefix") -> dict[str, Any]:
    return {"path": {"type": type_, "value": value}}


PATHS: list[tuple[str, dict[str, Any], bool]] = [
    ("Ingress", an_ingress(ROOT), True),
    ("Ingress", an_ingress(OAUTH), False),
    ("Ingress", an_ingress({"path": "/", "pathType": "Exact"}), True),
    ("Ingress", an_ingress({"path": "/.well-known/acme-challenge/x", "pathType": "Exact"}), False),
    ("Ingress", an_ingress(OAUTH, ROOT), True),
    ("Ingress", an_ingress(), True),
    ("Ingress", {"rules": [{"host": A}]}, True),
    ("Ingress", an_ingress(OAUTH, defaultBackend={"service": {"name": "x"}}), True),
    (
        "Ingress",
        {"rules": [{"host": A, "http": {"paths": [OAUTH]}}, {"host": A, "http": {"paths": [ROOT]}}]},
        True,
    ),
    (
        "Ingress",
        {"rules": [{"host": A, "http": {"paths": [OAUTH]}}, {"host": B, "http": {"paths": [ROOT]}}]},
        False,
    ),
    ("Ingress", an_ingress({"pathType": "ImplementationSpecific"}), True),
    ("Ingress", implementation_specific(""), True),
    ("Ingress", implementation_specific("/"), True),
    ("Ingress", implementation_specific("/*"), True),
    ("Ingress", implementation_specific("/(.*)"), True),
    ("Ingress", implementation_specific("/a?"), True),
    ("Ingress", implementation_specific("/a|/"), True),
    ("Ingress", implementation_specific("/oauth2/*"), False),
    ("Ingress", implementation_specific("/oauth2(/|$)(.*)"), False),
    ("Ingress", implementation_specific("/.well-known/acme-challenge/x"), False),
    ("HTTPRoute", {"hostnames": [A]}, True),
    ("HTTPRoute", an_httproute(), True),
    ("HTTPRoute", an_httproute({}), True),
    ("HTTPRoute", an_httproute({"matches": [{}]}), True),
    ("HTTPRoute", an_httproute({"matches": [{"headers": [{"name": "x", "value": "y"}]}]}), True),
    ("HTTPRoute", an_httproute({"matches": [by_path("/")]}), True),
    ("HTTPRoute", an_httproute({"matches": [by_path("/", "Exact")]}), True),
    ("HTTPRoute", an_httproute({"matches": [by_path("/oauth2")]}), False),
    ("HTTPRoute", an_httproute({"matches": [by_path("/oauth2"), by_path("/")]}), True),
    ("HTTPRoute", an_httproute({"matches": [by_path("/oauth2")]}, {}), True),
    ("HTTPRoute", an_httproute({"matches": [by_path("/.*", "RegularExpression")]}), True),
    ("HTTPRoute", an_httproute({"matches": [by_path("/oauth2/.*", "RegularExpression")]}), False),
    ("Mapping", {"hostname": A}, True),
    ("Mapping", {"hostname": A, "prefix": "/"}, True),
    ("Mapping", {"hostname": A, "prefix": ""}, True),
    ("Mapping", {"hostname": A, "prefix": "/oauth2/"}, False),
    ("Mapping", {"headers": {":authority": A}, "prefix": "/oauth2/"}, False),
    ("Mapping", {"host": A, "host_regex": True, "prefix": "/oauth2/"}, False),
    ("Mapping", {"hostname": A, "prefix": "/oauth2/", "prefix_exact": True}, False),
    ("Mapping", {"hostname": A, "prefix": "/.*", "prefix_regex": True}, True),
    ("Mapping", {"hostname": "*.com", "prefix": "/.*", "prefix_regex": True}, True),
    ("Mapping", {"hostname": A, "prefix": "^/oauth2/.*", "prefix_regex": True}, False),
    ("Mapping", {"hostname": A, "prefix": 5}, True),
]


@pytest.mark.parametrize(("kind", "spec", "whole"), PATHS)
def test_only_a_route_that_takes_the_path_of_all_takes_a_hostname(
    kind: str, spec: dict[str, Any], whole: bool
) -> None:
    assert covered(a_route(kind, spec), [A]) == ({A} if whole else set())


@pytest.mark.parametrize(
    ("kind", "spec", "only"),
    [
        ("HTTPRoute", {"hostnames": [A]}, True),
        ("GRPCRoute", {"hostnames": [A]}, True),
        ("Ingress", {"rules": [{"host": A}, {"host": A}]}, True),
        ("Mapping", {"hostname": A, "headers": {":authority": A}}, True),
        ("HTTPRoute", {"hostnames": [A, B]}, False),
        ("HTTPRoute", {"hostnames": ["A.example.com"]}, False),
        ("HTTPRoute", {}, False),
        ("GRPCRoute", {}, False),
        ("Ingress", {"rules": [{"host": A}, {"http": {}}]}, False),
        ("Ingress", {"rules": [{"host": A}], "defaultBackend": {"service": {"name": "a"}}}, False),
        ("Mapping", {"hostname": A, "regex_headers": {":authority": A}}, False),
    ],
)
def test_one_that_requests_a_hostname_and_no_other(kind: str, spec: dict[str, Any], only: bool) -> None:
    assert asks_only_for(a_route(kind, spec), A) is only


def a_mapping(**spec: Any) -> Live:
    return a_route("Mapping", {"prefix": "/", "precedence": 1, **spec})


@pytest.mark.parametrize(
    "spec_of",
    [
        lambda number: {"hostname": f"*r-{number}.example.com"},
        lambda number: {"hostname": f"pr-{number}.*"},
        lambda number: {"host": rf".*r-{number}[.]example\.com", "host_regex": True},
        lambda number: {"host": f"PR-{number}[.].*", "host_regex": True},
        lambda number: {"host": f"(pr|mr)-{number}", "host_regex": True},
    ],
)
def test_wildcards_for_each_hostname_are_not_tried_on_every_other(spec_of: Callable[[int], Any]) -> None:
    def work(many: int) -> Callable[[], object]:
        numbers = range(1000 * many, 1001 * many)  # others each time: what was compiled is remembered
        claimed = frozenset(f"pr-{number}.example.com" for number in numbers)
        routes = [a_mapping(**spec_of(number)) for number in numbers]
        covered(a_mapping(hostname="*.warm.up"), claimed)
        return lambda: [covered(route, claimed) for route in routes]

    assert grows_evenly(work, few=20)


def test_many_routes_that_take_all_hostnames_share_them() -> None:
    claimed = frozenset({A, B})
    first, second = (covered(a_mapping(hostname="*"), claimed) for _ in range(2))
    assert first == claimed
    assert first is second


LABELS = st.sampled_from(["a", "b", "aa", "ab", "ba", "bb"])
LABELLED = st.sets(st.lists(LABELS, min_size=1, max_size=3).map(".".join), max_size=8)


@drawn()
@given(
    LABELLED,
    st.lists(st.sampled_from(["a", "B", ".", r"\.", ".*", "[ab]+", "a?", "b*"]), max_size=5).map("".join),
)
def test_what_a_pattern_takes_is_what_it_matches_of_all(names: set[str], pattern: str) -> None:
    taken = covered(a_mapping(host=pattern, host_regex=True), names)
    assert taken == {name for name in names if matches(pattern, name)}


@drawn()
@given(LABELLED, st.lists(st.sampled_from(["a", "b", ".", "*", "?"]), min_size=1, max_size=5).map("".join))
def test_what_a_wildcard_takes_is_what_fits_of_all(names: set[str], glob: str) -> None:
    taken = covered(a_mapping(hostname=f"*{glob}"), names)
    assert taken == {name for name in names if fnmatchcase(name, f"*{glob}".removesuffix("."))}
