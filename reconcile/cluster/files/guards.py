"""What a server would refuse: another object, another state, a patch that is none for a folder."""

import os
from collections.abc import Mapping, Sequence
from typing import Any

from reconcile.cluster.files.sources import STDIN
from reconcile.errors import Conflict, Rejected, UsageError
from reconcile.kube.objects import Key, Manifest

_HISTORY = "/metadata/managedFields"


def check_paths(sources: Sequence[str], to: str | None, stdin: str | None) -> None:
    """`UsageError` for what cannot have been meant."""
    for path in sources:
        if path == STDIN and stdin is None:
            raise UsageError("--from -: nothing was read from standard input")
        if path != STDIN and not os.path.lexists(path):
            raise UsageError(f"--from {path}: there is no such file or folder")
    if to is not None and os.path.lexists(to) and not os.path.isdir(to):
        raise UsageError(f"--to {to}: this is no folder")


def check_same(key: Key, there: Manifest | None, wanted: Mapping[str, Any]) -> None:
    """`Conflict` unless what is there has the uid and the resourceVersion that are wanted, where any are."""
    for name, said in (("uid", "is another object by now"), ("resourceVersion", "has changed")):
        if not wanted.get(name):
            continue
        if there is None:
            raise Conflict(f"{key} is gone")
        if there["metadata"][name] != wanted[name]:
            raise Conflict(f"{key} {said}")


_GUARDS = ("/metadata/uid", "/metadata/resourceVersion")


def check_step(key: Key, there: Manifest, step: Manifest) -> None:
    """One step of a JSON patch: a guard is held, a change of managedFields passes, any other is refused.

    A guard is a `test`, or what a server takes as one: a uid or a resourceVersion put in place of itself.
    """
    path = str(step.get("path"))
    if step.get("op") == "test" or path in _GUARDS:
        if _at(there, path) != step.get("value"):
            raise Conflict(f"{key} has changed")
    elif path != _HISTORY and not path.startswith(f"{_HISTORY}/"):
        raise Rejected(f"{key}: in a folder a patch may change {_HISTORY} only, not {path}")


def _at(value: Any, pointer: str) -> Any:
    """What a JSON pointer (RFC 6901) leads to; None where there is nothing."""
    for part in pointer.split("/")[1:]:
        name = part.replace("~1", "/").replace("~0", "~")
        if isinstance(value, Mapping):
            value = value.get(name)
        elif isinstance(value, list) and name.isdigit() and int(name) < len(value):
            value = value[int(name)]
        else:
            return None
    return value
