"""What one pass saw: live objects, and of each kind whether its list was whole."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace

from reconcile.kube.live import Live
from reconcile.kube.objects import Key, Manifest, Resource
from reconcile.kube.rawjson import decoded_whole
from reconcile.model.preview import PreviewEnvironment, Unreadable, parse_preview
from reconcile.model.sleep import ALWAYS_AWAKE, Hours
from reconcile.model.status import Kept
from reconcile.model.ttl import Ttl

Preview = PreviewEnvironment | Unreadable


@dataclass(frozen=True, slots=True)
class Settled:
    """A preview that is as it was when a run compared it whole and found nothing to do: see `fingerprint`.

    `labels` are the preview's own, and so is `suspended`. `reason` and `message` are those of Ready. `kept`
    are its children of which the plan says why they stay as they are. `kinds` are those of its further
    children, see `kinds_record`. `observed_digest` is that of what was listed of it. `manifest` is read when
    somebody asks for more.
    """

    namespace: str
    name: str
    labels: Mapping[str, str]
    fqdn: str
    suspended: bool
    reason: str
    message: str
    ttl: Ttl | None
    kept: tuple[Kept, ...]
    kinds: frozenset[str]
    children: tuple[Live, ...]
    observed_digest: str
    manifest: Manifest

    @property
    def place(self) -> str:
        return f"{self.namespace}/{self.name}"

    def preview(self, group: str) -> Preview:
        """All of it."""
        return parse_preview(decoded_whole(self.manifest), group=group)


@dataclass(frozen=True)
class KindList:
    """How the list of one kind went.

    `installed` is False where the API server does not serve the kind, or is not asked for it
    (`--route-kind`); then there is nothing of it.
    `problem` says why the list is incomplete, and is empty when it is complete. `known` is False where
    nothing of the kind could be read; in a folder with a mistake the rest is known.
    """

    resource: Resource
    installed: bool = True
    problem: str = ""
    known: bool = True

    @property
    def whole(self) -> bool:
        return not self.problem


@dataclass(frozen=True)
class Reads:
    """What is read by itself, beside the lists: `children` that no list showed, and some `whole` of which a
    part was kept; with `gateways`, those that the routes hang on."""

    children: tuple[Key, ...] = ()
    whole: tuple[Key, ...] = ()
    gateways: bool = False


@dataclass(frozen=True)
class Snapshot:
    """The previews and the children that one pass saw.

    `children` holds every child, by its label, and every route, whoever made it.
    `previews_sent` counts the previews as the server sent them, whatever the scope.
    `previews_problem` says why the previews' list is incomplete (a file that does not parse).
    `left_out` are the places of previews that are there and were left out: they are not gone. None stands
    for "any may be".
    `from_server` is False for a folder, whose objects have no history of their own.
    `gateways` are those that were read for the hostnames of their listeners.
    `settled` are previews that are among neither the `previews` nor, with their children, the `children`.
    `observed_digests` are of the other previews, by their places: of what is compared of each.
    `hours` are those in which previews are awake.
    """

    previews: tuple[Preview, ...]
    previews_sent: int
    children: Mapping[Key, Live]
    kinds: Mapping[str, KindList]
    previews_problem: str = ""
    from_server: bool = True
    notes: tuple[str, ...] = field(default=())
    left_out: frozenset[str] | None = frozenset()
    gateways: Mapping[Key, Manifest] = field(default_factory=dict)
    settled: tuple[Settled, ...] = ()
    observed_digests: Mapping[str, str] = field(default_factory=dict)
    hours: Hours = ALWAYS_AWAKE

    @property
    def resources(self) -> Mapping[str, Resource]:
        """What each kind that was asked for is served as, by its full kind."""
        return {kind: found.resource for kind, found in self.kinds.items()}

    def may_be_left_out(self, place: str) -> bool:
        """Whether this preview, which no list showed, may be there all the same."""
        return self.left_out is None or place in self.left_out

    def with_children(self, found: Iterable[Live]) -> "Snapshot":
        """The same, with what a closer look found."""
        return replace(self, children={**self.children, **{live.key: live for live in found}})

    def opened(self, places: Collection[str], group: str) -> "Snapshot":
        """The same, with these settled previews among the others."""
        found = [one for one in self.settled if one.place in places]
        if not found:
            return self
        return replace(
            self,
            settled=tuple(one for one in self.settled if one.place not in places),
            previews=(*self.previews, *(one.preview(group) for one in found)),
            children={**self.children, **{live.key: live for one in found for live in one.children}},
            observed_digests={**self.observed_digests, **{one.place: one.observed_digest for one in found}},
        )

    def with_kinds(self, found: Mapping[str, KindList]) -> "Snapshot":
        """The same, with what a closer look found about some kinds."""
        return replace(self, kinds={**self.kinds, **found})
