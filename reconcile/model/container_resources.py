"""What Kubernetes takes as a container's limits and requests together, and how defaults give way to them.

Source of the rules: `validateResourceRequirements` of
https://github.com/kubernetes/kubernetes/blob/master/pkg/apis/core/validation/validation.go
"""

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache

from reconcile.kube.quantity import compared_value, parse_quantity
from reconcile.model import rules

Amounts = tuple[tuple[str, str], ...]
"""Pairs of a resource's name and its quantity."""


@lru_cache(maxsize=256)  # many previews request the same
def problem_of(limits: Amounts, requests: Amounts) -> str | None:
    """Say what the API server refuses in these limits and requests; None where it takes them."""
    return "; also ".join(_problems(limits, requests)) or None


def with_defaults(
    limits: Amounts, requests: Amounts, *, default_limits: Amounts, default_requests: Amounts
) -> tuple[dict[str, str], dict[str, str]]:
    """Complete an author's limits and requests; a default that contradicts them takes their value.

        the author sets        the default is       the pod has
        requests.memory 1Gi    limits.memory 512Mi  limits.memory 1Gi
        limits.memory 64Mi     requests.memory 1Gi  requests.memory 64Mi

    A default limit is raised and not left out: where a ResourceQuota is for limits, a pod without one is
    refused. A default request is lowered to what Kubernetes itself sets where there is a limit alone.
    """
    most = {**dict(default_limits), **dict(limits)}
    least = {**dict(default_requests), **dict(requests)}
    given = dict(limits)
    for name in most.keys() & least.keys():
        if _contradiction(name, least[name], most[name]):
            to, source = (least, most) if name in given else (most, least)
            to[name] = source[name]
    return most, least


def _problems(limits: Amounts, requests: Amounts) -> Iterator[str]:
    most = dict(limits)
    for side, amounts in (("limits", limits), ("requests", requests)):
        for name, amount in amounts:
            if problem := _amount_problem(name, amount):
                yield f"{side}.{name} ({amount}) {problem}"
    for name, amount in requests:
        if name not in most and not _may_be_overcommitted(name):
            yield f"requests.{name} has no limit; set limits.{name} to the same amount"
        elif name in most and (problem := _contradiction(name, amount, most[name])):
            yield f"requests.{name} ({amount}) {problem} limits.{name} ({most[name]}); {_REMEDIES[problem]}"
    yield from _without_companion({**most, **dict(requests)})


_REMEDIES = {"is above": "lower the request or raise the limit", "differs from": "set both to one amount"}


def _contradiction(name: str, request: str, limit: str) -> str | None:
    asked, most = compared_value(request), compared_value(limit)
    if not _may_be_overcommitted(name):
        return "differs from" if asked != most else None
    return "is above" if asked > most else None


def _amount_problem(name: str, amount: str) -> str | None:
    """Devices are counted, and huge pages are not shared."""
    if _may_be_overcommitted(name):
        return None
    if not re.fullmatch(rules.WHOLE_AMOUNT, amount):
        return f"is {rules.NOT_WHOLE}"
    page = name.removeprefix(rules.HUGE_PAGES)
    if page != name and parse_quantity(amount) % parse_quantity(page):
        return f"is not a multiple of the page size; use a multiple of {page}"
    return None


def _without_companion(amounts: Mapping[str, str]) -> Iterator[str]:
    pages = [name for name in amounts if name.startswith(rules.HUGE_PAGES)]
    if pages and not amounts.keys() & {"cpu", "memory"}:
        yield f"{pages[0]} {rules.ALONE}"


def _may_be_overcommitted(name: str) -> bool:
    """Whether a request may be below its limit: not of extended resources, nor of huge pages."""
    return not name.startswith(rules.HUGE_PAGES) and ("/" not in name or rules.NATIVE in name)
