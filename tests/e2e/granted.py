"""The rights that the command needs, given to a test's user."""

from collections.abc import Collection

from reconcile.model.names import PLURAL
from tests.controlplane import ControlPlane, allow, grant, shipped

WRITES = ["create", "patch", "delete"]


def allow_runs(
    plane: ControlPlane,
    user: str,
    group: str,
    *,
    namespace: str | None = None,
    without: Collection[str] = (),
) -> None:
    """What operators give a run (cronjob/rights.yaml), everywhere or in one namespace; of these resources none."""
    rules = [rule for rule in shipped(group=group) if not {*rule["resources"]} & {*without}]
    grant(plane, user, rules, namespace=namespace)


def allow_statuses(plane: ControlPlane, user: str, group: str, *, namespace: str | None = None) -> None:
    """To say in a status and in events what became of a preview, and why its pods do not come up."""
    allow(plane, user, ["patch"], [f"{PLURAL}/status.{group}"], namespace=namespace)
    allow(plane, user, ["list"], ["pods"], namespace=namespace)
    allow(plane, user, ["create"], ["events.events.k8s.io"], namespace=namespace)
    allow(plane, user, ["create"], ["events.events.k8s.io"], namespace=namespace)
