"""The setup Job: when it is made, what waits for it, what becomes of the old ones, and how it is doing."""

from typing import Any

import pytest

from reconcile.desire.children import render
from reconcile.desire.desired import Desired
from reconcile.errors import Rejected
from reconcile.kube.health.events import PodEvent
from reconcile.kube.health.job import Progress, is_finished, lacks_pods, progress
from reconcile.kube.live import Live
from reconcile.kube.managedfields import part_of
from reconcile.kube.redact import redacted
from reconcile.model.settings import Settings
from reconcile.model.snapshot import KindList
from reconcile.plan.changes import Keep, Update
from reconcile.plan.child import child_of
from reconcile.plan.decide import decide
from reconcile.status.facts import gather
from reconcile.status.result import Pass
from tests.builders import a_preview
from tests.given import FOLDER, RULES, a_read_preview, children_of, edited, entry, live, untracked
from tests.kube.test_health_pods import a_pod, waiting
from tests.plan.test_plan import WHOLE, lines, plan_of
from tests.run.test_run import LISTS, a_cluster, go
from tests.shop import Shop

SETUP: dict[str, Any] = {"setup": {"command": ["migrate", "--password=hunter22"]}}
PR1 = a_read_preview(**SETUP)
PUSHED = a_read_preview(revision="2", generation=2, **SETUP)
REST = ("Deployment", "Service", "Mapping")

COMPLETE = {"type": "Complete", "status": "True", "reason": "CompletionsReached", "message": "all is done"}
FAILED = {
    "type": "Failed",
    "status": "True",
    "reason": "BackoffLimitExceeded",
    "message": "Job has reached the specified backoff limit",
}


def job_of(preview: Any = PR1) -> dict[str, Any]:
    return children_of(preview)["Job"]


def a_job(*conditions: dict[str, Any], preview: Any = PR1, **status: Any) -> Live:
    """The preview's Job on a server; without conditions it is not over."""
    made = live(job_of(preview))
    return Live({**made.manifest, "status": {"conditions": list(conditions), **status}})


def place(preview: Any = PR1) -> str:
    return f"shop/{job_of(preview)['metadata']['name']}"


def rest(preview: Any = PR1) -> list[Live]:
    """The preview's other children."""
    return [live(children_of(preview)[kind]) for kind in REST]


def about_jobs(*args: Any, **kwargs: Any) -> list[str]:
    return [line for line in lines(plan_of(*args, **kwargs)) if " Job " in line]


# when it is made


def test_a_new_preview_gets_its_job_before_its_deployment() -> None:
    assert lines(plan_of([PR1])) == [
        f"+ Job {place()} new preview",
        *[f"+ {kind} shop/pr-1 new preview" for kind in REST],
    ]


PLAIN, OTHERS = a_read_preview(), [a_read_preview("pr-2"), a_read_preview("pr-3")]
GUARDED = a_read_preview(revision="2", annotations={"platform9.com/prune": "disabled"}, **SETUP)
DISABLED = ("metadata", "annotations", "platform9.com/prune")
BEING_DELETED = Live(edited(a_job().manifest, "metadata", "deletionTimestamp", to="2026-01-01T00:00:00Z"))
THEIRS = untracked(edited(job_of(), "metadata", "annotations", to={}))
STOLEN = edited(a_job(COMPLETE).manifest, "metadata", "labels", "platform9.com/preview", to="pr-9")
UNMANAGED = "but it is not managed by preview-reconcile"
WAITS = f". Job {place(PUSHED)} waits: Job {place()} of another image or revision has not ended; delete it to go on"
MADE = f"+ Job {place(PUSHED)} another image or revision"

