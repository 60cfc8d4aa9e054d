"""The reasons of the condition Ready in words, in the order in which `reconcile.status.reason` looks for them.

`make reference` writes them into docs/reference/status.md. tests/contracts/test_documents.py compares reason
and Stalled with what the code reports.
"""

from typing import NamedTuple

from reconcile.model import names


class Row(NamedTuple):
    """One reason, as a status may have it; several rows may share one."""

    reason: str
    stalled: str
    """`True`, `no`, or a few words on when."""
    when: str
    remedy: str

    @property
    def ready(self) -> str:
        return str(self.reason == names.AVAILABLE)


REASONS = (
    Row(
        names.INVALID,
        "True",
        "The spec is not valid. The children stay as they are.",
        "Correct the field that the message names.",
    ),
    Row(
        names.EXPIRED,
        "True",
        "The ttl is over. The children are deleted.",
        "Change the spec in any way, such as another `revision`.",
    ),
    Row(
        names.REFUSED,
        "True",
        "The operator does not allow what the preview requests, a [template](../templates.md) cannot be merged, or the run has no templates and the preview has. The children stay as they are.",
        "Request another image or hostname, set the label that the template names, or have the operator pass `--allow-…` or `--templates`.",
    ),
    Row(
        names.NAME_TAKEN,
        "True",
        "An object with the name of a child exists and is not managed by this installation.",
        "Delete that object, rename the preview, or pass `--adopt`.",
    ),
    Row(
        names.ROUTE_NOT_ACCEPTED,
        "True",
        "The kind of route is not installed.",
        "Install it, or pass another `--route`.",
    ),
    Row(
        names.HOSTNAME_CONFLICT,
        "True",
        "Another preview or route has the hostname. With `--namespace-only`, it is not known whether the hostname is free. The Deployment and the Service are made all the same.",
        "Change `fqdn`. With `--namespace-only`, pass `--allow-fqdn`.",
    ),
    Row(
        names.INTERNAL_ERROR,
        "True",
        "`reconcile` failed on this preview because of a bug. Its children stay as they are; other previews are reconciled.",
        "Report it, with the message.",
    ),
    Row(
        names.APPLY_FAILED,
        "no",
        "A write failed, or the API server [rejected](#rejected-by-the-api-server) a child. Each run retries.",
        "See the message.",
    ),
    Row(
        names.UNREAD,
        "no",
        "A kind of the children cannot be listed or read, so nothing of that kind is changed, and [what comes after it](../templates.md#rights) waits. Each run tries again. A preview that was ready with this spec stays so while no change waits.",
        "See the message: grant the right that it names.",
    ),
    Row(
        names.PROGRESSING,
        "no",
        "A child does not exist yet, or waits for something.",
        "Wait for the next run.",
    ),
    Row(
        names.SUSPENDED,
        "no",
        "The preview runs no pods: `suspend: true`, or the Deployment is scaled to zero.",
        "Set `suspend: false`, or scale the Deployment up.",
    ),
    Row(
        names.ASLEEP,
        "no",
        "The preview is out of its [awake hours](../unattended.md#asleep-out-of-hours), and runs no pods.",
        "Wait, or run the command in the message.",
    ),
    Row(
        names.SETUP_FAILED,
        "True",
        "The setup Job failed or cannot run. The message has the reason of its pod.",
        "Another `image` or `revision` runs a new Job. Deleting the Job does not.",
    ),
    Row(
        names.PROGRESSING,
        "no",
        "The setup Job runs, or waits until the Job of an earlier image or revision has ended.",
        "Wait.",
    ),
    Row(
        names.ROLLOUT_FAILED,
        "True",
        "The pods do not become ready. The message has [the reason](#why-pods-are-not-ready).",
        "See the message.",
    ),
    Row(
        names.PROGRESSING,
        "no",
        "The pods are being started. The message has [the progress](#why-pods-are-not-ready).",
        "Wait.",
    ),
    Row(
        names.ROUTE_NOT_ACCEPTED,
        "True",
        "A route of another kind was kept, and does not have the hostname.",
        "Pass `--route` to switch.",
    ),
    Row(
        names.ROUTE_NOT_ACCEPTED,
        "True if it was refused",
        "A parent of the HTTPRoute has refused it, or has not accepted it yet.",
        "Check the listeners of the Gateway.",
    ),
    Row(
        names.ROLLOUT_FAILED,
        "True",
        "A [further child](../templates.md#further-children) failed. The message names it.",
        "See the message.",
    ),
    Row(
        names.PROGRESSING,
        "no",
        "A [further child](../templates.md#further-children) is not ready yet. The message names it.",
        "Wait.",
    ),
    Row(
        names.AVAILABLE,
        "no",
        "All pods of the current template are available, further children are ready, and the route is accepted where that can be known.",
        "",
    ),
)
