"""What a run knows of a preview, brought up to what the cluster says now; pure."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from reconcile.desire.children import is_route_of, runs_once
from reconcile.kube.health.job import is_finished
from reconcile.kube.health.kinds import has_health
from reconcile.kube.live import Live
from reconcile.kube.objects import DEPLOYMENT, HTTPROUTE, Key
from reconcile.model.preview import PreviewEnvironment
from reconcile.model.settings import Settings
from reconcile.model.snapshot import Preview
from reconcile.model.ttl import ttl_of
from reconcile.plan.changes import Change, Create, Keep, Update, Waiting
from reconcile.plan.child import child_of
from reconcile.plan.decide import decide
from reconcile.plan.rules import Rules
from reconcile.status.facts import Facts, Lives, further_of


@dataclass(frozen=True)
class Look:
    """One look at the cluster: the preview, None where it is gone, and all children of some `kinds`."""

    preview: Preview | None
    children: Lives
    kinds: frozenset[str]


def kinds_to_look_at(facts: Facts) -> frozenset[str]:
    """The kinds that have something to tell: Deployments, a setup Job that has not ended, routes with
    conditions, further children that have a health, and what it waits for."""
    routes = {HTTPROUTE.kind} if facts.route and facts.route.key.kind == HTTPROUTE.kind else set()
    jobs = set() if facts.setup is None or is_finished(facts.setup) else {facts.setup.key.kind}
    further = {live.key.kind for live in facts.further if has_health(live.key.kind)}
    return frozenset({DEPLOYMENT.kind, *jobs, *routes, *further, *(key.kind for key in facts.awaited)})


def over(facts: Facts, now: Preview | None) -> str:
    """Why what this run knows is about another preview than there is now; "" where it is about this one."""
    before = facts.desired.preview
    if now is None:
        return "it was deleted while this run waited"
    if now.deletion_timestamp:
        return "it is being deleted"
    if now.uid != before.uid:
        return "it was deleted and recreated while this run waited: run again"
    if now.generation != before.generation:
        return "its spec was changed while this run waited: run again"
    return ""


def refreshed(facts: Facts, look: Look, rules: Rules, settings: Settings) -> Facts:
    """The facts as of this look, which shows the same preview in the same generation.

    A child that was not to be touched, and is as wanted now, is one like another: another run has seen to it.
    One that was there, and is not any more, is waited for; not so a setup Job, which is not made again.
    """
    assert look.preview is not None, "one that is gone is over"
    settled = frozenset(key for key in facts.awaited if _as_wanted(key, facts, look, rules))
    gone = {key for key in _made(facts) if key.kind in look.kinds and key not in look.children}
    return replace(
        facts,
        desired=replace(facts.desired, preview=look.preview, ttl=ttl_of(look.preview, settings)),
        changes=tuple(_change(change, settled, gone - {facts.setup_key}) for change in facts.changes),
        outcomes=tuple(o for o in facts.outcomes if o.result != "canceled" or o.change.key not in settled),
        deployment=look.children.get(Key(DEPLOYMENT.kind, look.preview.namespace, look.preview.name)),
        setup=_setup(facts, look),
        further=_further(facts, look),
        route=_route(facts, look, settled),
        recorded=facts.recorded_by(look.preview.status),
        observed_digest="",  # some kinds alone were listed
    )


def _made(facts: Facts) -> Iterator[Key]:
    """The wanted children that were there when they were looked at last."""
    there = facts.wanted - facts.awaited
    for change in facts.changes:
        if isinstance(change, Keep | Create | Update) and change.key in there:
            yield change.key


def _as_wanted(key: Key, facts: Facts, look: Look, rules: Rules) -> bool:
    preview, live = look.preview, look.children.get(key)
    if live is None and key == facts.setup_key:
        # The lists of one look may be of different moments: recorded in an earlier one, and not there now.
        return facts.recorded is not None and facts.recorded.job == key.name
    if live is None or not isinstance(preview, PreviewEnvironment):
        return False
    manifest = next(manifest for manifest in facts.desired.children if manifest.key == key)
    return isinstance(decide(manifest, preview, child_of(preview, live, rules)), Keep)


def _change(change: Change, settled: frozenset[Key], gone: set[Key]) -> Change:
    if change.key in settled and isinstance(change, Waiting):
        return Keep(change.key, change.preview)
    if change.key in gone and isinstance(change, Keep | Create | Update):
        return Waiting(change.key, change.preview, f"{change.key} no longer exists; run again")
    return change


def _setup(facts: Facts, look: Look) -> Live | None:
    """Its setup Job as it is now; one that had ended and was not listed is as it was."""
    wanted = next((key for key in facts.wanted if runs_once(key.kind)), None)
    return look.children.get(wanted) if wanted and wanted.kind in look.kinds else facts.setup


def _further(facts: Facts, look: Look) -> tuple[Live, ...]:
    """Its further children as they are now; those of a kind that was not listed are as they were."""
    unseen = {live.key: live for live in facts.further if live.key.kind not in look.kinds}
    return further_of(facts.desired, {**look.children, **unseen})


def _route(facts: Facts, look: Look, settled: frozenset[Key]) -> Live | None:
    """Its route as it is now; one of a kind that was not listed is as it was."""
    for key in settled:
        if is_route_of(key, facts.desired.preview.name):
            return look.children[key]
    if facts.route is None or facts.route.key.kind not in look.kinds:
        return facts.route
    return look.children.get(facts.route.key)
