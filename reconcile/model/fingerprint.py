"""An unchanged preview, known at a glance; pure.

An object with the same uid and resourceVersion is the same object. So a run that has compared a preview, and
found nothing to do and nothing to tell, writes into its status a digest of all that it has observed:

    the program and its settings     they decide what is wanted; of templates, all that is in them
    the preview                      uid, generation, and its spec as it was listed; with templates, labels
    its children                     uid and resourceVersion of each that its label names
    its status                       all that we say in it, so that it says the same still

Where the next lists give the same digest, the preview is settled: neither parsed nor rendered nor compared.
What hangs on others or on the clock is looked at in every run: `plan.reopen`.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import msgspec

from reconcile.kube.live import Live
from reconcile.kube.nesting import decoded
from reconcile.kube.objects import Manifest
from reconcile.kube.rawjson import SentObject, head_of
from reconcile.model.kinds_record import FIELD as KINDS
from reconcile.model.kinds_record import remembered
from reconcile.model.names import READY
from reconcile.model.preview import LONGEST_METADATA
from reconcile.model.settings import Settings
from reconcile.model.snapshot import Settled
from reconcile.model.status import TYPES, kept_in
from reconcile.model.ttl import Ttl

ELSEWHERE: dict[str, Any] = {"route_given": False, "max_previews": None}
"""Settings that decide nothing about a settled preview alone: `plan.reopen.to_open` looks at them."""


class _Condition(msgspec.Struct):
    type: str = ""
    status: str = ""
    observedGeneration: int = 0
    lastTransitionTime: str = ""
    reason: str = ""
    message: str = ""


class _OwnStatus(msgspec.Struct):
    """All that we say in a status; read from what a server sends and from what is about to be written."""

    observedGeneration: int = 0
    url: str = ""
    expiresAt: str = ""
    ttl: str = ""
    ttlCountsFrom: str = ""
    setup: dict[str, str] = {}
    hostname: dict[str, str] = {}
    kept: list[dict[str, str]] = []
    kinds: list[str] = []
    conditions: list[_Condition] = []


class _Status(_OwnStatus):
    fingerprint: str = ""


class _Metadata(msgspec.Struct):
    name: str
    namespace: str
    uid: str
    generation: int
    creationTimestamp: str = ""
    deletionTimestamp: str = ""
    labels: msgspec.Raw = msgspec.Raw(b"{}")
    annotations: dict[str, str] = {}


class _Glance(msgspec.Struct):
    """What is looked at of a preview to tell whether it is unchanged."""

    metadata: _Metadata
    spec: msgspec.Raw
    status: _Status = msgspec.field(default_factory=_Status)


class _Spec(msgspec.Struct):
    fqdn: str
    suspend: bool = False


# Made here, by one thread: two that decode a type for the first time at once can crash msgspec 0.22.
_GLANCE = msgspec.json.Decoder(_Glance)
_SPEC = msgspec.json.Decoder(_Spec)
_LABELS = msgspec.json.Decoder(dict[str, str])
_ENCODER = msgspec.json.Encoder(order="sorted")  # a server sorts the names in a map


class Fingerprints:
    """The digests under one program and one set of settings."""

    def __init__(self, program: str, settings: Settings) -> None:
        without = replace(settings, **ELSEWHERE, templates=())
        templates = [(one.when, one.name, one.manifest) for one in settings.templates or ()]
        self._seed = hashlib.sha256(program.encode() + _ENCODER.encode([without, templates]))
        self._names = settings.names
        self._lets_sleep = settings.lets_sleep
        self._labels_count = bool(templates)  # a label changes no generation

    def observed_digest(self, item: Manifest, children: Iterable[Live]) -> str:
        """The digest of a preview and its children as they were listed; "" where there can be none."""
        glance = _glance(item)
        return self._digest(glance, children) if glance else ""

    def settled(self, item: Manifest, children: tuple[Live, ...]) -> Settled | None:
        """The preview, where it is as it was when it was found unchanged; else None, as for an odd one."""
        glance = _glance(item)
        if glance is None or not glance.status.fingerprint or not self._may_settle(glance.metadata):
            return None
        observed_digest = self._digest(glance, children)
        if glance.status.fingerprint != of(observed_digest, glance.status):
            return None
        return _settled(item, glance, children, observed_digest)

    def _may_settle(self, metadata: _Metadata) -> bool:
        """One that is protected is named in each report; one that is being deleted gets no status; and until
        when one is kept awake, its annotation says and no digest."""
        protected = self._names.protects(metadata.annotations)
        timed = self._lets_sleep and self._names.awake_until_annotation in metadata.annotations
        long = len(bytes(metadata.labels)) > LONGEST_METADATA
        return not (protected or timed or metadata.deletionTimestamp or long)

    def _digest(self, glance: _Glance, children: Iterable[Live]) -> str:
        found = self._seed.copy()
        found.update(f"{glance.metadata.uid}/{glance.metadata.generation}\n".encode())
        found.update(glance.spec)
        if self._labels_count:
            found.update(glance.metadata.labels)
        found.update("\n".join(sorted(map(_version, children))).encode())
        return found.hexdigest()


def _version(live: Live) -> str:
    head = head_of(live.metadata)
    return f"{head.uid}/{head.resourceVersion}"


def _glance(item: Manifest) -> _Glance | None:
    """None for what is no text of a server, and for one that is not as a run writes it."""
    if not isinstance(item, SentObject):
        return None
    try:
        return decoded(_GLANCE, item.text)
    except msgspec.DecodeError:  # a status, or labels, of somebody else's making
        return None


def _settled(
    item: Manifest, glance: _Glance, children: tuple[Live, ...], observed_digest: str
) -> Settled | None:
    metadata, status = glance.metadata, glance.status
    try:
        spec, labels = _SPEC.decode(glance.spec), _LABELS.decode(metadata.labels)
    except msgspec.DecodeError:
        return None
    ready = next((condition for condition in status.conditions if condition.type == READY), _Condition())
    ttl = Ttl(status.ttl, status.ttlCountsFrom) if status.ttl else None
    kept = tuple(map(kept_in, status.kept))
    place = (metadata.namespace, metadata.name)
    kinds = frozenset(remembered(status.kinds))
    return Settled(
        *place,
        labels=labels,
        fqdn=spec.fqdn,
        suspended=spec.suspend,
        reason=ready.reason,
        message=ready.message,
        ttl=ttl,
        kept=kept,
        kinds=kinds,
        children=children,
        observed_digest=observed_digest,
        manifest=item,
    )


def fingerprint_of(observed_digest: str, status: Mapping[str, Any], before: Mapping[str, Any]) -> str:
    """The fingerprint beside a status that is about to be written, in the place of one that was `before`."""
    kinds = {KINDS: remembered(before.get(KINDS))}
    return of(observed_digest, msgspec.convert({**status, **kinds}, _OwnStatus))


def of(observed_digest: str, status: _OwnStatus) -> str:
    """The fingerprint: what was observed, and what the status says of it."""
    ours = sorted((c for c in status.conditions if c.type in TYPES), key=lambda condition: condition.type)
    fields = [getattr(status, name) for name in _OwnStatus.__struct_fields__ if name != "conditions"]
    return hashlib.sha256(observed_digest.encode() + _ENCODER.encode([fields, ours])).hexdigest()[:32]
