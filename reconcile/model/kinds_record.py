"""What a preview's status remembers of its further children: of which kinds there may be some; pure.

A kind is written there before the first child of it is made. So it is listed also when no template makes it
any more, and what is left of it is found and deleted. Once a whole list shows none, it is forgotten. It is
what `applyset.kubernetes.io/contains-group-kinds` is to an ApplySet:
https://github.com/kubernetes/enhancements/tree/master/keps/sig-cli/3659-kubectl-apply-prune
"""

from collections.abc import Iterable, Mapping
from typing import Any

from reconcile.kube.objects import Resource, resource_of

FIELD = "kinds"
_MOST = 100
"""So many are read of one status: each is a list in every run."""


def kinds_in(status: Mapping[str, Any]) -> frozenset[str]:
    """The kinds that a status remembers, each as `VERSION/KIND` or `GROUP/VERSION/KIND`."""
    return frozenset(remembered(status.get(FIELD)))


def remembered(found: Any) -> Iterable[str]:
    """The kinds among what stands there."""
    texts = found if isinstance(found, list | tuple) else ()
    return [text for text in texts[:_MOST] if isinstance(text, str) and text.count("/") in (1, 2)]


def written(resource: Resource) -> str:
    """A kind as a status has it."""
    return f"{resource.api_version}/{resource.kind}"


def resource_in(text: str) -> Resource:
    """The kind that a text names; its plural only a cluster knows."""
    api_version, _, kind = text.rpartition("/")
    return resource_of(api_version, kind)


def full_kind_in(text: str) -> str:
    """The full kind that a text names."""
    return resource_in(text).full_kind
