"""What the API server has rejected is tried again in each run, but no more of it than a run can afford.

The status tells what was tried before: a preview that is `ApplyFailed` as it is, by a rejection.
"""

import hashlib
from collections import Counter
from threading import Lock

from reconcile.errors import NOT_TAKEN
from reconcile.kube.objects import conditions_in
from reconcile.model.names import APPLY_FAILED, READY
from reconcile.model.preview import PreviewEnvironment
from reconcile.plan.changes import Outcome

MOST = 10
"""So many of a namespace in a row that are rejected once more, and the others wait for a later run."""


def rejected_before(preview: PreviewEnvironment) -> str:
    """Why the API server rejected it with this very spec, by its status; "" where it did not."""
    ready = conditions_in(preview.status).get(READY, {})
    message = str(ready.get("message", ""))
    same = ready.get("observedGeneration") == preview.generation
    return message if same and ready.get("reason") == APPLY_FAILED and NOT_TAKEN in message else ""


def turn(preview: PreviewEnvironment, seed: str) -> bytes:
    """What to sort by: those that were rejected come last, and each time in another order."""
    if not rejected_before(preview):
        return b""
    return hashlib.sha256(f"{seed} {preview.key.place}".encode()).digest()


class Retries:
    """The tries of one run. Thread-safe; so many more may be under way when the last one counts."""

    def __init__(self) -> None:
        self._rejected: Counter[str] = Counter()
        self._lock = Lock()

    def left_out(self, preview: PreviewEnvironment) -> str:
        """Why it was rejected before, where it is not to be tried again in this run; else ""."""
        return rejected_before(preview) if self._rejected[preview.namespace] >= MOST else ""

    def became(self, preview: PreviewEnvironment, outcome: Outcome) -> None:
        """What became of a child; one that is taken begins the count of its namespace anew."""
        with self._lock:
            if outcome.result == "done":
                self._rejected[preview.namespace] = 0
            elif outcome.result == "rejected" and rejected_before(preview):
                self._rejected[preview.namespace] += 1
