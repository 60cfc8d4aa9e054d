"""A push to every branch at once: two hundred previews in one run."""

from tests.e2e.story import Story

MANY = 200


def test_two_hundred_previews_are_one_run_and_then_silence(alone: Story) -> None:
    names = [f"pr-{number:03}" for number in range(MANY)]
    for name in names:
        alone.apply(name, replicas=0)
    result = alone.reconcile(everywhere=True)
    assert result.lines[-1] == f"Done: {3 * MANY} created, 0 updated, 0 deleted."
    assert sorted(alone.children()) == sorted(child for name in names for child in alone.all_of(name))
    alone.silent(everywhere=True)
