"""Setup runs once, whatever becomes of the finished Job: what is recorded in the status, and what follows."""

from dataclasses import replace
from typing import Any

import pytest

from reconcile.cluster.files.yaml import dump
from reconcile.desire.desire import desire
from reconcile.errors import Conflict, Forbidden, NoAnswer, Rejected
from reconcile.kube.live import Live
from reconcile.kube.objects import key_of
from reconcile.model.scope import Scope
from reconcile.model.settings import Settings
from reconcile.model.setup_record import SetupRecord, newest, record_in
from reconcile.plan.changes import Create, Keep, Outcome, Plan, Waiting
from reconcile.run.refresh import Look, kinds_to_look_at, refreshed
from reconcile.run.standing import patience, standing
from reconcile.status.facts import Facts, gather
from reconcile.status.publish import _at_work
from reconcile.status.reason import RUN_AGAIN, status_of
from reconcile.status.result import Pass, exit_code
from tests.builders import a_preview
from tests.desire.test_setup import (
    COMPLETE,
    FAILED,
    SETUP,
    a_job,
    a_setup_pod,
    about_jobs,
    ended,
    job_of,
    place,
    rest,
)
from tests.explain.test_explain import lines_of, text_of
from tests.given import RULES, a_read_preview, edited, key, untracked
from tests.memory import Memory
from tests.run.test_run import a_cluster, go
from tests.shop import Shop
from tests.status.test_publish import ALL_LISTS
from tests.status.test_reason import NOW, SET_UP, UP, a_live, said
from tests.status.test_reason import facts as status_facts

JOB = key_of(job_of())
NAME = JOB.name
GET = f"get {JOB}"
APPLY = f"apply {JOB}"
AVAILABLE = "its pods are available"
UNSEEN = f"{AVAILABLE}; its setup {JOB} was removed before its end was seen"
UNRECORDED = (
    "that a setup has run is recorded in the status: without it a setup whose Job is removed runs again"
)


def a_record(result: str, message: str = "", job: str = NAME) -> dict[str, str]:
    return {"job": job, "result": result, **({"message": message} if message else {})}


def recorded(result: str, message: str = "", job: str = NAME, **spec: Any) -> Any:
    """A preview whose status has a record."""
    return replace(a_read_preview(**{**SETUP, **spec}), status={"setup": a_record(result, message, job)})


class World:
    """A preview with a setup whose pods are available, and the runs over it."""

    def __init__(self, **spec: Any) -> None:
        self.memory = a_cluster(a_preview(**{**SETUP, **spec}))
        self.done = self.run()
        self.memory.put({**self.memory.objects[key("Deployment")], "status": UP})

    def run(self, **request: Any) -> Any:
        self.memory.log.clear()
        self.done = go(self.memory, **request)
        return self.done

    @property
    def log(self) -> list[str]:
        return self.memory.log

    @property
    def status(self) -> dict[str, Any]:
        found: dict[str, Any] = self.memory.objects[key("PreviewEnvironment")].get("status", {})
        return found

    @property
    def setup(self) -> Any:
        return self.status.get("setup")

    @property
    def ready(self) -> tuple[str, str, str]:
        (ready,) = [c for c in self.status["conditions"] if c["type"] == "Ready"]
        return ready["status"], ready["reason"], ready["message"]

    def job_says(self, *conditions: dict[str, Any]) -> None:
        self.memory.put({**self.memory.objects[JOB], "status": {"conditions": list(conditions)}})

    def edit(self, **spec: Any) -> None:
        """Another spec, as an author applies it."""
        there = self.memory.objects[key("PreviewEnvironment")]
        generation = there["metadata"]["generation"] + 1
        self.memory.put({**there, "spec": a_preview(**spec)["spec"]}, generation=generation)

    def is_silent(self) -> None:
        self.run()
        assert self.log == ALL_LISTS


# what is recorded


def test_the_run_that_makes_the_job_records_it() -> None:
    assert World().setup == a_record("Running")


def test_a_job_that_existed_before_is_recorded_too() -> None:
    memory = a_cluster(a_preview(**SETUP))
    memory.put(dict(a_job(COMPLETE).manifest))
    go(memory)
    assert memory.objects[key("PreviewEnvironment")]["status"]["setup"] == a_record("Complete")


