"""The termination message of a pod: what `kubectl describe pod` shows of a container that has ended."""

import os
from collections.abc import Mapping

from reconcile.report.summary import Summary

# https://kubernetes.io/docs/tasks/debug/debug-application/determine-reason-pod-failure/
DEFAULT_PATH = "/dev/termination-log"
PATH_VARIABLE = "RECONCILE_TERMINATION_LOG"
"""For a container whose `terminationMessagePath` is another."""
IN_A_POD = "KUBERNETES_SERVICE_HOST"


def write_termination_message(summary: Summary, env: Mapping[str, str] = os.environ) -> bool:
    """Put the summary there, in a pod where the file is; elsewhere nothing is written. Whether it was.

    The file is a mount: it can be written, and nothing can be put in its place.
    """
    path = env.get(PATH_VARIABLE, DEFAULT_PATH)
    if IN_A_POD not in env or not os.path.isfile(path):
        return False
    try:
        with open(path, "w", encoding="ascii") as file:
            file.write(summary.json + "\n")
    except OSError:
        return False
    return True
