"""How much memory a run takes is not for those to say who fill the objects: a process on a real API server."""

import os
import sys
from pathlib import Path

import pytest

from bench.process import Runner
from tests.e2e.groups import any_spec, installation
from tests.e2e.story import Story

HUGE = 80
MEBIBYTES = 190
"""Where pages have no bound in bytes it takes 220, and half a gigabyte with twice as many previews."""


@pytest.fixture
def runner(story: Story, tmp_path: Path) -> Runner:
    return Runner(story.account.kubeconfig, tmp_path)


def test_previews_of_a_megabyte_do_not_fill_the_memory(story: Story, runner: Runner) -> None:
    with installation(story, any_spec) as own:
        for number in range(HUGE):
            value = os.urandom(500_000).hex()
            large = own.preview(f"pr-{number}", env=[{"name": "A", "value": value}])
            own.create(large)  # an apply takes a second
        arguments = ("-n", own.namespace, "--api-group", own.group, "--dry-run", "--route", "mapping")
        ended = runner.run(sys.executable, "-m", "reconcile", *arguments, codes=[1])
    assert f"{HUGE} blocked" in ended.out
    assert ended.mebibytes < MEBIBYTES