@pytest.mark.parametrize(
    ("condition", "expected"), [(COMPLETE, a_record("Complete")), (FAILED, a_record("Failed", "exit code 7"))]
)
def test_how_it_ended_is_recorded_once(condition: dict[str, Any], expected: dict[str, str]) -> None:
    world = World()
    world.job_says(condition)
    world.memory.put(dict(a_setup_pod(ended(7), phase="Failed").manifest))
    world.run()
    assert world.setup == expected
    world.run()
    assert not [line for line in world.log if line.startswith("status ")]


def test_a_job_that_cannot_start_has_not_ended() -> None:
    world = World()
    stuck = {"state": {"waiting": {"reason": "ImagePullBackOff", "message": "not found"}}}
    world.memory.put(dict(a_setup_pod(stuck).manifest))
    world.run()
    assert (world.ready[1], world.setup) == ("SetupFailed", a_record("Running"))


def test_a_job_that_this_run_made_and_its_last_pass_does_not_see_is_recorded() -> None:
    desired, made = (
        desire([a_read_preview(**SETUP)], Settings(), Scope())[0],
        Create(JOB, "shop/pr-1", {}, ""),
    )
    passes = [Pass(Plan((made,)), (Outcome(made, "done", live=a_job()),)), Pass(Plan(()))]
    (facts,) = gather([desired], passes, {live.key: live for live in rest()})
    assert facts.setup_record == SetupRecord(NAME, "Unknown")
    (failed,) = gather([desired], [Pass(Plan((made,)), (Outcome(made, "failed", "no"),))], {})
    assert failed.setup_record is None


# a removed Job


@pytest.mark.parametrize("result", ["Running", "Complete", "Failed", "Unknown"])
def test_a_job_that_is_recorded_is_not_recreated(result: str) -> None:
    assert about_jobs([recorded(result)], rest()) == []
    assert about_jobs([recorded(result)], rest(), from_server=False) == []


def test_a_record_of_another_image_or_revision_is_none() -> None:
    older = recorded("Complete", job="pr-1-0000000000")
    assert about_jobs([older], rest()) == [f"+ Job {place()} does not exist"]


def test_one_that_is_removed_after_it_is_complete_changes_nothing() -> None:
    world = World()
    world.job_says(COMPLETE)
    world.run()
    before = world.status
    assert world.ready == ("True", "Available", AVAILABLE)
    world.memory.forget(JOB)
    for _ in range(3):
        world.is_silent()
    assert world.status == before


def test_one_that_is_removed_after_it_failed_changes_nothing_until_another_revision() -> None:
    world = World()
    world.job_says(FAILED)
    world.memory.put(dict(a_setup_pod(ended(7), phase="Failed").manifest))
    world.run()
    told = ("False", "SetupFailed", f"exit code 7 (setup {JOB}); {RUN_AGAIN}")
    assert world.ready == told
    world.memory.forget(JOB)
    world.memory.forget(key("Pod", a_setup_pod().key.name))
    for _ in range(3):
        world.is_silent()
    assert world.ready == told
    world.edit(revision="2", **SETUP)
    world.run()
    assert [line for line in world.log if line.startswith("apply Job ")] != []
    assert world.setup["result"] == "Running"
    assert world.setup["job"] != NAME


def test_one_that_is_removed_before_its_end_was_seen_counts_as_run_and_is_looked_for_once() -> None:
    world = World()
    world.memory.forget(JOB)
    world.run()
    assert GET in world.log
    assert APPLY not in world.log
    assert world.setup == a_record("Unknown")
    assert world.ready == ("True", "Available", UNSEEN)
    for _ in range(3):
        world.is_silent()


def test_one_that_no_list_shows_and_exists_is_not_taken_for_removed() -> None:
    """The list of Jobs is older than that of previews: another run may have made it in between."""
    world = World()
    label = "platform9.com/preview"
    there = world.memory.objects[JOB]
    labels = {name: value for name, value in there["metadata"]["labels"].items() if name != label}
    world.memory.put({**there, "metadata": {**there["metadata"], "labels": labels}})
    world.run()
    assert GET in world.log
    assert (world.ready[1], world.setup) == ("Progressing", a_record("Running"))


