"""The setup Job: what has to run once for each image and revision, such as a migration or seed data.

Its template can never be changed, so another image or revision has a Job of another name. That it ran is
recorded in the preview's status. The Job stays all the same, with its logs: no `ttlSecondsAfterFinished`.
"""

import hashlib
import json
import re
from collections.abc import Sequence

from reconcile.desire.children.kind import ChildKind
from reconcile.desire.children.metadata import Rendered, child
from reconcile.desire.children.pod import container, pod_labels, pod_spec
from reconcile.kube.objects import JOB
from reconcile.model.names import SETUP_COMPONENT, SETUP_CONTAINER
from reconcile.model.preview import PreviewEnvironment
from reconcile.model.settings import Settings

TRIES_MORE = 2
"""After 10 and 20 seconds: a database may still be coming up. What fails three times is wrong itself."""

LONGEST_SECONDS = 3600
"""A Job that never ends (an image that cannot be pulled, a lock) would hold up every later one for ever."""

_HASH_LENGTH = 10
TEMPLATE_HASH = re.compile("[456789bcdf]+")
"""What a Deployment's controller makes of the hash of a pod template, in decimal digits:
https://github.com/kubernetes/kubernetes/blob/v1.36.0/staging/src/k8s.io/apimachinery/pkg/util/rand/rand.go"""

_CUT = 63 - 1 - _HASH_LENGTH
_HASH = re.compile(rf"[0-9a-f]{{{_HASH_LENGTH}}}")


def setup_job(preview: PreviewEnvironment, settings: Settings) -> Rendered | None:
    """The setup Job of a preview; None where it asks for none."""
    setup = preview.spec.setup
    if setup is None:
        return None
    setting_up = container(
        preview.spec,
        settings,
        name=SETUP_CONTAINER,
        image=setup.image or preview.spec.image,
        command=setup.command,
        args=setup.args,
    )
    spec = {
        "backoffLimit": TRIES_MORE,
        "activeDeadlineSeconds": LONGEST_SECONDS,
        "template": {
            "metadata": {"labels": pod_labels(preview, SETUP_COMPONENT)},
            "spec": {**pod_spec(preview.spec, settings, setting_up), "restartPolicy": "Never"},
        },
    }
    return child(JOB, preview, spec, name=job_name(preview))


def job_name(preview: PreviewEnvironment) -> str:
    """The preview's name, cut, and a hash of what it runs once for: a DNS label, as its pods' labels need."""
    setup, spec = preview.spec.setup, preview.spec
    image = setup.image if setup is not None else None
    once_for = [preview.namespace, preview.name, spec.image, image or spec.image, spec.revision or ""]
    digest = _digest(once_for)
    while TEMPLATE_HASH.fullmatch(digest):
        digest = _digest([digest])
    return f"{_stem(preview.name)}-{digest}"


def _digest(once_for: Sequence[str]) -> str:
    return hashlib.sha256(json.dumps(once_for).encode()).hexdigest()[:_HASH_LENGTH]


def is_job_of_pod(job: str, preview_name: str) -> bool:
    """Whether a pod's name without its last part is a setup Job's, and not a ReplicaSet's.

    Both are the preview's name and a hash, but no hash of a Job has only the letters of a template's.
    """
    return is_job_name(job, preview_name) and not TEMPLATE_HASH.fullmatch(job.rpartition("-")[2])


def is_job_name(name: str, preview_name: str) -> bool:
    """Whether a setup Job of this preview may have this name, whatever its image and revision were."""
    stem, _, digest = name.rpartition("-")
    return stem == _stem(preview_name) and _HASH.fullmatch(digest) is not None


def _stem(preview_name: str) -> str:
    return preview_name[:_CUT].rstrip("-")


KIND = ChildKind(
    JOB,
    setup_job,
    runs_once=True,
    is_named=is_job_name,
    exclusive=(),
    needs_spec=True,
    changes_only=("spec", "template"),
    container=SETUP_CONTAINER,
)
