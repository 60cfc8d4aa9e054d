"""Which settled previews a pass looks at all the same, for others or the clock decide about them; pure.

its hostname                somebody else asks for it, or has a route that takes it
a route with its name       that has lost its label may be its own
its namespace               has more previews, those that are gone included, than the operator allows
its ttl                     is over, or nearly so
its awake hours             have begun, have ended, or are others
a route of another kind     was kept, and is now to be switched
"""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime

from reconcile.desire.children import is_route
from reconcile.kube.health.rollout import short_line
from reconcile.kube.hostnames import covered, hostnames
from reconcile.kube.objects import Key, NamespacedName, by_namespace
from reconcile.model.awake import asleep_until
from reconcile.model.names import ASLEEP, Names
from reconcile.model.preview import PreviewEnvironment
from reconcile.model.settings import Settings
from reconcile.model.sleep import Hours, asleep_message
from reconcile.model.snapshot import Settled, Snapshot


def to_open(snapshot: Snapshot, settings: Settings, now: datetime | None) -> frozenset[str]:
    """The places of the settled previews that have to be compared in this pass."""
    if not snapshot.settled:
        return frozenset()
    asked_for = contested(snapshot)
    full = _full_namespaces(snapshot, settings)
    alone = {key.place for key in _routes(snapshot)}
    return frozenset(
        one.place
        for one in snapshot.settled
        if one.fqdn in asked_for
        or one.place in alone
        or one.namespace in full
        or (one.ttl is not None and now is not None and one.ttl.ends_soon(now))
        or (now is not None and _sleeps_otherwise(one, snapshot.hours, settings.names, now))
        or (settings.route_given and any(is_route(kept.kind) for kept in one.kept))
    )


def _sleeps_otherwise(one: Settled, hours: Hours, names: Names, now: datetime) -> bool:
    """Whether it is asleep and its status does not report that, or the other way round; a suspended one is
    neither."""
    windows = hours.of(one.namespace)
    if windows is None or one.suspended:
        return False
    opens = asleep_until(windows, now)
    if opens is None:
        return one.reason == ASLEEP
    message = asleep_message(NamespacedName(one.namespace, one.name), names, windows, opens)
    return (one.reason, one.message) != (ASLEEP, short_line(message))


def contested(snapshot: Snapshot) -> frozenset[str]:
    """The hostnames of settled previews that somebody else asks for, or would have."""
    theirs = Counter(one.fqdn for one in snapshot.settled)
    twice = {fqdn for fqdn, number in theirs.items() if number > 1}
    asked = {one.spec.fqdn for one in snapshot.previews if isinstance(one, PreviewEnvironment)}
    claimed = frozenset(theirs)
    routes = [snapshot.children[key] for key in _routes(snapshot)]
    taken = (covered(live, claimed, snapshot.gateways) | (hostnames(live) & claimed) for live in routes)
    return frozenset(twice | (asked & claimed)).union(*taken)


def _routes(snapshot: Snapshot) -> Iterable[Key]:
    """All but those of settled previews."""
    return (key for key in snapshot.children if is_route(key.kind))


def _full_namespaces(snapshot: Snapshot, settings: Settings) -> frozenset[str]:
    """The namespaces with more previews, and gone ones that have left something, than one may have."""
    if settings.max_previews is None:
        return frozenset()
    places = {settings.names.place_of(live) for live in snapshot.children.values()} - {""}
    places |= {preview.key.place for preview in snapshot.previews} | {one.place for one in snapshot.settled}
    return frozenset(ns for ns, number in by_namespace(places).items() if number > settings.max_previews)
