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


def toleration(key: str, operator: str = "Exists", **more: str) -> dict[str, str]:
    return {"key": key, "operator": operator, **more}


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
        (TolerationType(), "previews", toleration("previews")),
        (TolerationType(), "previews:NoSchedule", toleration("previews", effect="NoSchedule")),
        (TolerationType(), "pool=x", toleration("pool", "Equal", value="x")),
        (TolerationType(), "a.b/c=x:NoExecute", toleration("a.b/c", "Equal", value="x", effect="NoExecute")),
        (ResourceType(), "limits.memory=512Mi", ("limits", "memory", "512Mi")),
        (ResourceType(), "limits.a.b/GPU_x=1", ("limits", "a.b/GPU_x", "1")),
        (ResourceType(), "requests.example.com/gpu=1", ("requests", "example.com/gpu", "1")),
        (NameType(), "web.x-1", "web.x-1"),
        *((MaxDeletesType(), text, text) for text in ("0", "30%", "100%")),
    ],
)
def test_what_an_option_takes(kind: click.ParamType[Any], text: str, value: Any) -> None:
    assert kind.convert(text, None, None) == value
    assert kind.convert(value, None, None) == value, "click may convert a value twice"


GATEWAY = "must be NAMESPACE/NAME or NAMESPACE/NAME/SECTION"
A_QUANTITY = "is not a valid quantity, such as 500m, 0.5 or 256Mi"
A_RESOURCE = "is no resource of a container, such as cpu, memory or example.com/gpu"
MAX_DELETES = "must be a number of previews, such as 10, or a percentage, such as 30%"


@pytest.mark.parametrize(
    ("kind", "text", "problem"),
    [
        (DurationType(), "90", "has no unit; write d, h, m or s after the number"),
        (DurationType(), "0s", "must be more than zero, such as 90s, 5m or 1h30m"),
        *((NameType(), text, "is not a valid name of a Kubernetes object") for text in ("Web", "")),
        (LABEL, "team", "must be KEY=VALUE"),
        (LABEL, "te am=x", "'te am' is not a valid key of a label or an annotation"),
        (LABEL, "team=a b", "'a b' is not a valid label value"),
        (LABEL, "=x", "'' is not a valid key of a label or an annotation"),
        *((GatewayType(), text, GATEWAY) for text in ("web", "a/b/c/d", "Infra/web")),
        (TolerationType(), "a=b=c", "must be KEY, KEY=VALUE, KEY:EFFECT or KEY=VALUE:EFFECT"),
        (TolerationType(), "a:No", "'No' is none of NoSchedule, PreferNoSchedule, NoExecute"),
        (TolerationType(), "a=b!:NoSchedule", "'b!' is not a valid taint value"),
        (ResourceType(), "memory=1", "must be such as limits.memory=512Mi or requests.cpu=100m"),
        (ResourceType(), "limits.cpu=-1", "'-1' is negative"),
        *((ResourceType(), f"limits.cpu={text}", f"'{text}' {A_QUANTITY}") for text in ("512mb", "1e", "½")),
        (ResourceType(), "limits.memry=1Gi", f"'memry' {A_RESOURCE}"),
        *((MaxDeletesType(), text, MAX_DELETES) for text in ("101%", "-1")),
    ],
)
def test_what_an_option_does_not_take_is_named_with_what_it_must_be(
    kind: click.ParamType[Any], text: str, problem: str
) -> None:
    with pytest.raises(click.BadParameter) as error:
        kind.convert(text, None, None)
    colon = "" if problem.startswith(("is not a valid name", "must be more")) else ":"
    assert error.value.message == f"{text!r}{colon} {problem}"


def test_a_key_is_what_kubernetes_takes_for_one_and_nothing_else() -> None:
    keys = ["team", "a.example.com/team", "A_b.c-d", "a" * 63]
    others = ["a" * 64, "", "/x", "x/", "A.example.com/x", "a/b/c", "a" * 254 + "/x", "-x", "x\n"]
    assert [key for key in (*keys, *others) if LABEL_KEY.problem(key) is None] == keys


def test_pairs_are_sorted_and_may_be_repeated() -> None:
    assert pairs([("b", "1"), ("a", "2"), ("b", "1")], "--route-label") == (("a", "2"), ("b", "1"))


def test_one_key_with_two_values_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="--route-label a is given twice, with two values"):
        pairs([("a", "1"), ("a", "2")], "--route-label")


@pytest.mark.parametrize("key", ["platform9.com/preview", "app.kubernetes.io/name"])
def test_a_key_that_we_write_ourselves_is_a_usage_error(key: str) -> None:
    with pytest.raises(UsageError, match=f"--route-label {key}: this key is written by reconcile itself"):
        pairs([(key, "x")], "--route-label", DEFAULT_GROUP)
    assert pairs([(key, "x")], "--node-selector") == ((key, "x"),)
