"""From what a run knows of a preview to what its status says; pure.

The first that holds:

    terminating                                no status
    Invalid, Expired, Refused                  why it is not reconciled
    NameTaken                                  somebody else has a name that it wants
    RouteNotAccepted                           its kind of route is not installed
    HostnameConflict                           somebody else has its hostname
    InternalError                              a fault of this program while it dealt with the preview
    ApplyFailed                                a write did not work
    Unread                                     a kind of its children could not be read, and others wait
    Progressing                                a child waits for something, or is not there
    Suspended                                  no pods are wanted
    Asleep                                     no pods are wanted until its awake hours begin
    RolloutFailed                              a further child
    SetupFailed, Progressing                   its setup Job
    RolloutFailed, Progressing                 its pods
    Progressing                                a further child
    RouteNotAccepted                           its route's parents
    Unread                                     none of these, and a kind of its children could not be read
    Available                                  none of these
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from reconcile.desire.children import is_further
from reconcile.kube.health.job import lacks_pods, progress
from reconcile.kube.health.kinds import health_of
from reconcile.kube.health.pod import needs_events
from reconcile.kube.health.rollout import Health, is_under_way, newest_pods, rollout, short_line
from reconcile.kube.hostnames import hostnames
from reconcile.kube.live import Live
from reconcile.kube.objects import DEPLOYMENT, JOB, Key, conditions_in
from reconcile.kube.routes import objection
from reconcile.kube.time import time_text
from reconcile.model.hostname_record import HostnameRecord, recorded_after
from reconcile.model.names import (
    APPLY_FAILED,
    ASLEEP,
    AVAILABLE,
    EXPIRED,
    HOSTNAME_CONFLICT,
    NAME_TAKEN,
    PROGRESSING,
    READY,
    ROLLOUT_FAILED,
    ROUTE_NOT_ACCEPTED,
    SETUP_FAILED,
    SUSPENDED,
    UNREAD,
)
from reconcile.model.preview import PreviewEnvironment
from reconcile.model.settings import UrlScheme
from reconcile.model.setup_record import SetupRecord
from reconcile.model.status import Status
from reconcile.status.facts import Facts

RUN_AGAIN = "another spec.image or spec.revision runs a new one"


REASON_OF: Mapping[Health, str] = {
    "Current": AVAILABLE,
    "InProgress": PROGRESSING,
    "Failed": ROLLOUT_FAILED,
    "Suspended": SUSPENDED,
}
"""What is said of a Deployment's health."""
SETTLES = (AVAILABLE, SUSPENDED, ASLEEP)
"""The reasons with which a preview may stay as it is, until somebody or the clock changes that."""


@dataclass(frozen=True)
class Finding:
    """A reason, and why; `stalled` when only a person can help."""

    reason: str
    message: str
    stalled: bool = False


def status_of(facts: Facts, now: datetime, *, url_scheme: UrlScheme = "https") -> Status | None:
    """What the status of a preview says; None where it is terminating, or may stay as it is said to be."""
    if facts.desired.reason == "Terminating":
        return None
    looks: tuple[Callable[[Facts], Finding | None], ...] = (
        _not_reconciled,
        _blocked,
        _failed,
        _held,
        _waiting,
        _without_pods,
        lambda facts: _further(facts, "Failed", now),
        lambda facts: _setup(facts, now),
        lambda facts: _pods(facts, now),
        lambda facts: _further(facts, "InProgress", now),
        _route,
    )
    found = next((finding for look in looks if (finding := look(facts))), None)
    finding = found or Finding(AVAILABLE, f"its pods are available{_unseen_end(facts)}")
    if facts.unread and finding.reason in SETTLES:
        if _said(facts) == finding.reason:
            return None
        finding = _unread(facts)
    ttl = facts.desired.ttl.begun(now) if facts.desired.ttl else None
    return Status(
        ready=finding.reason == AVAILABLE,
        reason=finding.reason,
        message=short_line(finding.message),
        stalled=finding.stalled,
        url=_url(facts, finding, url_scheme),
        ttl=ttl.text if ttl else "",
        ttl_counts_from=ttl.counts_from if ttl else "",
        expires_at=ttl.expires_at if ttl else "",
        expires_soon=ttl is not None and finding.reason != EXPIRED and ttl.ends_soon(now),
        observed_generation=facts.desired.preview.generation,
        setup=facts.setup_record,
        hostname=_hostname(facts, finding, now),
        kept=facts.kept if finding.reason in SETTLES else (),
    )


