"""The shared names, each written once: group, labels, annotations, field manager."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from reconcile.kube.objects import Resource

if TYPE_CHECKING:  # which reads JSON: a shell that completes has no need of it
    from reconcile.kube.live import Live

DEFAULT_GROUP = "platform9.com"
VERSION = "v1"
KIND = "PreviewEnvironment"
PLURAL = "previewenvironments"
SINGULAR = "previewenvironment"
SHORT_NAMES = ("pe", "previewenv", "preview")

TOOL = "preview-reconcile"

# The recommended labels of Kubernetes:
# https://kubernetes.io/docs/concepts/overview/working-with-objects/common-labels/
MANAGED_BY_LABEL = "app.kubernetes.io/managed-by"
NAME_LABEL = "app.kubernetes.io/name"
INSTANCE_LABEL = "app.kubernetes.io/instance"
COMPONENT_LABEL = "app.kubernetes.io/component"
APP_COMPONENT = "app"
SETUP_COMPONENT = "setup"

CONTAINER = "app"
SETUP_CONTAINER = "setup"
PORT_NAME = "http"
SERVICE_PORT = 80

PRUNE_DISABLED = "disabled"
EDITS_KEPT = "keep"

# Condition types: https://github.com/kubernetes/community/blob/master/contributors/devel/sig-architecture/api-conventions.md#typical-status-properties
READY = "Ready"
STALLED = "Stalled"
EXPIRING = "Expiring"

# Reasons of Ready; kit/reasons.py has them in words, for docs/reference/status.md.
AVAILABLE = "Available"
PROGRESSING = "Progressing"
ROLLOUT_FAILED = "RolloutFailed"
INVALID = "Invalid"
REFUSED = "Refused"
HOSTNAME_CONFLICT = "HostnameConflict"
NAME_TAKEN = "NameTaken"
ROUTE_NOT_ACCEPTED = "RouteNotAccepted"
SETUP_FAILED = "SetupFailed"
SUSPENDED = "Suspended"
ASLEEP = "Asleep"
EXPIRED = "Expired"
APPLY_FAILED = "ApplyFailed"
UNREAD = "Unread"
INTERNAL_ERROR = "InternalError"
REASONS = frozenset(
    {
        AVAILABLE,
        PROGRESSING,
        ROLLOUT_FAILED,
        INVALID,
        REFUSED,
        HOSTNAME_CONFLICT,
        NAME_TAKEN,
        ROUTE_NOT_ACCEPTED,
        SETUP_FAILED,
        SUSPENDED,
        ASLEEP,
        EXPIRED,
        APPLY_FAILED,
        UNREAD,
        INTERNAL_ERROR,
    }
)

# The reason of Expiring.
EXPIRES_SOON = "ExpiresSoon"


@dataclass(frozen=True)
class Names:
    """The names that follow the API group, so that two installations never share one.

    `group` is a DNS subdomain, such as `platform9.com`.
    """

    group: str = DEFAULT_GROUP

    @property
    def api_version(self) -> str:
        return f"{self.group}/{VERSION}"

    @property
    def previews(self) -> Resource:
        """The previews themselves, of this API group."""
        return Resource(self.group, VERSION, KIND, PLURAL)

    def refers_to(self, reference: Mapping[str, Any], preview_name: str) -> bool:
        """Whether an owner reference names a preview of this group and this name, whatever its uid."""
        group = str(reference.get("apiVersion", "")).rpartition("/")[0]
        return (group, reference.get("kind"), reference.get("name")) == (self.group, KIND, preview_name)

    def preview_of(self, live: "Live") -> str:
        """The name of the preview that the object says it belongs to; "" where it says none."""
        return live.labels.get(self.preview_label, "")

    def place_of(self, live: "Live") -> str:
        """The same as `NAMESPACE/NAME`; "" where it says none."""
        name = self.preview_of(live)
        return f"{live.key.namespace}/{name}" if name else ""

    def is_marked(self, live: "Live") -> bool:
        """Whether it was made as a child, of whichever preview; controllers copy labels to what they make."""
        return self.identity_annotation in live.annotations or live.applied_by(self.field_manager) is not None

    @property
    def preview_label(self) -> str:
        """On every child, and in the selectors: the preview's name."""
        return f"{self.group}/preview"

    @property
    def identity_annotation(self) -> str:
        """On every child: its own `KIND/NAMESPACE/NAME`, so that a copy proves nothing."""
        return f"{self.group}/identity"

    @property
    def applied_annotation(self) -> str:
        """On every child: a hash of the manifest as we wanted it."""
        return f"{self.group}/applied"

    @property
    def prune_annotation(self) -> str:
        """On a child or a preview: `disabled` protects from every delete of ours."""
        return f"{self.group}/prune"

    @property
    def prune_path(self) -> tuple[str, ...]:
        """Where managedFields have it."""
        return ("f:metadata", "f:annotations", f"f:{self.prune_annotation}")

    @property
    def awake_annotation(self) -> str:
        """On a Namespace: the awake hours of its previews, in the place of `--awake`."""
        return f"{self.group}/awake"

    @property
    def awake_until_annotation(self) -> str:
        """On a preview: how long it is kept awake out of its hours."""
        return f"{self.group}/awake-until"

    @property
    def edits_annotation(self) -> str:
        """On a child: `keep` leaves in place what somebody added to it with kubectl."""
        return f"{self.group}/hand-edits"

    def protects(self, annotations: Mapping[str, str]) -> bool:
        """Whether these annotations, of a child or of a preview, say that it must not be deleted."""
        return annotations.get(self.prune_annotation) == PRUNE_DISABLED

    @property
    def template_annotation(self) -> str:
        """On the pod template: a hash of the rest of it."""
        return f"{self.group}/template"

    @property
    def templates_annotation(self) -> str:
        """On a child that templates change: a hash of them, so that a run can say why it is updated."""
        return f"{self.group}/templates"

    @property
    def when_annotation(self) -> str:
        """In a document of `--templates`: a label selector of the previews that it is for."""
        return f"{self.group}/when"

    @property
    def revision_annotation(self) -> str:
        """On the pod template: the preview's `revision`, so that a change of it rolls the pods."""
        return f"{self.group}/revision"

    @property
    def controller(self) -> str:
        """Who reports an Event: a qualified name, of which only the part before the slash may be long."""
        return f"{self.group}/{TOOL}"

    @property
    def install_crd(self) -> str:
        """The command that installs the CRD, or brings it up to this version."""
        return f"reconcile --print-crd --api-group {self.group} | kubectl apply -f -"

    @property
    def field_manager(self) -> str:
        """Who we are in `metadata.managedFields`."""
        return f"{TOOL}.{self.group}"

    @property
    def kinds_manager(self) -> str:
        """Who remembers the kinds of further children: an older version's status would drop them. It is no
        longer than `field_manager`, for which `rules.GROUP` leaves room."""
        return f"preview-kinds.{self.group}"


names_of = lru_cache(Names)
"""The names of an API group, made once."""