def test_a_recorded_job_that_is_being_deleted_is_not_waited_for() -> None:
    """A ttl of Jobs deletes them in the foreground, which takes as long as their pods do."""
    world = World()
    world.job_says(COMPLETE)
    world.run()
    world.memory.put(world.memory.objects[JOB], deletionTimestamp="2026-01-01T00:00:00Z")
    world.is_silent()
    assert world.ready[0] == "True"


def test_one_that_is_being_deleted_and_was_not_recorded_is_that_of_a_preview_before() -> None:
    memory = a_cluster(a_preview(**SETUP))
    memory.put(dict(a_job(COMPLETE).manifest), deletionTimestamp="2026-01-01T00:00:00Z")
    go(memory)
    assert "setup" not in memory.objects[key("PreviewEnvironment")]["status"]
    memory.forget(JOB)
    memory.log.clear()
    go(memory)
    assert APPLY in memory.log


def test_a_job_of_somebody_else_of_that_name_is_not_recorded() -> None:
    theirs = untracked({**a_job(COMPLETE).manifest, "metadata": job_of()["metadata"]})
    theirs = Live(edited(theirs.manifest, "metadata", "annotations", to={}))
    world = World()
    world.memory.put(dict(theirs.manifest))
    world.run()
    assert (world.ready[1], world.setup) == ("NameTaken", a_record("Running"))


# what keeps the record


@pytest.mark.parametrize(
    ("spec", "settings"),
    [
        ({**SETUP, "suspend": True}, Settings()),
        ({**SETUP, "fqdn": "Not a hostname"}, Settings()),
        (SETUP, Settings(allow_image=("ghcr.io/acme/*",))),
        ({}, Settings()),
        ({**SETUP, "ttl": "1h"}, Settings()),
    ],
    ids=["suspended", "invalid", "refused", "without a setup", "expired"],
)
def test_a_preview_that_sets_nothing_up_for_a_while_keeps_the_record(
    spec: dict[str, Any], settings: Settings
) -> None:
    world = World()
    world.job_says(COMPLETE)
    world.run()
    world.edit(**spec)
    world.run(settings=settings)
    if "ttl" in spec:
        world.memory.time = NOW
        world.run()
        assert world.ready[1] == "Expired"
    world.memory.objects.pop(JOB, None)
    world.run(settings=settings)
    assert world.setup == a_record("Complete")
    world.edit(**SETUP)
    world.run()
    assert APPLY not in world.log
    assert GET not in world.log


def test_the_record_stays_that_of_the_older_one_while_the_new_one_waits_for_it() -> None:
    world = World()
    world.edit(revision="2", **SETUP)
    world.run()
    assert world.setup == a_record("Running")
    world.memory.forget(JOB)
    world.run()
    assert world.setup["job"] != NAME


def test_a_recreated_preview_has_no_record_and_sets_up_again() -> None:
    world = World()
    world.job_says(COMPLETE)
    world.run()
    world.memory.forget(JOB)
    world.memory.forget(key("PreviewEnvironment"))
    world.memory.put(a_preview(**SETUP))
    world.run()
    assert APPLY in world.log


def test_a_status_without_the_field_and_one_that_somebody_garbled() -> None:
    assert record_in({}) is None
    assert record_in({"setup": None}) is None
    assert record_in({"setup": "Complete"}) is None
    assert record_in({"setup": {"job": 5, "result": "Complete"}}) is None
    assert record_in({"setup": {"job": "", "result": "Complete"}}) is None
    assert record_in({"setup": {"job": "x", "result": "Whatever", "message": 5}}) == SetupRecord(
        "x", "Unknown"
    )
    assert record_in({"setup": a_record("Failed", "m")}) == SetupRecord(NAME, "Failed", "m")


RUNNING, UNKNOWN = SetupRecord("x", "Running"), SetupRecord("x", "Unknown")
DONE, BROKEN = SetupRecord("x", "Complete"), SetupRecord("x", "Failed", "m")