def _hostname(facts: Facts, finding: Finding, now: datetime) -> HostnameRecord | None:
    if finding.reason == EXPIRED:
        return None
    if facts.unread:  # its route may be among that; the next run that sees it records it
        return facts.desired.hostname_record
    return recorded_after(
        facts.desired.hostname_record,
        facts.desired.fqdn,
        facts.on_route,
        time_text(now),
        in_conflict=any(block.reason == HOSTNAME_CONFLICT for block in facts.blocks),
    )


def asks_for_pods(facts: Facts) -> bool:
    """Whether its pods would say more than its Deployment does."""
    if facts.desired.reason or facts.desired.without_pods:
        return False
    setting_up = facts.setup is not None and progress(facts.setup) is not None
    under_way = facts.deployment is not None and is_under_way(facts.deployment)
    further = any(health_of(live).health not in ("Current", "Suspended") for live in facts.further)
    return setting_up or under_way or further or _failed_before(facts)


def asks_for_events(facts: Facts) -> bool:
    """Whether of one that asks for pods Events would say more than these and its setup Job do."""
    lacking = facts.setup is not None and lacks_pods(facts.setup, facts.setup_pods)
    newest = newest_pods(facts.deployment, facts.pods) if facts.deployment else ()
    further = any(health_of(live, facts.pods_of(live)).health == "InProgress" for live in facts.further)
    return lacking or further or needs_events([*newest, *facts.setup_pods])


def _failed_before(facts: Facts) -> bool:
    """Whether the last run saw its pods fail: one that crashes again and again is available in between."""
    ready = conditions_in(facts.desired.preview.status).get(READY, {})
    return facts.deployment is not None and ready.get("reason") == ROLLOUT_FAILED


def waits_for_setup(facts: Facts) -> bool:
    """Whether its setup keeps it from being ready."""
    return _setup(facts) is not None


def _not_reconciled(facts: Facts) -> Finding | None:
    desired = facts.desired
    return Finding(desired.reason, desired.message, stalled=True) if desired.reason else None


def _blocked(facts: Facts) -> Finding | None:
    for block in facts.blocks:
        return Finding(block.reason, block.message, stalled=True)
    for outcome in facts.outcomes:
        if outcome.result == "blocked":
            return Finding(NAME_TAKEN, outcome.message, stalled=True)
    return None


def _failed(facts: Facts) -> Finding | None:
    """Not stalled: the next run tries again."""
    failed = (outcome.message for outcome in facts.outcomes if outcome.result in ("failed", "rejected"))
    return next((Finding(APPLY_FAILED, message) for message in failed), None)


def _held(facts: Facts) -> Finding | None:
    return _unread(facts, ", and what comes after waits") if facts.unread and facts.waits else None


def _unread(facts: Facts, follows: str = "") -> Finding:
    """Not stalled: the next run tries again."""
    kinds = ", ".join(dict.fromkeys(entry.subject for entry in facts.unread))
    return Finding(UNREAD, f"{kinds} could not be read{follows}: {facts.unread[0].message}")


def _said(facts: Facts) -> object:
    """The reason in its status, where that is about this generation."""
    preview = facts.desired.preview
    ready = conditions_in(preview.status).get(READY, {})
    return ready.get("reason") if ready.get("observedGeneration") == preview.generation else None


def _waiting(facts: Facts) -> Finding | None:
    if facts.waits:
        return Finding(PROGRESSING, facts.waits[0])
    if facts.deployment is None and not facts.is_unread(DEPLOYMENT.kind):
        return Finding(PROGRESSING, "its Deployment does not exist")
    there, name = {live.key for live in facts.further}, facts.desired.preview.name
    unknown = (key for key in sorted(facts.wanted - there) if is_further(key, name))
    missing = (key for key in unknown if not facts.is_unread(key.kind))
    return next((Finding(PROGRESSING, f"{key} does not exist") for key in missing), None)


