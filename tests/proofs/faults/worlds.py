"""The places where a run finds something to do: small, real, and put back as they were before each case."""

import base64
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from unittest.mock import patch
from uuid import uuid4

import httpx2

from reconcile.desire.children import RESOURCES
from reconcile.kube.objects import EVENTS_V1, Resource
from reconcile.model.crd import crd
from reconcile.model.names import PLURAL, Names
from tests.controlplane import ControlPlane, install_crds, service_account
from tests.controlplane.install import CRDS
from tests.e2e.further import BUDGET, CLAIM, CONFIG, STATEFUL_SET, with_kinds
from tests.e2e.granted import allow_runs
from tests.e2e.story import Result, Story
from tests.proofs.faults.etcd import Etcd, Kept
from tests.proofs.faults.judgement import State, deletes, state_of
from tests.proofs.faults.line import Line, on
from tests.proofs.faults.quiet import quiet_plane

WEB_2 = "registry.example.com/web:2"
BYSTANDER = "bystander"
LONG_AGO = "2026-01-01T00:00:00Z"
# In what order the API server's own folders of etcd are called is nobody's business but etcd's.
FOLDERS = {"Service": "services/specs", "Ingress": "ingress"}


@dataclass(frozen=True)
class Setting:
    """What a world is made of: how it comes about, and what the command is then called with.

    `route` is the kind that runs are told to make; `make` begins where nothing is, and its own runs may say
    another one. `deletes` says how many children a run has to delete here, so that no case is about nothing.
    `kinds` are those of further children.
    """

    name: str
    make: Callable[[Story], None]
    route: str = "Mapping"
    told_route: bool = True
    arguments: tuple[str, ...] = ()
    everywhere: bool = True
    deletes: int = 0
    kinds: tuple[Resource, ...] = ()


@dataclass(frozen=True)
class World:
    """A setting that has come about, and its reference run: the one that meets no fault.

    `before` is the state that every case begins with, `after` the one that the reference run ends with.
    """

    story: Story
    setting: Setting
    etcd: Etcd
    kept: Kept
    before: State
    after: State
    reference: Line
    code: int

    def restore(self) -> None:
        self.etcd.restore(self.kept)

    def state(self) -> State:
        return state_of(self.story)

    def run(self, line: Line) -> Result:
        return run(self.story, self.setting, line)


def run(story: Story, setting: Setting, line: Line) -> Result:
    """The command as this setting calls it, in this process, over a line."""
    with on(line):
        return story.attempt(*setting.arguments, route=setting.told_route, everywhere=setting.everywhere)


@contextmanager
def a_story(plane: ControlPlane) -> Iterator[Story]:
    """A namespace, a user with the command's rights, and an API group that nobody else has."""
    name = f"faults-{uuid4().hex[:8]}"
    group = f"{name}.example.com"
    plane.ask("POST", "/api/v1/namespaces", {"metadata": {"name": name}})
    install_crds(plane, [crd(group)])
    account = service_account(plane, name, "runner")
    allow_runs(plane, account.user, group)
    story = Story(plane, name, account, group=group)
    try:
        yield story
    finally:
        for kind in RESOURCES:  # routes of everybody are listed
            plane.ask("DELETE", story.path_of(kind), {"propagationPolicy": "Background"})
        plane.ask("DELETE", f"{CRDS}/{PLURAL}.{group}")


@contextmanager
def a_world(plane: ControlPlane, setting: Setting) -> Iterator[World]:
    """The setting in a story of its own, with its reference run, after which nothing is left to do."""
    with a_story(plane) as story, httpx2.Client(base_url=etcd_of(plane), trust_env=False) as client:
        story = replace(with_kinds(story, *setting.kinds) if setting.kinds else story, route=setting.route)
        setting.make(story)
        etcd = Etcd(client, tuple(prefixes(story)))
        events = f"/registry/events/{story.namespace}/"
        kept = aged({key: v for key, v in etcd.keep().items() if not _key(key).startswith(events)}, story)
        etcd.restore(kept)
        before, reference = state_of(story), Line()
        result = run(story, setting, reference)
        after = state_of(story)
        check_is_an_end(story, setting, result, after)
        assert len(deletes(reference.trace)) == setting.deletes, (setting.name, deletes(reference.trace))
        yield World(story, setting, etcd, kept, before, after, reference, result.code)


