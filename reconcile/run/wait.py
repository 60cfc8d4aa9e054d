"""Look again and again until every preview is ready, or cannot become so, or the time is over.

A look is one list for each kind that has something to tell, the pods among them where some come up; what it
finds is written into the statuses as after any run. The time is elapsed time, by a clock of our own.
"""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from reconcile.cluster.context import Context
from reconcile.cluster.pool import Stop, pause
from reconcile.errors import ReconcileError, Stopped
from reconcile.kube.live import Live
from reconcile.kube.objects import Manifest, Resource, key_of
from reconcile.kube.rawjson import decoded_whole
from reconcile.model.preview import parse_preview
from reconcile.model.room import Room
from reconcile.model.snapshot import Preview
from reconcile.model.status import Status
from reconcile.plan.rules import Rules
from reconcile.run.refresh import Look, kinds_to_look_at, over, refreshed
from reconcile.run.standing import patience, standing
from reconcile.status.facts import Facts
from reconcile.status.publish import Published, publish
from reconcile.status.result import GONE, PROBE_FAILED, Standing

FIRST_PAUSE = 1.0
LONGEST_PAUSE = 5.0
GROWTH = 1.25
"""Pods that start in seconds are seen in seconds, and five minutes cost about 65 looks. A pause is also never
shorter than the look before it, so that a large cluster is idle half of the time."""

LAST_LOOK = 1.0
"""Seconds before the end at which the last look begins; more where a look takes longer."""

LONGEST_PROBE = 10.0
"""Seconds of a look for all links together: one that hangs must not keep the others from being looked at."""

OPTION = "--wait-timeout"


Show = Callable[[Sequence[Standing], str], None]
"""Told after each look: how all stand, and why the look did not work, or ""."""

Probe = Callable[[Sequence[str], float], Mapping[str, str]]
"""Asks for URLs, in at most so many seconds; what is wrong with each, "" where it answers."""


@dataclass(frozen=True)
class Pace:
    """Time, so that tests need none."""

    clock: Callable[[], float] = time.monotonic
    pause: Callable[[float, Stop], None] = pause


PACE = Pace()


@dataclass(frozen=True)
class Waited(Published):
    """What the looks found last, and how the previews stood at the end, sorted."""

    standings: tuple[Standing, ...] = ()


def wait_for(
    context: Context,
    facts: Iterable[Facts],
    first: Published,
    seconds: float,
    *,
    rules: Rules,
    resources: Mapping[str, Resource],
    show: Show,
    probe: Probe | None = None,
    pace: Pace = PACE,
) -> Waited:
    """Wait at most so many seconds; `first` is what was found when the wait began, `resources` what each
    kind is served as. Raises nothing that a look meets: it is told, and the next look may do better."""
    pending = {one.desired.place: one for one in facts}
    wait = _Wait(context, rules, resources, show, probe, pace, pending, pace.clock() + seconds, first.notes)
    context.restart_clock(seconds, OPTION)
    wait.found(first)
    length, took = FIRST_PAUSE, 0.0
    while wait.pending and not context.stop.asked:
        nap = min(length, wait.left - max(LAST_LOOK, 2 * took))
        if nap <= 0:
            break
        pace.pause(nap, context.stop)
        began = wait.left
        wait.look()
        took = began - wait.left
        length = max(took, min(LONGEST_PAUSE, length * GROWTH))
    standings = sorted(wait.standings.values(), key=lambda one: (one.namespace, one.name))
    return Waited(wait.statuses, wait.notes, wait.pods, wait.unsent, tuple(standings))


