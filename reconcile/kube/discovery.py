"""What a server says of the kinds that it serves: the APIResourceList at `/apis/GROUP/VERSION`, or `/api/v1`.

Source: https://kubernetes.io/docs/reference/using-api/api-concepts/#api-discovery
"""

from collections.abc import Iterator

import msgspec

NEEDED = ("get", "list", "create", "patch", "delete")
"""The verbs that a kind must have for an object of it to be a child."""


class ServedKind(msgspec.Struct, frozen=True):
    """A kind; `name` is its plural."""

    name: str
    kind: str
    namespaced: bool
    verbs: tuple[str, ...] | None = None

    @property
    def problem(self) -> str:
        """Why no object of this kind can be a child; empty where one can."""
        if not self.namespaced:
            return "is not namespaced"
        lacking = [verb for verb in NEEDED if verb not in (self.verbs or ())]
        return f"does not support {', '.join(lacking)}" if lacking else ""


class ServedKinds(msgspec.Struct, frozen=True):
    """All that one version of a group serves."""

    resources: tuple[ServedKind, ...]

    def __iter__(self) -> Iterator[ServedKind]:
        """The kinds, without their subresources, such as `deployments/scale`."""
        return (served for served in self.resources if "/" not in served.name)