@pytest.mark.parametrize(
    ("before", "now", "kept"),
    [
        (None, RUNNING, RUNNING),
        (RUNNING, DONE, DONE),
        (DONE, RUNNING, DONE),
        (BROKEN, UNKNOWN, BROKEN),
        (BROKEN, DONE, DONE),
        (UNKNOWN, RUNNING, RUNNING),
        (DONE, SetupRecord("y", "Running"), SetupRecord("y", "Running")),
    ],
)
def test_an_end_that_was_seen_is_never_reverted(before: Any, now: SetupRecord, kept: SetupRecord) -> None:
    assert newest(before, now) == kept


def test_a_status_that_another_run_wrote_meanwhile_keeps_the_end_that_it_saw() -> None:
    world = World()

    def other_run(memory: Memory, which: Any) -> None:
        there = memory.objects[key("PreviewEnvironment")]
        memory.put({**there, "status": {**there["status"], "setup": a_record("Complete"), "url": "x"}})
        raise Conflict("resourceVersion has changed")

    world.memory.put({**world.memory.objects[key("Deployment")], "status": {}})
    world.job_says({**FAILED, "status": "Unknown"})
    world.edit(replicas=2, **SETUP)
    world.memory.trouble("status PreviewEnvironment shop/pr-1", other_run)
    world.run()
    assert world.setup == a_record("Complete")


# a run that cannot write it


@pytest.mark.parametrize(
    "error", [Forbidden("no right to patch status"), Rejected(".status.setup: field not declared in schema")]
)
def test_a_run_that_cannot_write_the_status_reports_the_consequence(error: Any) -> None:
    memory = a_cluster(a_preview(**SETUP))
    memory.trouble("status PreviewEnvironment shop/pr-1", error)
    done = go(memory)
    assert (exit_code(done), done.notes) == (
        0,
        (f"the status of shop/pr-1 was not written: {error}", UNRECORDED),
    )
    plain = a_cluster()
    plain.trouble("status PreviewEnvironment shop/pr-1", error)
    assert go(plain).notes == (f"the status of shop/pr-1 was not written: {error}",)


def test_a_run_without_a_time_notes_it_too(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_time(self: Memory) -> Any:
        raise NoAnswer("no Date")

    monkeypatch.setattr(Memory, "now", no_time)
    told = "no status was written, and no ttl counted: no Date"
    assert go(a_cluster(a_preview(**SETUP))).notes == (told, UNRECORDED)
    plain = a_cluster()
    assert go(plain).notes == (told,)
    assert not any(line.startswith("event") for line in plain.log)


# its status


SEEN, OTHER = {"observedGeneration": 1}, SetupRecord("pr-1-0000000000", "Complete")


def with_record(result: str, message: str = "", **given: Any) -> Facts:
    record = SetupRecord(NAME, result, message)  # type: ignore[arg-type]
    return status_facts(SET_UP, recorded=record, **given)


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        (with_record("Complete"), f"Available: {AVAILABLE}"),
        (with_record("Running"), f"Available: {UNSEEN}"),
        (with_record("Unknown"), f"Available: {UNSEEN}"),
        (with_record("Failed", "exit code 1"), f"SetupFailed!: exit code 1 (setup {JOB}); {RUN_AGAIN}"),
        (
            with_record("Complete", deployment=a_live("Deployment", SEEN)),
            "Progressing: 0 of 1 pods are available",
        ),
        (status_facts(SET_UP, recorded=OTHER), "Progressing: its setup Job does not exist"),
        (with_record("Complete", setup=a_job()), f"Progressing: its setup {JOB} runs"),
        (with_record("Unknown", setup=a_job(COMPLETE)), f"Available: {AVAILABLE}"),
    ],
)
def test_the_status_of_a_recorded_setup(facts: Facts, expected: str) -> None:
    assert said(facts) == expected


def test_a_wait_ends_at_once_where_a_failure_is_recorded_and_shows_no_other_pods() -> None:
    facts = with_record("Failed", "exit code 1")
    found = standing(facts, status_of(facts, NOW))
    assert (found.state, patience(facts, found)) == ("failed", 0.0)


