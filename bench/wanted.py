"""What is measured, by name, and what each figure must reach.

Ratios hold within one run, so they say the same on a slow machine and on a fast one.
"""

from collections.abc import Mapping

from bench.figure import Target

TO_PLAN = "unchanged, first request to plan"
REQUESTS = "unchanged, requests"
WRITES = "unchanged, writes"
WHOLE = "unchanged, whole process"
CPU = "unchanged, CPU"
MEMORY = "unchanged, peak memory"
GROWTH = "growth of first request to plan"
FULL_AND_UNCHANGED = "full comparison, CPU, and an unchanged run"
FULL = "full comparison, CPU"
FULL_MEMORY = "full comparison, peak memory"
FIRST = "first run after an upgrade, CPU"
FIRST_MEMORY = "first run after an upgrade, peak memory"
MAKING = "making all children"
ROLLOUT = "first rollout, status writes for each preview"
NEW_IMAGE = "new image, status writes for each preview"
DRIFT = "1 % drifted, requests for each child"
DRIFT_IN_ALL = "1 % drifted, the same until a run is silent"
FURTHER = "two further kinds, first request to plan"
FURTHER_REQUESTS = "two further kinds, requests"
FURTHER_WRITES = "two further kinds, writes"
DIFF = "unchanged, whole process, and kubectl diff"
APPLY = "unchanged, whole process, and kubectl apply"
FLUX = "unchanged, whole process, and Flux's engine"
HELP = "reconcile --help"
ONE = "a run over one preview"

RAW = "the same lists, raw"
RAW_CPU = "the same lists, raw, CPU"
UNCHANGED_CPU = "an unchanged run, CPU"
PAGES = "pages of the lists"
BARE = "the same requests, bare"
PASS = "python -c pass"
KUBECTL_DIFF = "kubectl diff --server-side"
KUBECTL_APPLY = "kubectl apply --server-side"
FLUX_SSA = "flux-ssa"

_AS_FAST = Target("ratio", 20, at_most=False)
_TWICE = Target("value", 2)
_UPGRADE = {1_000: Target("ratio", 2.5 * 3.03), 10_000: Target("ratio", 3 * 3.52)}
"""2.5 and 3 times what an unchanged run took without fingerprints: 3.03 and 3.52 times the raw lists."""
_UPGRADE_MEMORY = {1_000: Target("value", 128), 10_000: Target("value", 420)}
_TARGETS: Mapping[str, Mapping[int, Target]] = {
    TO_PLAN: {1_000: Target("ratio", 1.15), 10_000: Target("ratio", 1.25)},
    REQUESTS: {1_000: Target("ratio", 1), 10_000: Target("ratio", 1)},
    WRITES: {1_000: Target("value", 0), 10_000: Target("value", 0)},
    MEMORY: {1_000: Target("value", 75), 10_000: Target("value", 210)},
    GROWTH: {10_000: Target("ratio", 10.5)},
    FULL: _UPGRADE,
    FULL_MEMORY: _UPGRADE_MEMORY,
    FIRST: _UPGRADE,
    FIRST_MEMORY: _UPGRADE_MEMORY,
    MAKING: {1_000: Target("ratio", 1.1)},
    ROLLOUT: {1_000: _TWICE},
    NEW_IMAGE: {1_000: _TWICE},
    DRIFT: {1_000: Target("value", 3)},
    FURTHER: {1_000: Target("ratio", 1.15)},
    FURTHER_REQUESTS: {1_000: Target("ratio", 1)},
    FURTHER_WRITES: {1_000: Target("value", 0)},
    DIFF: {1_000: _AS_FAST},
    APPLY: {1_000: _AS_FAST},
    FLUX: {1_000: Target("ratio", 12, at_most=False), 10_000: Target("ratio", 15, at_most=False)},
    HELP: {1: Target("value", 0.1)},
    ONE: {1: Target("value", 0.35)},
}


def target_of(name: str, previews: int) -> Target | None:
    """What a figure must reach at so many previews; None where nothing is asked of it."""
    return _TARGETS.get(name, {}).get(previews)
