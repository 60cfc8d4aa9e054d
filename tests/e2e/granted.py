"""The rights that the command needs, given to a test's user."""

from collections.abc import Collection

from tests.controlplane import ControlPlane, grant, shipped

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
