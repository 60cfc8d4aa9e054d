"""The wait, with a clock that only pauses move: when it looks, when it ends, and what it makes of it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import pytest

from reconcile.cluster.context import Context
from reconcile.cluster.pool import Stop
from reconcile.desire.children import RESOURCES
from reconcile.desire.desire import desire
from reconcile.desire.desired import Desired
from reconcile.errors import Forbidden, Rejected, ServerTrouble, Unauthorized
from reconcile.kube.live import Live
from reconcile.model.names import KIND as PREVIEW_KIND
from reconcile.model.preview import parse_preview
from reconcile.model.scope import make_scope
from reconcile.model.settings import Settings
from reconcile.plan.changes import Keep
from reconcile.run.request import Request, WaitRequest
from reconcile.run.run import run
from reconcile.run.wait import LONGEST_PROBE, Pace, Waited, wait_for
from reconcile.status.facts import Facts
from reconcile.status.publish import Published
from reconcile.status.result import Run, Standing
from tests.given import RULES, key
from tests.kube.test_health_pods import UNSCHEDULABLE, a_pod, waiting
from tests.memory import Memory
from tests.run.test_run import a_cluster, go

Happens = Callable[[], None]
NO_POD = {"observedGeneration": 1, "replicas": 1, "updatedReplicas": 1}
UP = {**NO_POD, "availableReplicas": 1}
CRASHED = {"name": "app", **waiting("CrashLoopBackOff", exitCode=1)}
URL = "https://pr-1.preview.example.com"


@dataclass
class Scene:
    """A cluster whose clock moves while it is waited for; `at` says what happens when."""

    memory: Memory
    at: dict[float, Happens] = field(default_factory=dict)
    now: float = 0.0
    stop: Stop = field(default_factory=Stop)
    told: list[tuple[tuple[str, ...], str]] = field(default_factory=list)
    asked: list[tuple[str, ...]] = field(default_factory=list)
    answers: list[str] = field(default_factory=list)
    pauses: list[float] = field(default_factory=list)
    given: list[float] = field(default_factory=list)

    def pause(self, seconds: float, stop: Stop) -> None:
        self.now += seconds
        self.pauses.append(seconds)
        for moment in sorted(moment for moment in self.at if moment <= self.now):
            self.at.pop(moment)()

    def tell(self, standings: Sequence[Standing], trouble: str) -> None:
        self.told.append((tuple(f"{one.name} {one.state}" for one in standings), trouble))

    def probe(self, urls: Sequence[str], seconds: float) -> Mapping[str, str]:
        self.asked.append(tuple(urls))
        self.given.append(seconds)
        return dict.fromkeys(urls, self.answers.pop(0))

    def wait(self, seconds: float = 60.0, *, probed: bool = False) -> Waited:
        facts = facts_of(self.memory)
        self.memory.log.clear()
        return wait_for(
            Context(self.memory, Settings(), concurrency=1, stop=self.stop),
            facts,
            Published(),
            seconds,
            rules=RULES,
            resources=RESOURCES,
            show=self.tell,
            probe=self.probe if probed else None,
            pace=Pace(lambda: self.now, self.pause),
        )

    def deployment(self, status: Mapping[str, int]) -> Happens:
        there = self.memory.objects[key("Deployment")]
        return lambda: self.memory.put({**there, "status": status})

    def looks(self) -> int:
        return self.memory.log.count("list previewenvironments")


def facts_of(memory: Memory) -> tuple[Facts, ...]:
    """The facts of previews whose children an earlier run made."""
    objects = {k: Live(m) for k, m in memory.objects.items()}
    there = {k: live for k, live in objects.items() if k.kind not in (PREVIEW_KIND, "Pod")}
    manifests = [live.manifest for k, live in objects.items() if k.kind == PREVIEW_KIND]
    previews = [parse_preview(manifest, group="platform9.com") for manifest in manifests]

    def facts(desired: Desired) -> Facts:
        name = desired.preview.name
        deployment, route = (there.get(key(kind, name)) for kind in ("Deployment", "Mapping"))
        changes = tuple(Keep(k, desired.place) for k in there if k.name == name)
        return Facts(desired, changes, (), deployment, route)

    return tuple(map(facts, desire(previews, Settings(), make_scope(None, (), None))))


@pytest.fixture
def scene() -> Scene:
    memory = a_cluster()
    go(memory)
    return Scene(memory)


def only(waited: Waited) -> Standing:
    (standing,) = waited.standings
    return standing


# when it ends


def test_it_ends_when_the_preview_is_ready(scene: Scene) -> None:
    scene.at[5.0] = scene.deployment(UP)
    waited = scene.wait()
    message = "its pods are available"
    assert only(waited) == Standing("shop", "pr-1", "ready", "Available", message, URL)
    assert 5.0 <= scene.now < 7.5
    assert waited.statuses["shop/pr-1"].ready


def test_a_look_is_one_list_for_each_kind_and_a_status_where_there_is_news(scene: Scene) -> None:
    scene.deployment(NO_POD)()
    scene.at[4.0] = lambda: scene.memory.put(a_pod(CRASHED).manifest)
    scene.wait(8.0)
    lists = ["list previewenvironments", "list deployments", "list pods"]
    assert [line for line in scene.memory.log if line.startswith("list")] == lists * scene.looks()
    assert [line for line in scene.memory.log if not line.startswith("list")] == [
        "status PreviewEnvironment shop/pr-1",
        "event RolloutFailed shop/pr-1",
    ]


def test_the_pauses_grow_and_the_last_look_comes_before_the_end(scene: Scene) -> None:
    waited = scene.wait(60.0)
    assert [round(pause, 2) for pause in scene.pauses[:4]] == [1.0, 1.25, 1.56, 1.95]
    assert max(scene.pauses) == 5.0
    assert (scene.now, scene.looks()) == (59.0, len(scene.pauses))
    assert only(waited).state == "waiting"


@pytest.mark.parametrize("seconds", [0.5, 1.0])
def test_a_wait_of_no_length_reads_no_more(scene: Scene, seconds: float) -> None:
    waited = scene.wait(seconds)
    assert (scene.looks(), only(waited).state) == (0, "waiting")


def test_the_time_of_the_requests_restarts_with_the_wait(scene: Scene) -> None:
    scene.wait(2.0)
    assert scene.memory.clocks == [(2.0, "--wait-timeout")]


def test_without_a_preview_there_is_nothing_to_wait_for() -> None:
    scene = Scene(Memory())
    assert scene.wait().standings == ()
    assert scene.memory.log == []


def test_a_signal_ends_it_between_two_looks(scene: Scene) -> None:
    scene.at[3.0] = lambda: scene.stop.ask(15)
    waited = scene.wait()
    assert (only(waited).state, scene.now < 6.0) == ("waiting", True)


# failures


def test_a_failure_counts_once_it_was_seen_for_a_while(scene: Scene) -> None:
    scene.deployment(NO_POD)()
    scene.memory.put(a_pod(CRASHED).manifest)
    waited = scene.wait(300.0)
    assert (only(waited).state, only(waited).reason) == ("failed", "RolloutFailed")
    assert 11.0 <= scene.now < 17.0


def test_a_failure_that_passes_is_none(scene: Scene) -> None:
    scene.deployment(NO_POD)()
    scene.memory.put(a_pod(CRASHED).manifest)
    scene.at[6.0] = scene.deployment(UP)
    assert only(scene.wait()).state == "ready"


def test_each_failure_has_a_while_of_its_own(scene: Scene) -> None:
    """A pod that fitted nowhere for a minute may then meet a registry that hiccups."""
    scene.deployment(NO_POD)()
    scene.memory.put(a_pod(conditions=(UNSCHEDULABLE,)).manifest)
    pulling = a_pod({"name": "app", **waiting("ErrImagePull", "hiccup")}).manifest
    scene.at[20.0] = lambda: scene.memory.put(pulling)
    scene.at[27.0] = scene.deployment(UP)
    assert only(scene.wait()).state == "ready"


def test_a_probe_that_hangs_does_not_take_the_time_of_the_others(scene: Scene) -> None:
    scene.deployment(UP)()
    scene.answers = ["no answer in time", ""]
    scene.wait(300.0, probed=True)
    assert scene.given == [LONGEST_PROBE, LONGEST_PROBE]


def test_one_that_was_deleted_is_waited_for_no_longer(scene: Scene) -> None:
    scene.at[3.0] = lambda: scene.memory.forget(key("PreviewEnvironment"))
    why = "it was deleted while this run waited"
    assert only(scene.wait()) == Standing("shop", "pr-1", "failed", "Gone", why)
    assert scene.now < 6.0


# a look that does not work


@pytest.mark.parametrize("error", [ServerTrouble("500"), Forbidden("403"), Unauthorized("401")])
@pytest.mark.parametrize("plural", ["previewenvironments", "deployments"])
def test_a_missing_list_is_reported_and_the_next_may_come(
    scene: Scene, plural: str, error: ServerTrouble
) -> None:
    scene.memory.trouble(f"list {plural}", error, error)
    scene.at[0.0] = scene.deployment(UP)
    waited = scene.wait()
    assert (only(waited).state, waited.notes, scene.looks()) == ("ready", (), 3)
    assert [trouble for _, trouble in scene.told] == ["", str(error), str(error), ""]


def test_a_last_look_that_did_not_work_is_a_note(scene: Scene) -> None:
    scene.memory.trouble("list deployments", *[ServerTrouble("500")] * 99)
    waited = scene.wait(10.0)
    assert waited.notes == ("the last read failed: 500",)
    assert only(waited).state == "waiting"


# the probe


def test_ready_is_not_enough_until_it_answers(scene: Scene) -> None:
    scene.deployment(UP)()
    scene.answers = ["does not resolve", "answers 503", ""]
    waited = scene.wait(probed=True)
    assert scene.asked == [(URL,)] * 3
    assert (only(waited).state, only(waited).reason) == ("ready", "Available")
    assert waited.statuses["shop/pr-1"].ready


def test_what_the_probe_missed_is_shown_at_the_end(scene: Scene) -> None:
    scene.deployment(UP)()
    scene.answers = ["answers 503"] * 99
    waited = scene.wait(10.0, probed=True)
    assert only(waited) == Standing("shop", "pr-1", "waiting", "ProbeFailed", "probe: answers 503", URL)


def test_what_is_not_ready_is_not_probed(scene: Scene) -> None:
    assert (only(scene.wait(5.0, probed=True)).state, scene.asked) == ("waiting", [])


# in a run


class Listener:
    """A `Watcher` that keeps what it is told."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    def wait(self, standings: Sequence[Standing], trouble: str) -> None:
        self.heard.append(" ".join(f"{one.name} {one.state}" for one in standings))

    def waited(self) -> None:
        self.heard.append("over")

    def log(self, standing: Standing, head: str, lines: list[str]) -> None:
        self.heard += [f"{standing.place}: {head}", *lines]


