"""Whatever previews and operators say, and whatever is done to a child: the diff, held against a real
API server. A double of ours would prove nothing here, since it would share our table of merge keys.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import count
from typing import Any, cast

import pytest
from hypothesis import HealthCheck, Phase, given, seed
from hypothesis import settings as examples
from hypothesis import strategies as st

from reconcile.cluster.kubernetes import KubernetesCluster, connect
from reconcile.desire.children import render
from reconcile.kube.live import Live
from reconcile.kube.managedfields import field_set_of
from reconcile.kube.objects import Manifest
from reconcile.model.names import Names
from reconcile.model.preview import PreviewEnvironment, parse_preview
from reconcile.model.scope import make_scope
from reconcile.model.settings import RouteOption, Settings
from reconcile.plan.changes import Keep, Plan, Update
from reconcile.run.request import Request
from reconcile.run.run import run
from reconcile.status.result import Run
from tests.e2e import specs
from tests.e2e.mutations import Mutation, mutations, undone
from tests.e2e.story import ROUTES, Story, container
from tests.whole import WHOLE

NAMES = Names()
TURNS = count()
EXAMPLES = 17 if WHOLE else 2
"""For each of the three routes; `PROOF=whole` is `make walks`."""


def against_the_server(route: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """The same examples in every run, others for each route; without a time limit, and without a search
    for simpler ones, since a server is behind it."""
    rules = examples(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )
    return lambda hold: seed(route)(rules(hold))


@dataclass(frozen=True)
class Stage:
    """A namespace in which no pod starts, and a cluster to run in it, as somebody who may do everything."""

    story: Story
    cluster: KubernetesCluster

    def write(self, name: str, spec: dict[str, Any]) -> None:
        """A preview as its author writes it: not as an apply, whose YAML has no room for some characters."""
        preview = self.story.preview(name, **spec)
        if self.story.there("PreviewEnvironment", name):
            replacement = [{"op": "replace", "path": "/spec", "value": preview["spec"]}]
            self.story.patch("PreviewEnvironment", replacement, name, by="author")
        else:
            self.story.create(preview, by="author")

    def run(self, operator: Settings, *names: str, dry: bool = False) -> Run:
        scope = make_scope(self.story.namespace, names, None, namespace_only=True)
        own = replace(operator, allow_fqdn=(f"*.{self.story.namespace}.example.com",))
        request = Request(scope=scope, settings=own, dry_run=dry)
        return run(self.cluster, request, show_plan=lambda plan: None, agree=lambda plan: True)

    def plan(self, operator: Settings, *names: str) -> Plan:
        """What the next run would do."""
        return self.run(operator, *names, dry=True).plan

    def carried_out(self, operator: Settings, *names: str) -> None:
        """A run that does all that it plans, and leaves nothing to say for the next one."""
        done = self.run(operator, *names)
        assert [(str(o.change.key), o.result, o.message) for o in done.outcomes if o.result != "done"] == []
        after = [(type(change), change.message) for change in self.plan(operator, *names).changes]
        assert after == [(Keep, "")] * 3 * len(names)

    def owned_as_foreseen(self, operator: Settings, name: str) -> None:
        """What the server says that we own is what we say that the manifests would own."""
        for manifest in self.wanted(operator, name):
            live = Live(self.story.live(manifest["kind"], name))
            assert live.applied_by(NAMES.field_manager) == field_set_of(manifest)

    def mutate(self, name: str, mutation: Mutation, *, edited_back: bool = False) -> None:
        before = self.story.live(mutation.kind, name)
        self.story.patch(mutation.kind, mutation.patch(before), name)
        if edited_back:
            self.story.patch(mutation.kind, undone(before), name)

    def wanted(self, operator: Settings, name: str) -> tuple[Manifest, ...]:
        preview = parse_preview(self.story.live("PreviewEnvironment", name), group=NAMES.group)
        assert isinstance(preview, PreviewEnvironment)
        return render(preview, operator)

    def clear(self, operator: Settings, name: str) -> None:
        for manifest in self.wanted(operator, name):
            self.story.delete(manifest["kind"], name)
        self.story.delete("PreviewEnvironment", name)


@pytest.fixture
def stage(story: Story) -> Iterator[Stage]:
    story.allow_no_pods()
    cluster = connect(
        str(story.plane.kubeconfig), None, deadline_seconds=None, concurrency=8, user_agent="tests"
    )
    yield Stage(story, cluster)
    cluster.close()


def operators(route: str) -> st.SearchStrategy[Settings]:
    return specs.settings.map(lambda found: replace(found, route=cast(RouteOption, route.lower())))


@pytest.mark.parametrize("route", ROUTES)
def test_what_is_desired_and_applied_differs_in_nothing(stage: Stage, route: str) -> None:
    @against_the_server(route)
    @given(specs.specs, specs.specs, operators(route), operators(route))
    def hold(spec: dict[str, Any], next_spec: dict[str, Any], operator: Settings, later: Settings) -> None:
        name = f"pr-{next(TURNS)}"
        for said, decided in ((spec, operator), (next_spec, later)):
            stage.write(name, said)
            stage.carried_out(decided, name)
            stage.owned_as_foreseen(decided, name)
        stage.clear(later, name)

    hold()


def test_characters_that_yaml_has_no_room_for_reach_the_server(stage: Stage) -> None:
    """An apply is read as YAML, which refuses some of them, and makes white space of others."""
    odd = "".join(map(chr, (0, 9, 0x7F, 0x85, 0x9F, 0x2028, 0xD7FF, 0xE000, 0xFEFF, 0xFFFE, 0x10FFFF)))
    stage.write("pr-odd", {"image": "web", "env": [{"name": "A", "value": odd}], "args": [odd]})
    stage.carried_out(Settings(), "pr-odd")
    app = container(stage.story.live("Deployment", "pr-odd"))
    assert (app["env"], app["args"]) == ([{"name": "A", "value": odd}], [odd])


def test_all_that_a_spec_drops_is_named(stage: Stage) -> None:
    operator = Settings(allow_secret=("*",))
    stage.write("pr-1", specs.ALL_FIELDS)
    stage.carried_out(operator, "pr-1")
    stage.write("pr-1", {"image": specs.ALL_FIELDS["image"], "port": 8080})
    (update,) = (change for change in stage.plan(operator, "pr-1").changes if isinstance(change, Update))
    pod, app = "spec.template.spec", "spec.template.spec.containers[app]"
    assert {field.path for field in update.fields if field.after is None} == {
        "spec.replicas",
        "spec.template.metadata.annotations[platform9.com/revision]",
        f"{app}.args",
        f"{app}.command",
        *(f"{app}.env[{name}]" for name in ("A", "CONFIG", "EMPTY", "FIELD", "SECRET")),
        f"{app}.envFrom",
        *(f"{app}.{p}Probe.httpGet.{part}" for p in ("startup", "readiness") for part in ("path", "port")),
        *(f"{app}.resources.{side}.{name}" for side in ("limits", "requests") for name in ("cpu", "memory")),
        f"{pod}.imagePullSecrets[a]",
        f"{pod}.imagePullSecrets[b]",
    }
    stage.carried_out(operator, "pr-1")


@pytest.mark.parametrize("route", ROUTES)
def test_a_single_mutation_is_found_named_and_corrected(stage: Stage, route: str) -> None:
    @against_the_server(route)
    @given(specs.specs, operators(route), st.data(), st.booleans())
    def hold(spec: dict[str, Any], operator: Settings, data: st.DataObject, edited_back: bool) -> None:
        name = f"pr-{next(TURNS)}"
        stage.write(name, spec)
        stage.carried_out(operator, name)
        manifest = data.draw(st.sampled_from(stage.wanted(operator, name)))
        mutation = data.draw(st.sampled_from(mutations(manifest)))
        stage.mutate(name, mutation, edited_back=edited_back)
        seen = mutation.leaves_a_trace(manifest) or not edited_back
        expected = {(name, mutation.kind): {mutation.top}} if seen else {}
        assert named(stage.plan(operator, name), {name: mutation}) == expected
        stage.carried_out(operator, name)
        stage.owned_as_foreseen(operator, name)
        stage.clear(operator, name)

    hold()


@pytest.mark.parametrize(
    ("kind", "edited_back"),
    [(kind, back) for kind in ("Deployment", "Service", *ROUTES) for back in (False, True)
     if WHOLE or kind == "Deployment"],
)  # fmt: skip
def test_every_mutation_of_a_preview_with_all_fields_is_found_named_and_corrected(
    stage: Stage, kind: str, edited_back: bool
) -> None:
    """One preview for each of them, all in one run."""
    operator = replace(
        specs.ALL_SETTINGS, route=cast(RouteOption, kind.lower() if kind in ROUTES else "mapping")
    )
    mutated: dict[str, Mutation] = {}
    expected: dict[tuple[str, str], set[str]] = {}
    for turn in count():
        stage.write(f"pr-{turn}", specs.ALL_FIELDS)
        (manifest,) = (m for m in stage.wanted(operator, f"pr-{turn}") if m["kind"] == kind)
        if turn >= len(found := mutations(manifest)[:: 1 if WHOLE else 9 if edited_back else 6]):
            break
        mutated[f"pr-{turn}"] = mutation = found[turn]
        if mutation.leaves_a_trace(manifest) or not edited_back:
            expected[f"pr-{turn}", kind] = {mutation.top}
    stage.carried_out(operator, *mutated)
    for name, mutation in mutated.items():
        stage.mutate(name, mutation, edited_back=edited_back)
    assert named(stage.plan(operator, *mutated), mutated) == expected
    stage.carried_out(operator, *mutated)


def named(plan: Plan, mutated: Mapping[str, Mutation]) -> dict[tuple[str, str], set[str]]:
    """The children that the plan has something to say about, by name and kind, with the fields it names:
    those below the one that was mutated count as that one."""
    return {
        (change.key.name, change.key.kind): {
            mutated[change.key.name].covers(field.path) or field.path
            for field in (change.fields if isinstance(change, Update) else ())
        }
        for change in plan.changes
        if not (isinstance(change, Keep) and not change.message)
    }