JOBS: dict[str, tuple[list[Any], list[Live], list[str]]] = {
    **{
        f"that of its image and revision is kept: {name}": ([PR1], [a_job(*ended), *rest()], [])
        for name, ended in (("complete", [COMPLETE]), ("failed", [FAILED]), ("running", []))
    },
    **{
        f"another revision has its own, and the old one goes: {end['type']}": (
            [PUSHED], [a_job(end), *rest()], [MADE, f"- Job {place()} its preview has another image or revision"]
        )
        for end in (COMPLETE, FAILED)
    },
    "a new one waits for one that is being deleted": (
        [PUSHED], [BEING_DELETED, *rest()], [f". Job {place()} is being deleted, and waits for its finalizers", WAITS]
    ),
    "one of somebody else with our label holds nothing up": (
        [PUSHED], [THEIRS, *rest()],
        [MADE, f"= Job {place()} kept: its preview does not request it, {UNMANAGED} (no annotation platform9.com/identity)"],
    ),
    "who asks for no setup any more loses them": (
        [PLAIN], [a_job(COMPLETE), *rest()], [f"- Job {place()} its preview does not request it"]
    ),
    "when they have ended": ([PLAIN], [a_job(), *rest()], [f". Job {place()} waits: deleted when it has ended"]),
    "one in the way blocks its preview": ([PR1], [untracked(edited(job_of(), "metadata", "labels", to={}))], ["!"]),
    "a gone preview's goes, also where it runs": (OTHERS, [a_job()], [f"- Job {place()} its preview is gone"]),
    "and not where it is protected": (
        OTHERS, [Live(edited(a_job().manifest, *DISABLED, to="disabled"))],
        [f"= Job {place()} protected: platform9.com/prune is disabled"],
    ),
    "a protected preview's old ones are protected": (
        [GUARDED], [a_job(COMPLETE), *rest(GUARDED)], [MADE, f"~ Job {place()} its preview is protected"]
    ),
    "one whose label names another preview is not that one's": (
        OTHERS, [Live(edited(STOLEN, "metadata", "ownerReferences", to=None))],
        [f"= Job {place()} kept: its preview is gone, {UNMANAGED} (pr-9 has no child of this name)"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", JOBS)
def test_a_setup_job_plan_matches_its_row(name: str) -> None:
    previews, there, told = JOBS[name]
    found = [line for line in lines(plan_of(previews, there)) if " Job " in line]
    assert [line[:1] for line in found] == told if told == ["!"] else found == told


@pytest.mark.parametrize(
    "preview",
    [
        a_read_preview(suspend=True, **SETUP),
        a_read_preview(deleted="2026-01-01T00:00:00Z", **SETUP),
        a_read_preview(image="evil.example/x", **SETUP),
    ],
)
def test_a_preview_that_is_suspended_going_or_refused_gets_none_and_keeps_what_ran(preview: Any) -> None:
    settings = Settings(allow_image=("registry.example.com/*",))
    assert about_jobs([preview], settings=settings) == []
    assert about_jobs([preview], [a_job(COMPLETE, preview=preview)], settings=settings) == []


def test_a_new_one_waits_for_one_that_runs_and_the_deployment_does_not() -> None:
    plan = plan_of([PUSHED], [a_job(), *rest()])
    told = f"waits: Job {place()} of another image or revision has not ended; delete it to go on"
    assert sorted(lines(plan)) == sorted(
        [
            "~ Deployment shop/pr-1 its preview or an option changed",
            "spec.template.metadata.annotations[platform9.com/revision] + 2",
            f". Job {place()} waits: deleted when it has ended",
            f". Job {place(PUSHED)} {told}",
        ]
    )
    assert plan.waits_for_this_run == ()


def test_a_suspended_preview_is_not_looked_for_again_and_again() -> None:
    memory = a_cluster(a_preview(suspend=True, **SETUP))
    go(memory)
    memory.log.clear()
    go(memory)
    assert memory.log == [*[f"list {plural}" for plural in LISTS], "list previewenvironments"]


def test_an_old_job_does_not_count_for_the_limit() -> None:
    previews = [a_read_preview(f"pr-{n}", revision="2", **SETUP) for n in range(12)]
    old = [a_job(COMPLETE, preview=a_read_preview(f"pr-{n}", **SETUP)) for n in range(12)]
    plan = plan_of(previews, [*old, *(child for preview in previews for child in rest(preview))], limit="1")
    assert plan.skipped == ()
    assert sum(line.startswith("- Job ") for line in lines(plan)) == 12


def test_where_jobs_cannot_be_listed_only_a_preview_with_a_setup_stands_still() -> None:
    kinds = {"Job": KindList(WHOLE["Job"].resource, problem="no right", known=False)}
    assert [line for line in lines(plan_of([PR1], kinds=kinds)) if line[0] == "+"] == []
    plain = lines(plan_of([a_read_preview()], kinds=kinds))
    assert [line for line in plain if line[0] == "+"] == [f"+ {kind} shop/pr-1 new preview" for kind in REST]


# below metadata it is never compared


OTHER = a_read_preview(
    setup={"command": ["other"], "args": ["x"]},
    env=[{"name": "A", "value": "1"}],
    resources={"limits": {"cpu": "1"}},
)


@pytest.mark.parametrize("rules", [RULES, FOLDER])
def test_what_ran_has_run_whatever_is_desired_now(rules: Any) -> None:
    wanted = children_of(OTHER, pod_security="restricted", priority_class="low")["Job"]
    assert isinstance(decide(wanted, OTHER, child_of(OTHER, a_job(COMPLETE), rules)), Keep)


def test_its_metadata_is_corrected_by_an_apply_that_repeats_the_existing_spec() -> None:
    label = ("metadata", "labels", "app.kubernetes.io/name")
    there = edited(edited(job_of(), "spec", "completions", to=1), *label, to="mine")
    by_hand = entry("kubectl-edit", [tuple(f"f:{step}" for step in label)])
    found = decide(
        children_of(OTHER)["Job"], OTHER, child_of(OTHER, live(there, by_hand, applied=job_of()), RULES)
    )
    assert isinstance(found, Update)
    assert found.manifest["spec"] == job_of()["spec"]
    assert [change.path for change in found.fields] == ["metadata.labels[app.kubernetes.io/name]"]


def test_an_apply_repeats_what_was_applied_though_no_longer_desired() -> None:
    """Without it the apply would drop the variables of OTHER, and be a 422."""
    made = job_of(OTHER)
    protected = a_read_preview(annotations={"platform9.com/prune": "disabled"}, **SETUP)
    found = decide(job_of(protected), protected, child_of(protected, live(made), RULES))
    assert isinstance(found, Update)
    assert (found.manifest["spec"], found.message) == (made["spec"], "its preview is protected")


def test_one_whose_history_was_wiped_is_managed_with_its_existing_spec() -> None:
    wiped = untracked(job_of(), managedFields=None)
    found = decide(children_of(OTHER)["Job"], OTHER, child_of(OTHER, wiped, RULES))
    assert isinstance(found, Update)
    container = found.manifest["spec"]["template"]["spec"]["containers"][0]
    assert container["command"] == ["migrate", "--password=hunter22"]
    assert "env" not in container


def test_the_part_of_an_object_is_what_its_paths_lead_to() -> None:
    manifest = children_of(a_read_preview(env=[{"name": "A"}, {"name": "B", "value": "1"}]))["Deployment"]
    made = live(manifest)
    paths = made.applied_by(RULES.names.field_manager)
    grown = edited(made.manifest, "spec", "progressDeadlineSeconds", to=600)
    grown["spec"]["template"]["spec"]["containers"].insert(0, {"name": "sidecar"})
    assert paths is not None
    assert part_of(grown, paths) == manifest


# how it is doing


def a_setup_pod(*containers: dict[str, Any], phase: str = "Pending", **given: Any) -> Live:
    pod = a_pod(*containers, component="setup", **given).manifest
    labels = {**pod["metadata"]["labels"], "batch.kubernetes.io/job-name": place().partition("/")[2]}
    status = {**pod["status"], "phase": phase, **given.get("status", {})}
    return Live({**pod, "metadata": {**pod["metadata"], "labels": labels}, "status": status})


def ended(code: int, **more: Any) -> dict[str, Any]:
    return {"state": {"terminated": {"exitCode": code, "reason": "Error", **more}}}


def evicted() -> Live:
    pod = a_setup_pod(phase="Failed").manifest
    told = {"reason": "Evicted", "message": "The node was low on memory; --password=hunter22 was not."}
    return Live({**pod, "status": {**pod["status"], **told}})


def failed(message: str) -> Progress:
    return Progress(True, message)


RUNS, TRIES = Progress(False, "runs"), "runs; tries that failed so far: 1"
BEYOND = {**FAILED, "reason": "DeadlineExceeded", "message": "Job was active longer than its deadline"}
GATED = {"type": "PodScheduled", "status": "False", "reason": "SchedulingGated"}
UNPULLED = a_setup_pod(waiting("ImagePullBackOff", "x: not found"))
CRASHED = a_setup_pod(ended(3), phase="Failed")
LATER = a_setup_pod(ended(2), phase="Failed", created="2026-01-01T00:02:00Z")

PROGRESS: dict[str, tuple[Live, tuple[Live, ...], Progress | None]] = {
    "it is complete": (a_job(COMPLETE), (), None),
    "nobody has seen it yet": (live(job_of()), (), RUNS),
    "it runs": (a_job(active=1), (a_setup_pod(),), RUNS),
    "a try has failed": (
        a_job(active=1, failed=1),
        (CRASHED, a_setup_pod()),
        Progress(False, f"{TRIES} (exit code 3)"),
    ),
    "a try has failed whose pod is gone": (a_job(failed=1), (), Progress(False, TRIES)),
    "it failed": (a_job(FAILED, failed=3), (LATER, CRASHED), failed("exit code 2")),
    "it failed for want of memory": (
        a_job(FAILED),
        (a_setup_pod(ended(137, reason="OOMKilled"), phase="Failed"),),
        failed("exit code 137 (OOMKilled)"),
    ),
    "its pod was evicted": (
        a_job(FAILED),
        (evicted(),),
        failed("Evicted: The node was low on memory; (not shown) was not."),
    ),
    "it failed and no pod is left": (
        a_job(BEYOND),
        (),
        failed("DeadlineExceeded: Job was active longer than its deadline"),
    ),
    "its image cannot be pulled": (a_job(active=1), (UNPULLED,), failed("ImagePullBackOff: x: not found")),
    "its container has ended, and its pod does not say so yet": (
        a_job(active=1),
        (a_setup_pod({"name": "setup", **ended(0)}, phase="Running"),),
        RUNS,
    ),
    "its pod is held back by the scheduler": (
        a_job(active=1),
        (a_setup_pod(conditions=(GATED,), spec={"schedulingGates": [{"name": "queue"}]}),),
        Progress(False, "is starting: SchedulingGated: held by queue"),
    ),
    "pods of another Job do not count": (a_job(preview=PUSHED), (UNPULLED,), RUNS),
    "a condition that does not hold is none": (
        a_job({**COMPLETE, "status": "False"}, {**FAILED, "status": "Unknown"}),
        (),
        RUNS,
    ),
}


@pytest.mark.parametrize("row", PROGRESS)
def test_how_far_a_job_has_come(row: str) -> None:
    job, pods, told = PROGRESS[row]
    assert progress(job, pods) == told


REFUSED = PodEvent(
    "uid-of-the-job", "FailedCreate", 'Error creating: pods "pr-1-x-" is forbidden: exceeded quota: small'
)


def test_a_job_whose_pods_are_refused_shows_why_from_its_events_alone() -> None:
    refused = a_job()
    refused = Live({**refused.manifest, "metadata": {**refused.metadata, "uid": REFUSED.uid}})
    assert lacks_pods(refused, ())
    assert progress(refused, (), (REFUSED,)) == failed("FailedCreate: exceeded quota: small")
    assert progress(a_job(), (), (REFUSED,)) == RUNS, "of another Job"
    assert progress(refused, (a_setup_pod(),), (REFUSED,)) == RUNS, "let in since"
    assert not lacks_pods(refused, (a_setup_pod(),))


def test_a_job_reports_what_holds_it_back() -> None:
    job = a_job()
    held = Live({**job.manifest, "spec": {**job.spec, "suspend": True}})
    waits = "is suspended (spec.suspend), as a queue does until there is room"
    assert progress(held, (), (REFUSED,)) == Progress(False, waits)
    assert not lacks_pods(held, ())


def test_one_that_has_ended_is_known_by_its_conditions_alone() -> None:
    assert is_finished(a_job(COMPLETE))
    assert is_finished(a_job(FAILED))
    failing = {"type": "FailureTarget", "status": "True"}
    assert not is_finished(a_job(failing, succeeded=1, failed=3, completionTime="2026-01-01T00:00:00Z"))


def test_a_run_knows_the_job_that_it_has_just_made() -> None:
    children = render(PR1, Settings())
    found = {one.key: one for one in (a_job(), *rest())}
    (facts,) = gather([Desired(PR1, True, children=children)], [Pass(plan_of([PR1]))], found)
    assert facts.setup is not None
    assert (str(facts.setup.key), facts.sets_up) == (f"Job {place()}", True)
    (plain,) = gather([Desired(PR1, True, children=children[1:])], [Pass(plan_of([PR1]))], found)
    assert (plain.setup, plain.sets_up) == (None, False)


# what nobody may read


def test_a_refusal_that_quotes_a_setups_command_is_redacted() -> None:
    assert redacted("denied: migrate --password=hunter22", job_of()) == "denied: (not shown) (not shown)"


# in a folder


def test_in_a_folder_it_is_one_more_file_and_old_ones_go_since_nothing_runs_there(shop: Shop) -> None:
    shop.write(**SETUP)
    shop.reconcile()
    (first,) = [child for child in shop.children() if child.startswith("Job ")]
    shop.is_silent()
    shop.write(revision="2", **SETUP)
    ended = shop.reconcile()
    (second,) = [child for child in shop.children() if child.startswith("Job ")]
    assert second != first
    assert f"- {first} its preview has another image or revision" in ended.lines
    assert "hunter22" not in ended.out + ended.err
    shop.is_silent()
    shop.write(revision="2")
    shop.reconcile()
    assert [child for child in shop.children() if child.startswith("Job ")] == []


def test_a_dump_with_a_running_job_is_planned_as_the_cluster_would_be() -> None:
    there = [a_job(active=1), *rest()]
    assert about_jobs([PUSHED], there, from_server=False)[0][0] == "."
    silent = [Live({k: v for k, v in one.manifest.items() if k != "status"}) for one in there]
    assert [line[0] for line in about_jobs([PUSHED], silent, from_server=False)] == ["+", "-"]


# a whole run


def test_a_job_that_cannot_be_made_keeps_the_new_pods_from_coming() -> None:
    memory = a_cluster(a_preview(**SETUP))
    memory.trouble(f"apply Job {place()}", Rejected("no more Jobs in this namespace"))
    done = go(memory)
    assert [(o.change.key.kind, o.result) for o in done.outcomes] == [
        ("Job", "rejected"),
        *[(kind, "skipped") for kind in REST],
    ]
