"""Previews' statuses to the cluster, where they changed: the last step of a run, and no part of its plan.

What goes wrong here is told in notes, and fails nothing: the children are as they are.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from reconcile.cluster.context import Context
from reconcile.cluster.port import Cluster
from reconcile.errors import (
    Conflict,
    Forbidden,
    NamespaceTerminating,
    NoAnswer,
    NotInstalled,
    ReconcileError,
    Stopped,
    UnknownFields,
    internal_error,
)
from reconcile.kube.health.events import WARNINGS, PodEvent, in_order, pod_event
from reconcile.kube.live import Live
from reconcile.kube.objects import EVENT, POD
from reconcile.kube.time import time_text
from reconcile.model.fingerprint import fingerprint_of
from reconcile.model.names import SETUP_COMPONENT
from reconcile.model.preview import parse_preview
from reconcile.model.room import Room
from reconcile.model.settings import Settings
from reconcile.model.setup_record import FIELD as SETUP
from reconcile.model.snapshot import Preview
from reconcile.model.status import FINGERPRINT, Status, is_marked, is_written, rendered
from reconcile.model.ttl import ttl_of
from reconcile.plan.changes import Outcome
from reconcile.status.events import News, announce, of_outcomes, of_status
from reconcile.status.facts import Facts, by_preview, further_by_preview
from reconcile.status.reason import (
    SETTLES,
    asks_for_events,
    asks_for_pods,
    failed_further,
    status_of,
    waits_for_setup,
)

MOST_NAMESPACES = 8
"""Events of more namespaces than these are asked for in one list of all."""

SETUP_UNRECORDED = (
    "that a setup has run is recorded in the status: without it a setup whose Job is removed runs again"
)

SETTLING = timedelta(minutes=1)
"""For so long nobody has changed the children, before a status is written for a fingerprint alone."""

MOST_MARKED = 250
"""So many statuses a run writes for a fingerprint alone. After an upgrade there is one for each preview, and
two installations with other settings would write them for ever."""

TRIES = 3
"""How often a status is made anew after somebody else changed the preview; the next run comes anyway."""


@dataclass(frozen=True)
class Published:
    """What was found of each preview, by `NAMESPACE/NAME`, and sentences about what could not be written.

    `pods` are those that tell why it is not ready, where they were asked for: of its setup Job until that is
    complete, then of its Deployment. `unsent` says why Events could not be created.
    """

    statuses: Mapping[str, Status] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    pods: Mapping[str, tuple[Live, ...]] = field(default_factory=dict)
    unsent: tuple[str, ...] = ()


@dataclass(frozen=True)
class Written:
    """A status that was written: of which preview, in the place of what it said before."""

    preview: Preview
    status: Mapping[str, Any]


@dataclass(frozen=True)
class Unwritten:
    """A status that was not written; `for_ever` when the others of its namespace cannot be written either:
    there is no right to it, or no such subresource."""

    facts: Facts
    message: str
    for_ever: bool = False


def publish(context: Context, facts: Iterable[Facts], outcomes: Iterable[Outcome] = ()) -> Published:
    """Write the status of every preview of which there is something new to say, and tell of that, and of what
    these writes did to its children, in Events.

    The pods are listed, once, where a Deployment is not available.
    """
    facts = tuple(facts)
    try:
        now = context.cluster.now()
    except NoAnswer as error:
        follows = (SETUP_UNRECORDED,) if any(one.sets_up for one in facts) else ()
        return Published({}, (f"no status was written, and no ttl counted: {error}", *follows))
    found, notes = _look(context, facts, now)
    known = [one for one, _ in found]
    news, marks = _to_write(found, now)
    transitions, unwritten, lacking = _write_all(context, [news, marks], now)
    unsent = announce(context, [*_deeds(known, outcomes, now), *transitions], now)
    statuses = {one.desired.place: status for one, status in found if status is not None}
    at_work = {one.desired.place: _at_work(one) for one in known}
    trouble = (*_notes(_without_marks(unwritten, marks)), *_lacking_notes(lacking, news, context.settings))
    return Published(statuses, (*notes, *trouble), at_work, unsent)


def _to_write(found: Iterable[tuple[Facts, Status | None]], now: datetime) -> tuple[list[Facts], list[Facts]]:
    """Those of whom there is something to tell, and a few that are only to be marked as unchanged."""
    news: list[Facts] = []
    marks: list[Facts] = []
    for one, status in found:
        if status is None:
            continue
        before = one.desired.preview.status
        said = rendered(status, before, now)
        if not is_written(said, before):
            news.append(one)
        elif len(marks) < MOST_MARKED and _is_to_be_marked(one, _marked(one, status, said), now):
            marks.append(one)
    return news, marks


def _without_marks(unwritten: Iterable[Unwritten], marks: Iterable[Facts]) -> list[Unwritten]:
    """Without those that were only to be marked: they are compared again, and nothing is lost."""
    only_marks = set(map(id, marks))
    return [one for one in unwritten if id(one.facts) not in only_marks]


def _look(
    context: Context, facts: Iterable[Facts], now: datetime
) -> tuple[list[tuple[Facts, Status | None]], tuple[str, ...]]:
    """The facts, with their pods and Events where these were asked for, what is found of each, and notes."""
    notes: tuple[str, ...]
    known, notes = list(facts), ()
    if asking := {one.desired.place for one in known if asks_for_pods(one)}:
        pods, notes = _pods(context)
        known = _with_pods(known, pods, context.names.preview_label)
    asked = (one for one in known if one.desired.place in asking and asks_for_events(one))
    if namespaces := {one.desired.preview.namespace for one in asked}:
        events, more = _events(context, namespaces)
        known, notes = _with_events(known, events), (*notes, *more)
    return [(one, _found(one, context.settings, now)) for one in known], notes


def _write_all(
    context: Context, turns: Sequence[list[Facts]], now: datetime
) -> tuple[list[tuple[Preview, News]], list[Unwritten], set[str]]:
    """Each status, until one of its namespace tells that none can be written there. What is new in them; what
    was not written; and the fields that the CRD turned out to lack, without which the others are written."""
    unwritten: list[Unwritten] = []
    transitions: list[tuple[Preview, News]] = []
    lacking: set[str] = set()
    for_ever: set[str] = set()

    def write(one: Facts) -> None:
        if _namespace(one) in for_ever:
            unwritten.append(Unwritten(one, ""))
            return
        match _write(context, one, now, lacking):
            case Unwritten() as trouble:
                unwritten.append(trouble)
                if trouble.for_ever:
                    for_ever.add(_namespace(one))
            case Written(preview=preview, status=status):
                transitions.extend([(preview, news) for news in of_status(preview.status, status)])

    context.write_all(write, turns, namespace_of=_namespace, seed=str(now))
    return transitions, unwritten, lacking


def _namespace(facts: Facts) -> str:
    return facts.desired.preview.namespace


def _with_pods(known: Iterable[Facts], pods: Iterable[Live], label: str) -> list[Facts]:
    """The facts with their pods, where these were asked for."""
    pods = tuple(pods)
    mine, setups = by_preview(pods, label), by_preview(pods, label, SETUP_COMPONENT)
    further = further_by_preview(pods, label)
    return [
        replace(
            one,
            pods=mine.get(one.desired.place, ()),
            setup_pods=setups.get(one.desired.place, ()),
            further_pods=further.get(one.desired.place, ()),
        )
        if asks_for_pods(one)
        else one
        for one in known
    ]


def _with_events(known: Iterable[Facts], events: Iterable[PodEvent]) -> list[Facts]:
    """The facts, each with the events about its own pods and Job."""
    about: dict[str, list[PodEvent]] = {}
    for event in events:
        about.setdefault(event.uid, []).append(event)
    return [
        replace(one, events=tuple(event for uid in _uids(one) for event in about.get(uid, ())))
        for one in known
    ]


def _uids(facts: Facts) -> Iterator[str]:
    yield from (pod.uid for pod in (*facts.pods, *facts.setup_pods, *facts.further_pods))
    yield from (live.uid for live in facts.further)
    if facts.setup is not None:
        yield facts.setup.uid


def _deeds(
    known: Iterable[Facts], outcomes: Iterable[Outcome], now: datetime
) -> Iterator[tuple[Preview, News]]:
    """What was done to the children of each preview; a preview that is gone is told nothing."""
    done: dict[str, list[Outcome]] = {}
    for outcome in outcomes:
        done.setdefault(outcome.change.preview, []).append(outcome)
    for one in known:
        for news in of_outcomes(done.get(one.desired.place, ()), now):
            yield one.desired.preview, news


def _at_work(facts: Facts) -> tuple[Live, ...]:
    """The pods that tell why a preview is not ready: those of its setup Job, until that is complete."""
    if failed := failed_further(facts):
        return facts.pods_of(failed)
    return facts.setup_pods if waits_for_setup(facts) else facts.pods


def _pods(context: Context) -> tuple[tuple[Live, ...], tuple[str, ...]]:
    """All pods of all previews, in one list; without them a status says less."""
    label, keep = context.names.preview_label, Room(context.names).pod

    def listed() -> tuple[Live, ...]:
        return context.cluster.list(POD, namespace=context.namespace, label=label, read=keep).items

    try:
        pods = context.read_one(listed)
    except Stopped:
        return (), ()
    except ReconcileError as error:
        return (), (f"why pods do not come up is not known: {error}",)
    return pods, ()


def _events(context: Context, namespaces: Collection[str]) -> tuple[tuple[PodEvent, ...], tuple[str, ...]]:
    """The Warnings of these namespaces: what a probe, a mount or an admission answered is nowhere else."""
    only = context.namespace
    places = [only] if only or len(namespaces) > MOST_NAMESPACES else sorted(namespaces)

    def listed(namespace: str | None) -> tuple[PodEvent | None, ...]:
        return context.cluster.list(EVENT, namespace=namespace, field=WARNINGS, read=pod_event).items

    try:
        found = context.read_all(listed, places)
    except Stopped:
        return (), ()
    except ReconcileError as error:
        return (), (f"what probes and mounts answered is not known: {error}",)
    return in_order(event for events in found for event in events), ()


def _found(facts: Facts, settings: Settings, now: datetime) -> Status | None:
    return status_of(facts, now, url_scheme=settings.url_scheme)


def _news(
    facts: Facts, status: Status | None, now: datetime, lacking: Collection[str]
) -> dict[str, Any] | None:
    """The status as it is to be written; None where there is nothing new."""
    if status is None:
        return None
    before = facts.desired.preview.status
    said = _marked(facts, status, rendered(status, before, now))
    wanted = {name: value for name, value in said.items() if name not in lacking}
    return wanted if not is_written(wanted, before) or _is_to_be_marked(facts, wanted, now) else None


def _marked(facts: Facts, status: Status, said: Mapping[str, Any]) -> dict[str, Any]:
    """With the fingerprint, where nothing is left to do or to tell."""
    before = facts.desired.preview.status
    settles = facts.is_unchanged and status.reason in SETTLES and not status.expires_soon
    return {**said, **({FINGERPRINT: fingerprint_of(facts.observed_digest, said, before)} if settles else {})}


def _is_to_be_marked(facts: Facts, wanted: Mapping[str, Any], now: datetime) -> bool:
    return not is_marked(wanted, facts.desired.preview.status) and not _was_just_touched(facts, now)


def _was_just_touched(facts: Facts, now: datetime) -> bool:
    """Whether somebody changed a child a moment ago, or nobody knows: who does that all the time would have
    the status written each time, for a fingerprint that fits nothing by then."""
    changed_at = facts.changed_at
    return not changed_at or changed_at > time_text(now - SETTLING)


def _write(context: Context, facts: Facts, time: datetime, lacking: set[str]) -> Written | Unwritten | None:
    """Write one status; None where there is nothing to say."""
    try:
        return _tried(context, facts, time, lacking)
    except NamespaceTerminating:
        return None
    except ReconcileError as error:
        return Unwritten(facts, str(error), for_ever=isinstance(error, Forbidden | NotInstalled))
    except Exception as error:
        return Unwritten(facts, internal_error(error))


def _tried(context: Context, facts: Facts, time: datetime, lacking: set[str]) -> Written | None:
    """Where the preview has changed meanwhile, look again: another run may have said it. Where the CRD lacks
    some of the fields, leave them out."""
    now: Facts | None = facts
    settings, names = context.settings, context.names
    for _ in range(TRIES):
        if now is None or context.stop.asked:
            break
        if not (wanted := _news(now, _found(now, settings, time), time, lacking)):
            break
        try:
            manifest = now.desired.preview.with_status(wanted)
            context.cluster.apply_status(names.previews, manifest, manager=names.field_manager)
        except Conflict:
            now = _again(context.cluster, now, settings)
        except UnknownFields as error:
            if not error.fields & wanted.keys():
                raise
            lacking |= error.fields
        else:
            return Written(now.desired.preview, wanted)
    return None


def _again(cluster: Cluster, facts: Facts, settings: Settings) -> Facts | None:
    """The same with the preview as it is now; None where all that is known is about another one."""
    before = facts.desired.preview
    found = cluster.get(settings.names.previews, before.namespace, before.name)
    if found is None:
        return None
    preview = parse_preview(found, group=settings.group)
    same = (preview.uid, preview.generation) == (before.uid, before.generation)
    if not same or preview.deletion_timestamp:
        return None
    ttl = ttl_of(preview, settings)
    if facts.desired.reason == "Expired" and ttl != facts.desired.ttl:
        return None
    recorded = facts.recorded_by(preview.status)
    return replace(facts, desired=replace(facts.desired, preview=preview, ttl=ttl), recorded=recorded)


def _lacking_notes(lacking: Collection[str], news: Iterable[Facts], settings: Settings) -> Iterator[str]:
    if not lacking:
        return
    fields = ", ".join(f"status.{name}" for name in sorted(lacking))
    yield (
        f"the CRD that is installed does not know {fields}: statuses are written without; "
        f"upgrade it with `{settings.names.install_crd}`"
    )
    yield from _consequences(news, ttl="ttlCountsFrom" in lacking, setup=SETUP in lacking)


def _notes(unwritten: Sequence[Unwritten]) -> Iterator[str]:
    """One sentence for all of them, however many there are, and one for what follows from it."""
    if not unwritten:
        return
    places = sorted(one.facts.desired.place for one in unwritten)
    message = next(one.message for one in unwritten if one.message)
    others = f" and {len(places) - 1} more" if len(places) > 1 else ""
    yield f"the status of {places[0]}{others} was not written: {message}"
    yield from _consequences(one.facts for one in unwritten)


def _consequences(unwritten: Iterable[Facts], *, ttl: bool = True, setup: bool = True) -> Iterator[str]:
    """What follows where a ttl, or a setup, is not written into these statuses."""
    unwritten = tuple(unwritten)
    if ttl and any(one.desired.ttl for one in unwritten):
        yield "a ttl counts from what a run wrote into the status: without it a preview never expires"
    if setup and any(one.sets_up for one in unwritten):
        yield SETUP_UNRECORDED
