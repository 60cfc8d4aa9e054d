"""Whether a value is as desired, as the API server understands both; by the schema of its kind.

quantity   by its amount: 1024Mi and 1Gi, 0.5 and 500m
whole      with what a server does to it: it adds its defaults, and leaves out what says nothing
           (`false`, `0`, `""`). What somebody else does to a whole takes it out of our entry of
           managedFields, so that it is seen there.
"""

from collections.abc import Mapping
from typing import Any

from reconcile.kube.managedfields import MISSING
from reconcile.kube.objects import is_map
from reconcile.kube.quantity import same_quantity
from reconcile.kube.schema import ANY, Node


def same_value(wanted: Any, there: Any, node: Node | None, *, served: bool = False) -> bool:
    """Whether a leaf has the desired value; `node` is None where its parts are leaves of their own.

    `served` means what a server has made of the desired value, and nobody else.
    """
    if there is MISSING:
        return served and not wanted
    if node is None:
        return True
    node = node.of(wanted)
    if is_map(wanted):
        return is_map(there) and _same_map(wanted, there, node, served)
    if isinstance(wanted, list | tuple):
        return isinstance(there, list | tuple) and _same_list(wanted, there, node, served)
    if isinstance(wanted, bool) or isinstance(there, bool):
        return wanted is there
    return bool(wanted == there or (node.type == "quantity" and same_quantity(wanted, there)))


def _same_map(wanted: Mapping[str, Any], there: Mapping[str, Any], node: Node, served: bool) -> bool:
    return (served or len(wanted) == len(there)) and all(
        same_value(value, there.get(name, MISSING), node.child(name) or ANY, served=served)
        for name, value in wanted.items()
    )


def _same_list(wanted: Any, there: Any, node: Node, served: bool) -> bool:
    return len(wanted) == len(there) and all(
        same_value(*pair, node.element or ANY, served=served) for pair in zip(wanted, there, strict=True)
    )
