"""What is measured, by name, and what each figure must reach.

Ratios hold within one run, so they say the same on a slow machine and on a fast one.
"""

from collections.abc import Mapping

from bench.figure import Target

TO_PLAN = "unchanged, first request to plan"
REQUESTS = "unchanged, requests"
WRITES = "unchanged, writes"
WHOLE = "unchanged, whole process"
MEMORY = "unchanged, peak memory"
GROWTH = "growth of first request to plan"
MAKING = "making all children"
DRIFT = "1 % drifted, requests for each child"
DIFF = "unchanged, whole process, and kubectl diff"
APPLY = "unchanged, whole process, and kubectl apply"
HELP = "reconcile --help"
ONE = "a run over one preview"

RAW = "the same lists, raw"
PAGES = "pages of the lists"
BARE = "the same requests, bare"
PASS = "python -c pass"
KUBECTL_DIFF = "kubectl diff --server-side"
KUBECTL_APPLY = "kubectl apply --server-side"

_AS_FAST = Target("ratio", 20, at_most=False)
_TARGETS: Mapping[str, Mapping[int, Target]] = {
    TO_PLAN: {1_000: Target("ratio", 1.5), 10_000: Target("ratio", 1.5)},
    REQUESTS: {1_000: Target("ratio", 1), 10_000: Target("ratio", 1)},
    WRITES: {1_000: Target("value", 0), 10_000: Target("value", 0)},
    MEMORY: {1_000: Target("value", 128), 10_000: Target("value", 300)},
    GROWTH: {10_000: Target("ratio", 10.5)},
    MAKING: {1_000: Target("ratio", 1.2)},
    DRIFT: {1_000: Target("value", 3)},
    DIFF: {1_000: _AS_FAST},
    APPLY: {1_000: _AS_FAST},
    HELP: {1: Target("value", 0.25)},
    ONE: {1: Target("value", 1.0)},
}


def target_of(name: str, previews: int) -> Target | None:
    """What a figure must reach at so many previews; None where nothing is asked of it."""
    return _TARGETS.get(name, {}).get(previews)