Worlds = Callable[[str], World]
"""The world of a setting's name, made when it is first asked for."""


@contextmanager
def worlds(settings: Mapping[str, Setting]) -> Iterator[Worlds]:
    """The worlds of these settings; and while they last, no run waits between two tries of a write."""
    plane = quiet_plane()
    made: dict[str, World] = {}
    with ExitStack() as stack:
        stack.callback(plane.close)
        stack.enter_context(patch("reconcile.execute.write.PAUSE", 0.0))

        def find(name: str) -> World:
            if name not in made:
                made[name] = stack.enter_context(a_world(plane, settings[name]))
            return made[name]

        yield find


def check_is_an_end(story: Story, setting: Setting, result: Result, after: State) -> None:
    """Another run does nothing: only then is the state one that a run can be asked to reach."""
    assert result.code == 0, f"{setting.name}: exit {result.code}\n{result.stdout}\n{result.stderr}"
    again = Line()
    second = run(story, setting, again)
    assert (second.code, again.writes) == (0, []), f"{second.stdout}\n{[str(p.place) for p in again.writes]}"
    assert state_of(story) == after


def etcd_of(plane: ControlPlane) -> str:
    """The URL of the control plane's etcd."""
    return (plane.folder / "etcd-server").read_text().strip()


def prefixes(story: Story) -> Iterator[str]:
    """Where etcd keeps what a namespace has of previews, of their children and of Events."""
    for kind, resource in story.kinds.items():
        custom = f"{resource.group}/" if "." in resource.group and not _built_in(resource.group) else ""
        yield f"/registry/{custom}{FOLDERS.get(kind, resource.plural)}/{story.namespace}/"
    yield f"/registry/{story.group}/{PLURAL}/{story.namespace}/"
    yield f"/registry/{EVENTS_V1.plural}/{story.namespace}/"


def _built_in(group: str) -> bool:
    return group in ("apps", "batch", "networking.k8s.io")


def _key(key: str) -> str:
    return base64.b64decode(key).decode()


def aged(kept: Kept, story: Story) -> Kept:
    """The same, but the previews that are called `old-…` were made long ago, and count their ttl from then.

    Custom resources lie in etcd as JSON, so that is a matter of some times for others.
    """

    def value_of(key: str, value: str) -> str:
        if f"/{PLURAL}/{story.namespace}/old-" not in _key(key):
            return value
        text = base64.b64decode(value).decode()
        text, count = re.subn(r'("(?:ttlCountsFrom|creationTimestamp)":)"[^"]+"', rf'\1"{LONG_AGO}"', text)
        assert count == 2, text
        return base64.b64encode(text.encode()).decode()

    return {key: value_of(key, value) for key, value in kept.items()}


# what the settings are


def _begun(story: Story, *names: str, **spec: Any) -> None:
    """Previews whose children are there."""
    for name in (*names, BYSTANDER):
        story.apply(name, replicas=0, **spec)
    story.reconcile(everywhere=True)
    story.reconcile(everywhere=True)  # a status says of what the first has made that nothing is available


def _new(story: Story) -> None:
    """Two previews without children, one of them with a setup Job."""
    _begun(story)
    story.apply("pr-1", setup={"command": ["migrate"]})
    story.apply("pr-2", replicas=2, env=[{"name": "A", "value": "1"}], healthPath="/healthz")


def _drifted(story: Story) -> None:
    """Another image, hand-edited children, a child taken away, and a preview that was made again."""
    _begun(story, "pr-1", "pr-2", "pr-3", env=[{"name": "A", "value": "1"}])
    story.apply("pr-1", image=WEB_2, replicas=0, fqdn=story.host("moved"))
    story.edit("Service", lambda service: service["spec"]["ports"][0].update(port=8080), "pr-2")
    story.edit("Mapping", lambda mapping: mapping["spec"].update(prefix="/elsewhere/"), "pr-2")
    story.delete("Deployment", "pr-2")
    story.orphan("pr-3")
    story.apply("pr-3", replicas=0)


