"""What the options take, and what is said of what they do not take."""

from datetime import timedelta
from typing import Any

import click
import pytest

from reconcile.cli.types import (
    DurationType,
    GatewayType,
    MaxDeletesType,
    NameType,
    PairType,
    ResourceType,
    TolerationType,
    pairs,
)
from reconcile.errors import UsageError
from reconcile.model.names import DEFAULT_GROUP
from reconcile.model.rules import LABEL_KEY

LABEL, ANNOTATION = PairType(label=True), PairType(label=False)


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        (DurationType(), "90s", timedelta(seconds=90)),
        (DurationType(), "1h30m", timedelta(minutes=90)),
        (LABEL, "a.example.com/team=shop", ("a.example.com/team", "shop")),
        (LABEL, "team=", ("team", "")),
        (ANNOTATION, "note=a = b", ("note", "a = b")),
        (GatewayType(), "infra/web", ("infra", "web")),
        (GatewayType(), "infra/web/https", ("infra", "web", "https")),
        (TolerationType(), "previews", {"key": "previews", "operator": "Exists"}),
        (
            TolerationType(),
            "previews:NoSchedule",
            {"key": "previews", "operator": "Exists", "effect": "NoSchedule"},
        ),
        (TolerationType(), "pool=x", {"key": "pool", "operator": "Equal", "value": "x"}),
        (
            TolerationType(),
            "a.example.com/pool=x:NoExecute",
            {"key": "a.example.com/pool", "operator": "Equal", "value": "x", "effect": "NoExecute"},
        ),
        (ResourceType(), "limits.memory=512Mi", ("limits", "memory", "512Mi")),
        (ResourceType(), "limits.a.b/GPU_x=1", ("limits", "a.b/GPU_x", "1")),
        (ResourceType(), "requests.example.com/gpu=1", ("requests", "example.com/gpu", "1")),
        (NameType(), "web.x-1", "web.x-1"),
        (MaxDeletesType(), "0", "0"),
        (MaxDeletesType(), "30%", "30%"),
        (MaxDeletesType(), "100%", "100%"),
    ],
)
def test_what_an_option_takes(kind: click.ParamType[Any], text: str, value: Any) -> None:
    assert kind.convert(text, None, None) == value
    assert kind.convert(value, None, None) == value, "click may convert a value twice"


@pytest.mark.parametrize(
    ("kind", "text", "says"),
    [
        (DurationType(), "90", "'90': has no unit; write d, h, m or s after the number"),
        (DurationType(), "0s", "'0s' must be more than zero, such as 90s, 5m or 1h30m"),
        (LABEL, "team", "'team': must be KEY=VALUE"),
        (LABEL, "te am=x", "'te am=x': 'te am' is not a valid key of a label or an annotation"),
        (LABEL, "team=a b", "'team=a b': 'a b' is not a valid label value"),
        (LABEL, "=x", "'=x': '' is not a valid key of a label or an annotation"),
        (GatewayType(), "web", "'web': must be NAMESPACE/NAME or NAMESPACE/NAME/SECTION"),
        (GatewayType(), "a/b/c/d", "'a/b/c/d': must be NAMESPACE/NAME or NAMESPACE/NAME/SECTION"),
        (GatewayType(), "Infra/web", "'Infra/web': must be NAMESPACE/NAME or NAMESPACE/NAME/SECTION"),
        (TolerationType(), "a=b=c", "'a=b=c': must be KEY, KEY=VALUE, KEY:EFFECT or KEY=VALUE:EFFECT"),
        (TolerationType(), "a:No", "'a:No': 'No' is none of NoSchedule, PreferNoSchedule, NoExecute"),
        (TolerationType(), "a=b!:NoSchedule", "'a=b!:NoSchedule': 'b!' is not a valid taint value"),
        (ResourceType(), "memory=1", "'memory=1': must be such as limits.memory=512Mi or requests.cpu=100m"),
        (ResourceType(), "limits.cpu=-1", "'limits.cpu=-1': '-1' is negative"),
        (
            ResourceType(),
            "limits.memory=512mb",
            "'limits.memory=512mb': '512mb' is not a valid quantity, such as 500m, 0.5 or 256Mi",
        ),
        (
            ResourceType(),
            "limits.memry=1Gi",
            "'limits.memry=1Gi': 'memry' is no resource of a container, "
            "such as cpu, memory or example.com/gpu",
        ),
        (NameType(), "Web", "'Web' is not a valid name of a Kubernetes object"),
        (NameType(), "", "'' is not a valid name of a Kubernetes object"),
        (
            MaxDeletesType(),
            "101%",
            "'101%': must be a number of previews, such as 10, or a percentage, such as 30%",
        ),
        (
            MaxDeletesType(),
            "-1",
            "'-1': must be a number of previews, such as 10, or a percentage, such as 30%",
        ),
    ],
)
def test_what_an_option_does_not_take_is_said_with_what_to_say(
    kind: click.ParamType[Any], text: str, says: str
) -> None:
    with pytest.raises(click.BadParameter) as error:
        kind.convert(text, None, None)
    assert error.value.message == says


@pytest.mark.parametrize("text", ["limits.memory=lots", "requests.cpu=1e", "limits.cpu=½"])
def test_an_amount_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(click.BadParameter):
        ResourceType().convert(text, None, None)


@pytest.mark.parametrize(
    ("key", "is_one"),
    [
        ("team", True),
        ("a.example.com/team", True),
        ("A_b.c-d", True),
        ("a" * 63, True),
        ("a" * 64, False),
        ("", False),
        ("/x", False),
        ("x/", False),
        ("A.example.com/x", False),
        ("a/b/c", False),
        ("a" * 254 + "/x", False),
        ("-x", False),
        ("x\n", False),
    ],
)
def test_a_key_is_what_kubernetes_takes_for_one(key: str, is_one: bool) -> None:
    assert (LABEL_KEY.problem(key) is None) is is_one


def test_pairs_are_sorted_and_the_same_said_twice_is_no_mistake() -> None:
    assert pairs([("b", "1"), ("a", "2"), ("b", "1")], "--route-label") == (("a", "2"), ("b", "1"))


def test_one_key_with_two_values_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="--route-label a is given twice, with two values"):
        pairs([("a", "1"), ("a", "2")], "--route-label")


@pytest.mark.parametrize("key", ["platform9.com/preview", "app.kubernetes.io/name"])
def test_a_key_that_we_write_ourselves_is_a_usage_error(key: str) -> None:
    with pytest.raises(UsageError, match=f"--route-label {key}: this key is written by reconcile itself"):
        pairs([(key, "x")], "--route-label", DEFAULT_GROUP)
    assert pairs([(key, "x")], "--node-selector") == ((key, "x"),)
