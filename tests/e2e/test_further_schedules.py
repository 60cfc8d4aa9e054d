"""Two runs with other documents at once, as an old and a new pod of the CronJob, in orders that a seed chooses.

Each deletes what only the other makes. Whatever they did, the next run ends where its documents say.
`PROOF=whole` (`make races`) takes 60 orders; else it is a handful.
"""

from pathlib import Path

import pytest

from reconcile.model.scope import make_scope
from reconcile.run.request import Request
from tests.e2e.conftest import fresh_namespace
from tests.e2e.further import BUDGET, CONFIG, CRON_JOB, STATEFUL_SET, put, with_kinds
from tests.e2e.story import Story
from tests.e2e.test_further_life import DATABASE, LIMIT, NIGHTLY, SERVICE, SETTINGS_DOCUMENT, remembered
from tests.proofs.model.interleavings import interleave
from tests.proofs.model.sessions import Session, in_sessions
from tests.templates import with_templates
from tests.whole import WHOLE

BLOCKS, SEEDS = (6, 10) if WHOLE else (1, 2)
OLD = (SETTINGS_DOCUMENT, LIMIT, NIGHTLY)
NEW = (SETTINGS_DOCUMENT.replace("one", "two"), SERVICE, DATABASE, NIGHTLY)
NAMES = ("pr-1", "pr-2")
FURTHER = ("ConfigMap/{}-config", "CronJob/{}-nightly", "Service/{}-db", "StatefulSet/{}-db")


def call(story: Story, documents: tuple[str, ...]) -> Request:
    """Of the whole namespace; its requests come one after the other."""
    scope = make_scope(story.namespace, (), None, namespace_only=False)
    return Request(
        scope, with_templates("".join(documents), route="mapping", route_given=True), concurrency=1
    )


@pytest.mark.parametrize("block", range(BLOCKS))
def test_after_two_runs_with_other_documents_the_next_one_ends_with_its_own(
    story: Story, tmp_path: Path, block: int
) -> None:
    with in_sessions():
        for seed in range(block * SEEDS, (block + 1) * SEEDS):
            with fresh_namespace(story.plane) as namespace:
                each(Story(story.plane, namespace, story.account), tmp_path / "templates", seed)


def each(story: Story, folder: Path, seed: int) -> None:
    story = with_kinds(story, CONFIG, BUDGET, CRON_JOB, STATEFUL_SET)
    for name in NAMES:
        story.apply(name, replicas=0)
    if seed % 2:  # else both begin where nothing is
        story.reconcile(*put(folder, *OLD))
        story.apply(NAMES[0], replicas=0, image="registry.example.com/web:2")
    sessions = [Session(story.account.kubeconfig, call(story, texts), server=True) for texts in (OLD, NEW)]
    for ended in interleave(sessions, seed, Session.answer):
        assert ended is not None
        assert ended.code in (0, 1), (seed, ended)
        assert "internal error" not in ended.said, (seed, ended)
    options = put(folder, *NEW)
    story.reconcile(*options)
    wanted = [
        child for name in NAMES for child in (*story.all_of(name), *(one.format(name) for one in FURTHER))
    ]
    assert sorted(story.children()) == sorted(wanted), seed
    story.reconcile(*options)
    for name in NAMES:
        assert remembered(story, name) == ["apps/v1/StatefulSet", "batch/v1/CronJob", "v1/ConfigMap"], seed
    assert story.reconcile(*options, "--no-fingerprint").changes == [], seed
