"""An object field by field: what is desired, what exists, and which field manager set it last.

`metadata.managedFields` has the time of a manager's last change, not that of each of its fields.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from reconcile.kube.live import Entry, Live
from reconcile.kube.managedfields import (
    MISSING,
    Leaf,
    Path,
    above_of,
    field_set_of,
    is_covered,
    item_keys,
    leaves_beside,
    path_text,
)
from reconcile.kube.objects import Manifest, without_servers_own
from reconcile.kube.same import same_value
from reconcile.plan.diff import shown_value
from reconcile.plan.rules import REPLICAS
from reconcile.report.safe import counted

HIDDEN_VALUE = "set"
"""Stands for a value that others set and that may be a secret."""

_IN_CONTAINERS = frozenset({"f:containers", "f:initContainers"})
_SET = frozenset({"f:image", "f:env", "f:envFrom", "f:args", "f:command"})
_COUNTED = frozenset({"env", "args", "command"})
_SHOWN = frozenset({"resources", "envFrom", "imagePullSecrets"})


@dataclass(frozen=True)
class Writer:
    """A field manager, how and when it last wrote; `ours` if it is our own apply."""

    manager: str
    operation: str
    subresource: str
    time: str
    ours: bool = False


@dataclass(frozen=True)
class FieldState:
    """One field, as text: `wanted` is None if we do not set it, `there` if it does not exist.

    `writers` own it, the last one first; empty if they are not recorded, or if it is the server's default.
    `template` is the `FILE:LINE` that sets it; "" if none does.
    """

    path: str
    wanted: str | None
    there: str | None
    same: bool
    writers: tuple[Writer, ...] = ()
    template: str = ""


TemplateSource = Callable[[Path], str]
"""The `FILE:LINE` of the template that sets a field; "" if none does."""


def no_template(path: Path) -> str:
    """Return "": no template sets any field."""
    return ""


def writers_of(live: Live, manager: str) -> tuple[Writer, ...]:
    """Return everybody who wrote the object, the last one first; `manager` is our field manager."""
    return _latest_first(live.entries, manager)


def wanted_fields(
    live: Live, wanted: Manifest, manager: str, source: TemplateSource = no_template
) -> tuple[FieldState, ...]:
    """Return every desired field; of metadata only what differs, or what a template or others have set."""
    found = (
        replace(_wanted(live, wanted, leaf, manager), template=source(leaf[0]))
        for leaf in leaves_beside(wanted, live.manifest)
        if not _is_listed_elsewhere(leaf)
    )
    return tuple(state for state in found if not ("metadata." in state.path and _is_quiet(state, live)))


def _is_quiet(state: FieldState, live: Live) -> bool:
    """Whether a label or an annotation is as desired, and set by us, without a template."""
    recorded = state.writers or not live.tracked
    return bool(
        state.same and recorded and not state.template and all(writer.ours for writer in state.writers)
    )


def _wanted(live: Live, wanted: Manifest, leaf: Leaf, manager: str) -> FieldState:
    path, value, there, node = leaf
    writers = _owners(live, path, manager)
    return FieldState(
        path_text(path, wanted, live.manifest),
        shown_value(path, value, wanted),
        None if there is MISSING else shown_value(path, there, wanted),
        same_value(value, there, node, served=bool(writers) and all(writer.ours for writer in writers)),
        writers,
    )


def foreign_fields(live: Live, wanted: Manifest, manager: str) -> tuple[FieldState, ...]:
    """Return the fields that others set beside the desired ones; nobody has set the server's defaults.

    The status, and what was written with it, is left out.
    """
    mine = field_set_of(wanted)
    around = above_of(mine)
    found = []
    for leaf in leaves_beside(without_servers_own(live.manifest, "generateName"), {}):
        path, value, *_ = leaf
        if _is_listed_elsewhere(leaf) or path in around or is_covered(path, mine - around):
            continue
        writers = tuple(w for w in _owners(live, path, manager) if w.subresource != "status")
        if writers or _is_listed_anyway(live, path):
            found.append(
                FieldState(path_text(path, live.manifest), None, _shown(path, value), False, writers)
            )
    return tuple(sorted(found, key=lambda state: state.path))


def _is_listed_anyway(live: Live, path: Path) -> bool:
    """Whether to list it with nobody recorded: `kubectl scale` leaves no trace (seen), a dump has none."""
    return path == REPLICAS or (
        not live.tracked and bool(_IN_CONTAINERS & set(path)) and bool(_SET & set(path))
    )


def _shown(path: Path, value: Any) -> str:
    """Show numbers and images: all else may be a secret (an annotation, a header of a probe)."""
    if isinstance(value, bool | int | float) or (path[-1] == "f:image" and isinstance(value, str)):
        return shown_value(path, value)
    return HIDDEN_VALUE


def asked_fields(preview: Manifest, manager: str, *, with_writers: bool = True) -> tuple[FieldState, ...]:
    """Return the spec of a readable preview, field by field, in the order in which it is written."""
    live = Live(preview)
    spec = preview.get("spec")
    return tuple(
        FieldState(
            f"spec.{name}",
            None,
            _asked(name, value),
            True,
            _owners(live, ("f:spec", f"f:{name}"), manager) if with_writers else (),
        )
        for name, value in (spec.items() if isinstance(spec, Mapping) else ())
    )


def _asked(name: str, value: Any) -> str:
    """Show the names of variables, never their values; the number of arguments, never which."""
    if name in _COUNTED:
        items = value if isinstance(value, list | tuple) else ()
        named = [str(item.get("name")) for item in items if isinstance(item, Mapping)]
        return f"{', '.join(named) or counted(len(items), 'item')} (values not shown)"
    if name in _SHOWN or isinstance(value, bool | int | float | str):
        return shown_value((f"f:{name}",), value)
    return HIDDEN_VALUE


def _is_listed_elsewhere(leaf: Leaf) -> bool:
    """Whether its parts are leaves of their own, or it is a key of an item that has more than its keys."""
    path, value, _, node = leaf
    if node is None:
        return not path[-1].startswith("k:") or len(value) > len(item_keys(path[-1]))
    above = path[-2] if len(path) > 1 else ""
    return above.startswith("k:") and path[-1][2:] in item_keys(above)


def _owners(live: Live, path: Path, manager: str) -> tuple[Writer, ...]:
    """Return who owns a path, or something below it."""
    entries = (entry for entry in live.entries if path in entry.fields or path in entry.above)
    return _latest_first(entries, manager)


def _latest_first(entries: Iterable[Entry], manager: str) -> tuple[Writer, ...]:
    writers = (
        Writer(one.manager, one.operation, one.subresource, one.time, one.is_apply_of(manager))
        for one in entries
    )
    found = sorted(writers, key=lambda writer: (writer.manager, writer.subresource))
    return tuple(sorted(found, key=lambda writer: writer.time, reverse=True))