@dataclass
class _Wait:
    """The wait under way: `pending` are the facts of those that have not settled."""

    context: Context
    rules: Rules
    resources: Mapping[str, Resource]
    show: Show
    probe: Probe | None
    pace: Pace
    pending: dict[str, Facts]
    end: float
    notes: tuple[str, ...] = ()
    standings: dict[str, Standing] = field(default_factory=dict)
    statuses: dict[str, Status] = field(default_factory=dict)
    pods: dict[str, tuple[Live, ...]] = field(default_factory=dict)
    failing_since: dict[tuple[str, str, str], float] = field(default_factory=dict)
    unsent: tuple[str, ...] = ()

    @property
    def left(self) -> float:
        return self.end - self.pace.clock()

    def look(self) -> None:
        """One list for each kind, then the statuses; a list that does not come leaves all as it was."""
        try:
            looks = self._lists()
        except Stopped:
            return
        except ReconcileError as error:
            self.notes = (f"the last read failed: {error}",)
            self.show(self._sorted(), str(error))
            return
        for place, look in looks.items():
            if why := over(self.pending[place], look.preview):
                self._is_over(place, why)
            else:
                settings = self.context.settings
                self.pending[place] = refreshed(self.pending[place], look, self.rules, settings)
        self.found(publish(self.context, self.pending.values()))

    def found(self, published: Published) -> None:
        """What a look found decides who is waited for any longer."""
        self.notes = published.notes
        self.unsent = self.unsent or published.unsent
        self.statuses |= published.statuses
        stand = {place: standing(f, published.statuses.get(place)) for place, f in self.pending.items()}
        self.pods |= {place: pods for place, pods in published.pods.items() if place in stand}
        self.standings |= self._patient(self._probed(stand))
        for place in stand:
            if self.standings[place].state != "waiting":
                del self.pending[place]
        self.show(self._sorted(), "")

    def _patient(self, stand: Mapping[str, Standing]) -> dict[str, Standing]:
        """A failure that may pass is none before it has been seen for a while."""
        now = self.pace.clock()
        found = dict(stand)
        for place, one in stand.items():
            if one.state != "failed":
                continue
            what = (place, one.reason, one.message.partition(":")[0])
            since = self.failing_since.setdefault(what, now)
            if now - since < patience(self.pending[place], one):
                found[place] = replace(one, state="waiting")
        return found

    def _probed(self, stand: Mapping[str, Standing]) -> Mapping[str, Standing]:
        probe = self.probe
        ready = {place: one for place, one in stand.items() if one.state == "ready"}
        if probe is None or not ready:
            return stand
        wrong = probe([one.url for one in ready.values() if one.url], min(self.left, LONGEST_PROBE))
        return {**stand, **{place: _with_probe(one, wrong) for place, one in ready.items()}}

    def _is_over(self, place: str, why: str) -> None:
        facts = self.pending.pop(place)
        preview = facts.desired.preview
        self.standings[place] = Standing(preview.namespace, preview.name, "failed", GONE, why)

    def _sorted(self) -> tuple[Standing, ...]:
        return tuple(self.standings[place] for place in sorted(self.standings))

    def _lists(self) -> Mapping[str, Look]:
        """What there is now of each preview that is waited for. Raises what a list raises."""
        kinds = sorted({kind for one in self.pending.values() for kind in kinds_to_look_at(one)})
        resources = [self.context.names.previews, *(self.resources[kind] for kind in kinds)]
        room = Room(self.context.names)
        found = [
            one for items in self.context.read_all(partial(self._listed, room), resources) for one in items
        ]
        children = {live.key: live for live in found if isinstance(live, Live)}
        there = {one.key.place: one for one in found if one is not None and not isinstance(one, Live)}
        return {place: Look(there.get(place), children, frozenset(kinds)) for place in self.pending}

    def _listed(self, room: Room, resource: Resource) -> tuple[Live | Preview | None, ...]:
        cluster, namespace, names = self.context.cluster, self.context.namespace, self.context.names
        if resource == names.previews:
            return cluster.list(resource, namespace=namespace, read=self._parsed).items
        return cluster.list(resource, namespace=namespace, label=names.preview_label, read=room.live).items

    def _parsed(self, manifest: Manifest) -> Preview | None:
        """A preview that is waited for; None for another one."""
        if key_of(manifest).place not in self.pending:
            return None
        return parse_preview(decoded_whole(manifest), group=self.context.settings.group)


def _with_probe(one: Standing, wrong: Mapping[str, str]) -> Standing:
    why = wrong.get(one.url, "") if one.url else "no route of its own has its hostname"
    return replace(one, state="waiting", reason=PROBE_FAILED, message=f"probe: {why}") if why else one
