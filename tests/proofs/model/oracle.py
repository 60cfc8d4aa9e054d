"""What has to hold when two runs have met: of the end, and of every write on the way there."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from reconcile.desire.children import CHILDREN
from reconcile.kube.objects import Key, Manifest
from reconcile.model.status import FINGERPRINT
from tests.proofs.model.apiserver import FURTHER, NAMES, Effect, Model

CHILD_KINDS = frozenset(resource.kind for resource in (*(kind.resource for kind in CHILDREN), *FURTHER))
PREVIEW = "PreviewEnvironment"


def is_ours(manifest: Manifest) -> bool:
    """Whether it is a child that we made."""
    return NAMES.preview_label in manifest["metadata"].get("labels", {})


def children(state: Model) -> dict[Key, Manifest]:
    return {key: found for key, found in state.objects.items() if key.kind in CHILD_KINDS}


def content(manifest: Manifest) -> dict[str, Any]:
    """What was asked for and who holds it: without what the server counts."""
    counted = ("uid", "resourceVersion", "generation", "creationTimestamp")
    metadata = {field: value for field, value in manifest["metadata"].items() if field not in counted}
    return {**manifest, "metadata": metadata}


def contents(state: Model) -> dict[Key, dict[str, Any]]:
    """The children and the previews' statuses."""
    previews = {
        key: {"status": _told(found.get("status") or {})}
        for key, found in state.objects.items()
        if key.kind == PREVIEW
    }
    return {key: content(found) for key, found in children(state).items()} | previews


def _told(status: Manifest) -> dict[str, Any]:
    """Without the fingerprint: it says that a run has found nothing to do, and of two the other one may."""
    return {name: said for name, said in status.items() if name != FINGERPRINT}


@dataclass(frozen=True)
class Reference:
    """What one run alone makes of a world."""

    before: Model
    after: Model

    def wrong(self, after: Model, effects: Iterable[Effect]) -> list[str]:
        """What two runs did otherwise, by their effects and in the end; empty when all is well."""
        effects = [effect for effect in effects if effect.key.kind in CHILD_KINDS]
        return [*self.of_the_way(effects), *self._of_the_end(after)]

    def of_the_way(self, effects: Iterable[Effect]) -> Iterable[str]:
        wanted, made = children(self.after), Counter[Key]()
        for key, before, after in effects:
            if before is not None and not is_ours(before):
                yield f"{key} is somebody else's, and was written"
            if after is None and key in wanted:
                yield f"{key} was deleted, though it is wanted"
            if before is None:
                made[key] += 1
        for key, times in made.items():
            if times > 1 or key in children(self.before):
                yield f"{key} was made {times} times"

    def _of_the_end(self, after: Model) -> Iterable[str]:
        yield from differences(contents(self.after), contents(after))
        then, now = uids(self.before), uids(after)
        for key in uids(self.after).keys() & then.keys() & now.keys():
            if then[key] != now[key]:
                yield f"{key} is another object now"
        for key, found in children(self.before).items():
            if not is_ours(found) and after.contents.get(key) != self.before.contents[key]:
                yield f"{key} is somebody else's, and has changed"


def uids(state: Model) -> dict[Key, str]:
    return {key: found["metadata"]["uid"] for key, found in children(state).items()}


def differences(wanted: Mapping[Key, Any], found: Mapping[Key, Any]) -> Iterable[str]:
    """Where two states differ."""
    for key in sorted(wanted.keys() | found.keys()):
        if wanted.get(key) != found.get(key):
            yield f"{key} is {found.get(key)}, not {wanted.get(key)}"
