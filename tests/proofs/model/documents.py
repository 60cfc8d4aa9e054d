"""Runs with different documents, as an old and a new pod of the CronJob: their worlds, and what has to hold."""

from collections.abc import Callable, Iterator, Mapping

from reconcile.kube.live import Live
from reconcile.kube.objects import Key, Manifest
from reconcile.model.kinds_record import kinds_in
from reconcile.model.names import PRUNE_DISABLED
from tests.proofs.model.apiserver import CLAIM, CONFIG_MAP, FURTHER, NAMES, Effect, Model
from tests.proofs.model.interleavings import Alone, Judging
from tests.proofs.model.oracle import children, content, differences, is_ours
from tests.proofs.model.sessions import Session
from tests.proofs.model.worlds import NEWER, Settled, World, a_preview, call, host, preview_key
from tests.templates import further

PORTS = "spec: {ports: [{port: 1}]}"
BOTH = further("v1", "ConfigMap", "-both", "data: {a: '${preview.spec.image}'}")
CONFIG = further("v1", "ConfigMap", "-config", "data: {a: b}")
STORE = further(
    "v1", CLAIM.kind, "-store", "spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}"
)
LEAN = further("v1", "ConfigMap", "-lean", "data: {a: b}", when="lean")
SERVICE, DATABASE = further("v1", "Service", "-redis", PORTS), further("v1", "Service", "-db", PORTS)
WITHOUT = further("v1", "Service", "-x", PORTS, when="nobody")
"""Documents of which nothing is made."""

FURTHER_KINDS = frozenset(resource.kind for resource in FURTHER)


# small worlds: the documents of the first call and those of the second, which stay


def nothing_yet(settled: Settled) -> World:
    """Both make children of a kind that nobody has remembered yet."""
    before = settled(Model().apply(a_preview("pr-1")), call(documents=WITHOUT))
    return World(before, (call(documents=CONFIG), call(documents=BOTH)))


def replaced(settled: Settled) -> World:
    """What the old ones have made, a claim too, is no more in the new ones."""
    old, new = call(documents=BOTH + STORE + SERVICE), call(documents=BOTH + DATABASE)
    return World(settled(Model().apply(a_preview("pr-1")), old), (old, new))


def changed(settled: Settled) -> World:
    """The same child, which says something else; what the old run would make again is gone."""
    old, new = call(documents=CONFIG), call(documents=CONFIG.replace("a: b", "a: c"))
    return World(_without_configs(settled(Model().apply(a_preview("pr-1")), old)), (old, new))


def given_up(settled: Settled) -> World:
    """The new ones have none; the old run comes when what it makes was just deleted, and not forgotten yet."""
    old, new = call(documents=CONFIG), call(documents=WITHOUT)
    return World(_without_configs(settled(Model().apply(a_preview("pr-1")), old)), (old, new))


def _without_configs(state: Model) -> Model:
    for key in [key for key in state.objects if key.kind == CONFIG_MAP.kind]:
        state = state.delete(key)
    return state


def gone(settled: Settled) -> World:
    """A preview is gone, and another one, which no document is for, stays."""
    old, new = call(documents=LEAN), call(documents=LEAN.replace("-lean", "-new"))
    before = settled(Model().apply(a_preview("pr-1", labels={"lean": "yes"})).apply(a_preview("pr-2")), old)
    return World(before.delete(preview_key("pr-1")), (old, new))


SMALL: Mapping[str, Callable[[Settled], World]] = {
    found.__name__: found for found in (nothing_yet, replaced, changed, given_up, gone)
}


