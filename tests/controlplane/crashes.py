"""Pods that crash again and again, as a kubelet of 1.35 and later shows them; for kwok.

A container of `DIES` runs for a second and ends with exit code 1. It is started again at once the first time, then
after a back-off, during which it stays in `terminated`; never does it wait.
"""

from collections.abc import Iterator
from typing import Any

import yaml

DIES = "fail.test/dies:1"
"""An image that kwok's own stages leave alone."""

LIFE, BACK_OFF = 1_000, 4_000
"""Milliseconds."""
_MOST = 3
"""Restarts that are told apart; later ones look like this one."""

_RUNS = "{running: {startedAt: {{ Now | Quote }}}}"
_ENDED = (
    "{terminated: {exitCode: 1, reason: Error, startedAt: {{ Now | Quote }}, finishedAt: {{ Now | Quote }}}}"
)
_STATUS = """\
phase: Running
hostIP: 10.0.0.1
conditions:
- {{type: Initialized, status: "True", lastTransitionTime: {{{{ Now | Quote }}}}}}
- {{type: Ready, status: "False", reason: ContainersNotReady, lastTransitionTime: {{{{ Now | Quote }}}}}}
- {{type: ContainersReady, status: "False", reason: ContainersNotReady, lastTransitionTime: {{{{ Now | Quote }}}}}}
containerStatuses:
{{{{ range .spec.containers }}}}
- name: {{{{ .name | Quote }}}}
  image: {{{{ .image | Quote }}}}
  imageID: ""
  ready: false
  started: false
  restartCount: {restarts}
  state: {state}
  lastState: {last}
{{{{ end }}}}
"""


def stages() -> str:
    """kwok's configuration, as YAML."""
    return yaml.safe_dump_all(_stages())


def _stages() -> Iterator[dict[str, Any]]:
    yield _stage("begins", _NOTHING, 0, restarts=0, state=_RUNS, last="{}")
    for restarts in range(_MOST + 1):
        last = _ENDED if restarts else "{}"
        alive, over = _at(restarts, "running"), _at(restarts, "terminated")
        yield _stage(f"ends-{restarts}", alive, LIFE, restarts=restarts, state=_ENDED, last=last)
        again, pause = min(restarts + 1, _MOST), BACK_OFF if restarts else LIFE
        yield _stage(f"again-{restarts}", over, pause, restarts=again, state=_RUNS, last=_ENDED)


_NOTHING = {"key": ".status.containerStatuses", "operator": "DoesNotExist"}


def _at(restarts: int, state: str) -> dict[str, Any]:
    found = f".status.containerStatuses[0] | (.restartCount == {restarts} and .state.{state} != null)"
    return {"key": found, "operator": "In", "values": ["true"]}


def _stage(name: str, when: dict[str, Any], delay: int, **status: Any) -> dict[str, Any]:
    image = '.spec.containers[0].image | startswith("fail.test/dies")'
    selectors = [
        {"key": ".metadata.deletionTimestamp", "operator": "DoesNotExist"},
        {"key": image, "operator": "In", "values": ["true"]},
        when,
    ]
    return {
        "apiVersion": "kwok.x-k8s.io/v1alpha1",
        "kind": "Stage",
        "metadata": {"name": f"dies-{name}"},
        "spec": {
            "resourceRef": {"apiGroup": "v1", "kind": "Pod"},
            "selector": {"matchExpressions": selectors},
            "delay": {"durationMilliseconds": delay},
            "next": {"statusTemplate": _STATUS.format(**status)},
        },
    }
