"""Which previews of a namespace are more than the operator lets it have; pure."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from reconcile.kube.objects import by_namespace
from reconcile.model.snapshot import Preview

Left = Callable[[Collection[str]], frozenset[str]]
"""Which previews still have children that count, beside these that count anyway; as `NAMESPACE/NAME`."""


def nothing_left(living: Collection[str]) -> frozenset[str]:
    """For a cluster without children."""
    return frozenset()


@dataclass(frozen=True)
class Quota:
    """How many previews a namespace may have, None for any number; `label` finds what gone ones have left."""

    most: int | None
    label: str

    def surplus(self, previews: Sequence[Preview], over: Collection[str], left: Left) -> Mapping[str, str]:
        """The newest previews of each namespace that has more, each with a message.

        Those that are `over` count while they have children, and so do gone ones, which are older than all.
        """
        if self.most is None:
            return {}
        there = {preview.key.place for preview in previews}
        counted = there.difference(over)
        counted |= left(counted)
        gone = by_namespace(counted - there)
        return {
            preview.key.place: self._message(namespace, len(mine), gone[namespace])
            for namespace, mine in _grouped(p for p in previews if p.key.place in counted).items()
            for preview in sorted(mine, key=_age)[max(0, self.most - gone[namespace]) :]
        }

    def _message(self, namespace: str, previews: int, gone: int) -> str:
        has = f"namespace {namespace} has {previews} preview{'s' if previews > 1 else ''}"
        if not gone:
            return (
                f"{has}, and this is not one of its {self.most} oldest: delete some, or raise --max-previews"
            )
        return (
            f"{has} and the children of {gone} that are gone, and may have {self.most} in all: "
            f"delete some, or what is left of those (label {self.label}), or raise --max-previews"
        )


def _age(preview: Preview) -> tuple[str, str]:
    return preview.creation_timestamp or "~", preview.name


def _grouped(previews: Iterable[Preview]) -> Mapping[str, list[Preview]]:
    found: dict[str, list[Preview]] = {}
    for preview in previews:
        found.setdefault(preview.namespace, []).append(preview)
    return found