def test_the_pods_of_the_app_are_not_what_a_failed_setup_is_blamed_on() -> None:
    pod = a_setup_pod()
    assert _at_work(with_record("Failed", "exit code 1", pods=(pod,))) == ()
    assert _at_work(with_record("Complete", pods=(pod,))) == (pod,)


# a Job that is removed while a run waits


def waiting_for(*conditions: dict[str, Any]) -> Facts:
    desired = desire([a_read_preview(generation=3, **SETUP)], Settings(), Scope())[0]
    keeps = tuple(Keep(manifest.key, desired.place) for manifest in desired.children)
    facts = Facts(desired, keeps, (), a_live("Deployment", UP), a_live("Mapping"), setup=a_job(*conditions))
    return replace(facts, recorded=SetupRecord(NAME, "Running"))


def looked(facts: Facts, *children: Live, status: Any = None, kinds: tuple[str, ...] = ("Job",)) -> Facts:
    preview = replace(facts.desired.preview, status=status or {})
    there = {child.key: child for child in (a_live("Deployment", UP), *children)}
    look = Look(preview, there, frozenset({"Deployment", *kinds}))
    return refreshed(facts, look, RULES, Settings())


def test_a_job_that_is_removed_during_a_wait_is_not_missed() -> None:
    complete = looked(waiting_for(), a_job(COMPLETE))
    assert said(complete) == f"Available: {AVAILABLE}"
    gone = looked(complete)
    assert (said(gone), gone.waits) == (f"Available: {AVAILABLE}", ())
    assert gone.setup_record == SetupRecord(NAME, "Complete")
    failed = said(looked(looked(waiting_for(), a_job(FAILED))))
    assert failed.startswith("SetupFailed!: ")
    assert failed.endswith(f"(setup {JOB}); {RUN_AGAIN}")
    unseen = looked(waiting_for())
    assert (said(unseen), unseen.waits) == (f"Available: {UNSEEN}", ())
    assert "Job" not in kinds_to_look_at(unseen)


def test_an_end_that_another_run_recorded_during_a_wait_counts() -> None:
    gone = looked(waiting_for(), status={"setup": a_record("Complete")})
    assert said(gone) == f"Available: {AVAILABLE}"


def test_a_job_that_another_run_made_and_recorded_during_a_wait_is_looked_for_once_more() -> None:
    """The lists of a look are read at once: the Job may be newer than their list."""
    before = waiting_for()
    wait = Waiting(JOB, "shop/pr-1", "waits: an older one has not ended")
    waits = replace(before, changes=(wait, *before.changes[1:]), setup=None, recorded=None)
    status = {"setup": a_record("Running")}
    first = looked(waits, status=status)
    assert (said(first), first.setup_record) == (f"Progressing: {wait.message}", SetupRecord(NAME, "Running"))
    assert said(looked(first, a_job(), status=status)) == f"Progressing: its setup {JOB} runs"
    second = looked(first, status=status)
    assert (said(second), second.waits) == (f"Available: {UNSEEN}", ())


# a plan says the same


def test_a_dump_with_a_status_is_planned_as_its_cluster_would_be(shop: Shop) -> None:
    status = {"setup": a_record("Complete")}
    shop.put("shop-pr-1.yaml", dump({**a_preview(**SETUP), "status": status}))
    shop.reconcile()
    assert sorted(child.split()[0] for child in shop.children()) == ["Deployment", "Mapping", "Service"]
    shop.write(dumped=True, **SETUP)
    assert f"+ Job {place()} new preview" in shop.reconcile().lines


def test_explain_shows_what_is_recorded_and_why_no_job_is_made() -> None:
    world = World()
    world.job_says(FAILED)
    world.run()
    world.memory.forget(JOB)
    lines = lines_of(text_of(world.memory))
    assert f"setup Failed (Job {NAME}) BackoffLimitExceeded: {FAILED['message']}" in lines
    assert lines[lines.index(f"{JOB}: not there") + 1] == (
        f"not made again: it has run, by the status (Failed); {RUN_AGAIN}"
    )
    assert lines[2].startswith("Not ready: SetupFailed: BackoffLimitExceeded")
    assert lines[3] == "A run would change nothing."