def _without_pods(facts: Facts) -> Finding | None:
    desired = facts.desired
    if isinstance(desired.preview, PreviewEnvironment) and desired.preview.spec.suspend:
        return Finding(SUSPENDED, "suspended (spec.suspend is true)")
    return Finding(ASLEEP, desired.asleep) if desired.asleep else None


def _setup(facts: Facts, now: datetime | None = None) -> Finding | None:
    """The setup Job of this image and revision: until it is complete the new pods do not count."""
    if not facts.sets_up or facts.is_unread(JOB.kind):
        return None
    if facts.setup is None:
        return _removed_setup(facts)
    found = progress(facts.setup, facts.setup_pods, facts.events)
    if found is None:
        return None
    if not found.failed:
        pods = _pods(facts, now) if facts.deployment else None
        failing = f"; its pods: {pods.message}" if pods and pods.stalled else ""
        return Finding(PROGRESSING, f"its setup {facts.setup.key} {found.message}{failing}")
    return _setup_failed(found.message, facts.setup.key)


def _removed_setup(facts: Facts) -> Finding | None:
    """A setup whose Job is not there: what is recorded of it has run."""
    key, record = facts.setup_key, facts.setup_record
    if key is None or record is None or record.job != key.name:
        return Finding(PROGRESSING, "its setup Job does not exist")
    return _setup_failed(record.message, key) if record.result == "Failed" else None


def _setup_failed(message: str, job: Key) -> Finding:
    return Finding(SETUP_FAILED, f"{message} (setup {job}); {RUN_AGAIN}", stalled=True)


def _unseen_end(facts: Facts) -> str:
    """That nobody knows how its setup ended, in the words that follow how its pods are."""
    key, record = facts.setup_key, facts.setup_record
    unseen = key is not None and record == SetupRecord(key.name, "Unknown")
    return f"; its setup {key} was removed before its end was seen" if unseen else ""


def _pods(facts: Facts, now: datetime | None) -> Finding | None:
    if facts.deployment is None:  # one that is not there waits, and one that could not be read is not known
        return None
    found = rollout(facts.deployment, facts.pods, facts.events, now)
    reason = REASON_OF[found.health]
    if reason == AVAILABLE:
        return None
    return Finding(reason, found.message, stalled=reason == ROLLOUT_FAILED)


def _further(facts: Facts, health: Health, now: datetime | None) -> Finding | None:
    """The first of its further children that stands like this."""
    for live in facts.further:
        found = health_of(live, facts.pods_of(live), facts.events, now)
        if found.health == health:
            failed = health == "Failed"
            message = f"{live.key.kind} {live.key.name}: {found.message}"
            return Finding(REASON_OF[health], message, stalled=failed)
    return None


def failed_further(facts: Facts) -> Live | None:
    """The first of its further children whose pods cannot come up by themselves."""
    healths = ((live, health_of(live, facts.pods_of(live), facts.events)) for live in facts.further)
    return next((live for live, found in healths if found.health == "Failed"), None)


def _route(facts: Facts) -> Finding | None:
    fqdn = facts.desired.fqdn
    if facts.route and fqdn and fqdn not in hostnames(facts.route):
        switches = "" if facts.route.key in facts.wanted else ": --route switches it"
        message = f"{facts.route.key} does not have the hostname {fqdn}{switches}"
        return Finding(ROUTE_NOT_ACCEPTED, message, stalled=True)
    found = objection(facts.route) if facts.route else None
    return Finding(ROUTE_NOT_ACCEPTED, found.message, stalled=found.final) if found else None


def _url(facts: Facts, finding: Finding, scheme: UrlScheme) -> str:
    """The link, where a route of its own has the hostname."""
    fqdn, taken = facts.desired.fqdn, finding.reason in (NAME_TAKEN, HOSTNAME_CONFLICT)
    if not fqdn or taken:
        return ""
    url = f"{scheme}://{fqdn}"
    stays = facts.unread and facts.desired.preview.status.get("url") == url
    return url if stays or fqdn in facts.on_route else ""