def _gone(story: Story) -> None:
    """Two previews that are gone, of one of which a child is protected, and one that is going."""
    _begun(story, "pr-1", "pr-2", "pr-3", setup={"command": ["migrate"]})
    protect = {"metadata": {"annotations": {Names(story.group).prune_annotation: "disabled"}}}
    story.patch("Service", protect, "pr-2")
    for name in ("pr-1", "pr-2"):
        _orphan_all(story, name)
    story.apply("pr-3", replicas=0, finalizers=["example.com/hold"], setup={"command": ["migrate"]})
    story.delete("PreviewEnvironment", "pr-3")


def _orphan_all(story: Story, name: str) -> None:
    """Delete a preview so that all its children stay, setup Job included."""
    for item in story.ask("GET", story.path_of("Job"))["items"]:
        if item["metadata"]["labels"][Names(story.group).preview_label] == name:
            story.patch("Job", {"metadata": {"ownerReferences": None}}, item["metadata"]["name"])
    story.orphan(name)


def _switching(story: Story) -> None:
    """Routes of one kind where another is asked for; the hostname of one has changed as well."""
    story = replace(story, route="Mapping")
    _begun(story, "pr-1", "pr-2")
    story.apply("pr-2", replicas=0, fqdn=story.host("moved"))


def _handing_over(story: Story) -> None:
    """A hostname that one preview gives up and another asks for: two passes."""
    _begun(story, "pr-1", "pr-2")
    first = story.host("pr-1")
    story.apply("pr-1", replicas=0, fqdn=story.host("moved"))
    story.apply("pr-2", replicas=0, fqdn=first)


def _expiring(story: Story) -> None:
    """A preview whose ttl is over, and one whose spec was changed in time."""
    _begun(story, "old-1", "old-2", ttl="1h")
    story.apply("old-2", replicas=0, ttl="1h", revision="abc123")


def _mixed(story: Story) -> None:
    """One of each, in a run that may ask nothing outside its namespace."""
    _begun(story, "pr-1", "pr-2")
    story.orphan("pr-1")
    story.apply("pr-2", image=WEB_2, replicas=0)
    story.apply("pr-3", replicas=0)


DOCUMENTS = Path(__file__).parent / "documents"


def _documents(story: Story) -> None:
    """Documents that were edited, a further child that somebody edited, and a preview that is gone."""
    for name in ("pr-1", "pr-2", "pr-3", BYSTANDER):
        story.apply(name, replicas=0)
    for _ in range(2):
        story.reconcile("--templates", str(DOCUMENTS / "before"), everywhere=True)
    story.edit("PodDisruptionBudget", lambda budget: budget["spec"].update(maxUnavailable=2), "pr-2-budget")
    story.delete("ConfigMap", "pr-2-config")
    story.orphan("pr-3")


def _forgetting(story: Story) -> None:
    """What documents made is gone, but for claims, and its kinds are remembered yet."""
    for name in ("pr-1", BYSTANDER):
        story.apply(name, replicas=0)
    for _ in range(2):
        story.reconcile("--templates", str(DOCUMENTS / "claims"), everywhere=True)
    story.reconcile("--templates", "none", everywhere=True)


SETTINGS: Mapping[str, Setting] = {
    setting.name: setting
    for setting in (
        Setting("new", _new),
        Setting("drifted", _drifted),
        Setting("gone", _gone, deletes=7),
        Setting("switching", _switching, route="Ingress", deletes=3),
        Setting("handing over", _handing_over),
        Setting("expiring", _expiring, deletes=3),
        Setting(
            "documents",
            _documents,
            arguments=("--templates", str(DOCUMENTS / "after")),
            deletes=9,
            kinds=(CONFIG, BUDGET, STATEFUL_SET),
        ),
        Setting(
            "forgetting",
            _forgetting,
            arguments=("--templates", "none"),
            kinds=(CONFIG, BUDGET, CLAIM),
        ),
        Setting(
            "mixed, one namespace only",
            _mixed,
            arguments=("--namespace-only", "--allow-fqdn", "*.*.example.com"),
            everywhere=False,
            deletes=3,
        ),
    )
}
