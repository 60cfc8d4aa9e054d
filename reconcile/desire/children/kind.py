"""What is known of a kind of child: the row that each of their files has."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from reconcile.desire.children.metadata import Rendered
from reconcile.kube.managedfields import Path
from reconcile.kube.objects import Resource
from reconcile.model.preview import PreviewEnvironment
from reconcile.model.settings import Settings

Render = Callable[[PreviewEnvironment, Settings], Rendered | None]
Named = Callable[[str, str], bool]
"""Whether a child's name (first) is one that a preview of this name (second) gives."""
Finish = Callable[[dict[str, Any], PreviewEnvironment], dict[str, Any]]
"""What a manifest becomes that templates were merged into."""


def _as_its_preview(name: str, preview_name: str) -> bool:
    return name == preview_name


def _as_merged(manifest: dict[str, Any], preview: PreviewEnvironment) -> dict[str, Any]:
    return manifest


@dataclass(frozen=True)
class ChildKind:
    """A kind of child, and how to make one; None where a preview asks for none.

    `is_route`: of these a preview has one kind. `runs_once`: it runs to an end; one that is there is never
    changed below metadata, and an old one goes when it has ended.
    `exclusive`: where, in an object that is taken over whole, only we write: what is no longer wanted there
    goes. It is of no use to one that runs once, which is never changed.
    `needs_spec`: the API server takes none without a spec, so whoever made one has set fields of it.
    `content`: the fields beside metadata in which it says something, such as `data`; what else a live object
    has is looked at by nobody.
    `fixed`: what no template may change; `changes_only`: the one part that templates may.
    `container` is the name of the container in its pods that has to stay, and `port` that of its port.
    `finish` sets what comes after templates, such as a hash of what they have changed.
    """

    resource: Resource
    render: Render
    is_route: bool = False
    runs_once: bool = False
    is_named: Named = _as_its_preview
    exclusive: tuple[Path, ...] = (("f:spec",),)
    needs_spec: bool = False
    content: tuple[str, ...] = ("spec",)
    fixed: tuple[tuple[str, ...], ...] = ()
    changes_only: tuple[str, ...] = ()
    container: str = ""
    port: str = ""
    finish: Finish = _as_merged
