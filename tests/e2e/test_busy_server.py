"""An API server that has few seats for us, and says 429 to whoever comes when they are taken."""

import re
from collections.abc import Iterator

import pytest

from tests.controlplane import eventually
from tests.e2e.process import Process
from tests.e2e.story import Story

FLOW_CONTROL = "/apis/flowcontrol.apiserver.k8s.io/v1"
MANY = [f"pr-{number}" for number in range(10)]


@pytest.fixture
def crowded(story: Story) -> Iterator[Story]:
    """The same user, to whom Priority and Fairness gives the fewest seats that there are, and no queue."""
    name = story.namespace
    limited = {
        "nominalConcurrencyShares": 1,
        "lendablePercent": 0,
        "borrowingLimitPercent": 0,
        "limitResponse": {"type": "Reject"},
    }
    user = {"kind": "ServiceAccount", "serviceAccount": {"namespace": name, "name": "runner"}}
    everything = {
        "verbs": ["*"],
        "apiGroups": ["*"],
        "resources": ["*"],
        "namespaces": ["*"],
        "clusterScope": True,
    }
    level = {"type": "Limited", "limited": limited}
    flow = {
        "priorityLevelConfiguration": {"name": name},
        "matchingPrecedence": 100,
        "rules": [{"subjects": [user], "resourceRules": [everything]}],
    }
    plurals = {"prioritylevelconfigurations": level, "flowschemas": flow}
    for plural, spec in plurals.items():
        story.ask("POST", f"{FLOW_CONTROL}/{plural}", {"metadata": {"name": name}, "spec": spec})
    yield story
    for plural in reversed(plurals):
        story.ask("DELETE", f"{FLOW_CONTROL}/{plural}/{name}")


def turned_away(story: Story, *arguments: str) -> int:
    """How often a run, which must end well, was answered 429."""
    result = Process.start(story, "-v", "--concurrency", "24", *arguments).ended()
    assert result.code == 0, result.stdout + result.stderr
    return len(re.findall(r": 429; again in", result.stderr))


def test_a_run_that_is_turned_away_asks_less_and_ends_well(crowded: Story) -> None:
    eventually(lambda: turned_away(crowded), "the few seats are all that there are", pause=0.2)
    for name in MANY:
        crowded.apply(name, replicas=0)
    assert 0 < turned_away(crowded) < 20, "7 to 16 times; it was 20 to 31 when each worker asked as before"
    assert set(crowded.children()) == {child for name in MANY for child in crowded.all_of(name)}