def large(settled: Settled) -> World:
    """Nine previews, of which each meets something else."""
    old = call(documents=BOTH + CONFIG + STORE + LEAN + SERVICE)
    new = call(documents=BOTH.replace("{a:", "{b:") + LEAN + DATABASE + STORE.replace("-store", "-data"))
    lean = {"lean": "yes"}
    state = Model()
    for name in ("same", "edited", "gone", "again", "left", "right"):
        state = state.apply(a_preview(name))
    state = settled(state.apply(a_preview("lean", labels=lean)).apply(a_preview("fat")), old)
    state = state.delete(preview_key("gone")).delete(preview_key("again")).apply(a_preview("again"))
    state = state.apply(a_preview("edited", image=NEWER)).apply(a_preview("new", labels=lean))
    state = state.apply(a_preview("lean")).apply(a_preview("fat", labels=lean))
    state = state.apply(a_preview("left", fqdn=host("right"))).apply(a_preview("right", fqdn=host("left")))
    protected = {NAMES.prune_annotation: PRUNE_DISABLED}
    return World(state.apply(a_preview("same", annotations=protected)), (old, new))


def made(settled: Settled) -> World:
    """A new preview, of which the old ones make four children more; the new ones make none, and run later."""
    return World(
        Model().apply(a_preview("pr-1")),
        (call(documents=BOTH + CONFIG + STORE + SERVICE), call(documents=WITHOUT)),
    )


# what has to hold


class Judge(Judging):
    """What has to hold on the way, and of what a run of the second call makes of the end of both."""

    def __post_init__(self) -> None:
        super().__post_init__()
        one, other = ((self.alone.run(self.world.state, request)[0]) for request in self.world.calls)
        self.both = children(one).keys() & children(other).keys()
        self.new = self.world.calls[-1]
        self.reference = self.alone.settled(self.world.state, self.new)

    def of_a_step(self, effect: Effect, state: Model) -> Iterator[str]:
        key, before, after = effect
        if key.kind == NAMES.previews.kind:
            return
        if before is not None and not is_ours(before):
            yield f"{key} is somebody else's, and was written"
        if after is None and key in self.both:
            yield f"{key} was deleted, though both want it"
        if after is None and key.kind == CLAIM.kind and _has_its_preview(before, state):
            yield f"{key} was deleted, and has data"

    def of_later_runs(self, state: Model) -> Iterator[str]:
        """What is wrong after one run of the second call, and after those that forget what is gone."""
        after, _, code = self.alone.run(state, self.new)
        if code not in self.world.codes:
            yield f"the next run ended with {code}"
        yield from differences(_wanted(self.reference), _wanted(after))
        for key in children(after).keys() - children(self.reference).keys():
            if key.kind != CLAIM.kind:
                yield f"{key} is left"
        end = self.alone.settled(after, self.new)
        if children(end) != children(after):
            yield "the run after the next still had to write"
        yield from _of_the_memory(end)


def _wanted(state: Model) -> dict[Key, object]:
    """The children but for claims, which stay where they were made."""
    return {key: content(found) for key, found in children(state).items() if key.kind != CLAIM.kind}


def _has_its_preview(child: Manifest | None, state: Model) -> bool:
    assert child is not None
    namespace, _, name = NAMES.place_of(Live(child)).partition("/")
    return preview_key(name, namespace) in state.objects


def _of_the_memory(state: Model) -> Iterator[str]:
    """The kinds of which there is a child are remembered, and no others."""
    for key, preview in state.objects.items():
        if key.kind != NAMES.previews.kind:
            continue
        mine = [child for child, found in children(state).items() if NAMES.place_of(Live(found)) == key.place]
        there = {f"v1/{child.kind}" for child in mine if child.kind in FURTHER_KINDS}
        if kinds_in(preview["status"]) != there:
            yield f"{key.place} remembers {sorted(kinds_in(preview['status']))}, and there are {sorted(there)}"


def killed(world: World, alone: Alone) -> Iterator[Model]:
    """The states that a run of the first call leaves when it is killed after any of its writes."""
    state, session = world.state, Session(alone.kubeconfig, world.calls[0])
    while session.asked is not None:
        state, answer, effect = state.answer(session.asked)
        if effect:
            yield state
        session.answer(answer)
