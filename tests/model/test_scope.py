"""Which previews a run is about, and what is said of a scope that makes no sense."""

import pytest

from reconcile.errors import UsageError
from reconcile.kube.objects import NamespacedName
from reconcile.model.scope import Scope, make_scope, parse_selector

LABELS = {"team": "shop", "env": "x", "a.example.com/b": ""}


@pytest.mark.parametrize(
    ("selector", "meant"),
    [
        ("team=shop", True),
        ("team==shop", True),
        ("team = shop", True),
        ("team!=shop", False),
        ("team=blog", False),
        ("team!=blog", True),
        ("missing=x", False),
        ("missing!=x", True),
        ("team in (shop,blog)", True),
        ("team in ( shop , blog )", True),
        ("team in (blog)", False),
        ("team notin (blog)", True),
        ("team notin (shop)", False),
        ("missing notin (x)", True),
        ("missing in (x)", False),
        ("team", True),
        ("!team", False),
        ("missing", False),
        ("! missing", True),
        ("team=shop,env=x", True),
        ("team=shop,env=y", False),
        ("team in (shop,blog),env in (x,y),!missing", True),
        ("a.example.com/b", True),
        ("a.example.com/b=", True),
        ("a.example.com/b in ()", True),
    ],
)
def test_a_selector_means_what_kubectl_means_by_it(selector: str, meant: bool) -> None:
    assert all(holds(LABELS) for holds in parse_selector(selector)) is meant
    assert make_scope(None, (), selector).has("shop", "pr-1", LABELS) is meant


@pytest.mark.parametrize(
    "selector", ["=x", "a=b,", ",", "a in b", "a in (b", "a b", "a>1", "té=x", "a=b=c", "-x", "a/b/c=x"]
)
def test_a_selector_that_is_none_is_a_usage_error(selector: str) -> None:
    with pytest.raises(UsageError, match="is not a valid requirement: must be key=value"):
        parse_selector(selector)


@pytest.mark.parametrize(
    ("namespace", "names", "place", "meant"),
    [
        (None, (), ("shop", "pr-1"), True),
        ("shop", (), ("shop", "pr-1"), True),
        ("shop", (), ("blog", "pr-1"), False),
        (None, ("pr-1",), ("blog", "pr-1"), True),
        (None, ("pr-1",), ("blog", "pr-2"), False),
        (None, ("shop/pr-1",), ("shop", "pr-1"), True),
        (None, ("shop/pr-1",), ("blog", "pr-1"), False),
        ("shop", ("pr-1",), ("blog", "pr-1"), False),
        ("shop", ("shop/pr-1", "pr-2"), ("shop", "pr-2"), True),
    ],
)
def test_a_scope_means_places(
    namespace: str | None, names: tuple[str, ...], place: tuple[str, str], meant: bool
) -> None:
    scope = make_scope(namespace, names, None)
    assert scope.has_place(*place) is meant
    assert scope.has(*place, {}) is meant
    assert scope.has_gone(*place) is meant


def test_with_a_selector_nobody_knows_whether_a_gone_preview_was_meant() -> None:
    assert not make_scope(None, (), "!missing").has_gone("shop", "pr-1")


@pytest.mark.parametrize(
    ("namespace", "names", "selector", "text"),
    [
        (None, (), None, "every preview"),
        ("shop", (), None, "every preview in namespace shop"),
        (None, ("shop/pr-1", "pr-2"), None, "previews shop/pr-1, pr-2"),
        ("shop", ("pr-2",), "a=b", "previews shop/pr-2 in namespace shop with labels a=b"),
    ],
)
def test_a_scope_describes_itself(
    namespace: str | None, names: tuple[str, ...], selector: str | None, text: str
) -> None:
    assert str(make_scope(namespace, names, selector)) == text


@pytest.mark.parametrize("name", ["", "/", "/pr-1", "shop/", "a/b/c"])
def test_a_name_that_is_none_is_a_usage_error(name: str) -> None:
    with pytest.raises(UsageError, match="is not a valid preview: must be NAME or NAMESPACE/NAME"):
        make_scope(None, (name,), None)


def test_a_name_of_another_namespace_than_set_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match=r"-n shop and blog/pr-1 cannot be combined"):
        make_scope("shop", ("blog/pr-1",), None)


def test_namespace_only_needs_a_namespace() -> None:
    with pytest.raises(UsageError, match="--namespace-only needs -n"):
        make_scope(None, (), None, namespace_only=True)
    assert make_scope("shop", (), None, namespace_only=True) == Scope("shop", namespace_only=True)


def test_a_name_is_of_the_namespace_that_was_set() -> None:
    assert make_scope("shop", ("pr-1",), None).names == (NamespacedName("shop", "pr-1"),)
    assert str(NamespacedName("", "pr-1")) == "pr-1"