def waits(
    memory: Memory, *, seconds: float = 1.0, agrees: bool = True, logs: bool = False
) -> tuple[Run, list[str]]:
    request = Request(
        make_scope(None, (), None), Settings(), concurrency=1, wait=WaitRequest(seconds, logs=logs)
    )
    listener = Listener()
    done = run(memory, request, show_plan=lambda plan: None, agree=lambda plan: agrees, progress=listener)
    return done, listener.heard


def test_a_write_that_failed_ends_it_at_once() -> None:
    memory = a_cluster()
    memory.trouble("apply Service shop/pr-1", Rejected("no such port"))
    done, heard = waits(memory, seconds=60.0)
    (standing,) = done.waited
    assert (standing.state, standing.reason, standing.message) == ("failed", "ApplyFailed", "no such port")
    assert heard == ["pr-1 failed", "over"]


def test_where_the_answer_was_no_nothing_is_waited_for() -> None:
    done, heard = waits(a_cluster(), agrees=False)
    assert (done.waited, heard) == ((), [])


def test_the_last_lines_of_what_crashed_are_those_before_it_was_started_again() -> None:
    memory = a_cluster()
    go(memory)
    there = memory.objects[key("Deployment")]
    memory.put({**there, "status": NO_POD})
    pod = a_pod(CRASHED)
    memory.put(pod.manifest)
    memory.written[f"shop/{pod.key.name} app"] = "one\ntwo\n"
    _, heard = waits(memory, logs=True)
    assert heard[2:] == [
        f"shop/pr-1: the last lines of container app of pod {pod.key.name}, before it was started again:",
        "one",
        "two",
    ]
