"""The two oracles of every case: the end state, and the trace of writes."""

import difflib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from reconcile.kube.objects import Manifest
from reconcile.model.names import PLURAL
from reconcile.model.status import FINGERPRINT, KEPT
from tests.e2e.story import ROUTES, Story
from tests.proofs.faults.line import DELETE, KINDS, READ, Line, Passed, Place

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
# What the server gives out anew, or counts, whoever writes: two ways to one end differ in it.
OF_THE_SERVER = ("resourceVersion", "creationTimestamp")
ADDRESSES = ("clusterIP", "clusterIPs")


@dataclass(frozen=True)
class State:
    """What a namespace has, by the objects' paths: `objects` are to be compared, as text in which times and
    what the server gives out are left out; `uids` are told apart from them."""

    objects: Mapping[str, str]
    uids: Mapping[str, str]

    @property
    def children(self) -> dict[str, str]:
        """Without the previews: what an exit code is about."""
        return {path: text for path, text in self.objects.items() if f"/{PLURAL}/" not in path}


def state_of(story: Story) -> State:
    """All children and previews of a story, as the API server has them now."""
    found = {
        f"{story.path_of(kind)}/{item['metadata']['name']}": item
        for kind in ("PreviewEnvironment", *story.kinds)
        for item in story.ask("GET", story.path_of(kind))["items"]
    }
    uids = {path: item["metadata"]["uid"] for path, item in found.items()}
    return State({path: _text(item, uids[path]) for path, item in found.items()}, uids)


def _text(item: Manifest, uid: str) -> str:
    metadata = {k: v for k, v in item["metadata"].items() if k not in OF_THE_SERVER}
    metadata["managedFields"] = sorted(metadata.get("managedFields", ()), key=_manager)
    spec = {k: v for k, v in item.get("spec", {}).items() if k not in ADDRESSES}
    # A fingerprint says that a run has found nothing to do, and so does the list of what is kept: two ways to
    # one end differ in them, too.
    found = without(KEPT, without(FINGERPRINT, {**item, "metadata": metadata, "spec": spec}))
    text = json.dumps(found, indent=1, sort_keys=True)
    return TIME.sub("TIME", text.replace(uid, "ITS-UID"))


def without(name: str, tree: Any) -> Any:
    """The tree without this field, and without who owns it."""
    if isinstance(tree, Mapping):
        return {k: without(name, v) for k, v in tree.items() if k not in (name, f"f:{name}")}
    return [without(name, item) for item in tree] if isinstance(tree, list) else tree


def _manager(entry: Mapping[str, Any]) -> tuple[str, str, str]:
    return entry["manager"], entry["operation"], entry.get("subresource", "")


def different(wanted: Mapping[str, str], found: Mapping[str, str]) -> str:
    """What differs, for a person."""
    lines: list[str] = []
    for path in sorted(wanted.keys() | found.keys()):
        one, other = wanted.get(path, "absent"), found.get(path, "absent")
        if one != other:
            diff = difflib.unified_diff(
                one.splitlines(), other.splitlines(), "wanted", "found", n=2, lineterm=""
            )
            lines += [path, *diff]
    return "\n".join(lines[:60])


def deletes(trace: Iterable[Passed]) -> set[Place]:
    """What the server was asked to delete, and has deleted."""
    return {passed.place for passed in trace if passed.place.method == DELETE and passed.done}


def wrongful_deletes(line: Line, reference: Line) -> Iterator[str]:
    """Deletes that the reference run, which met no fault, did not have to send; or that name no state."""
    rightful = deletes(reference.trace)
    for passed in (p for p in line.writes if p.place.method == DELETE):
        if passed.place not in rightful:
            yield f"a wrongful delete was sent: {passed.place} ({passed.code})"
        if not all(map(passed.preconditions.get, ("uid", "resourceVersion"))):
            yield f"a delete without uid or resourceVersion: {passed.place}"


def needless_writes(line: Line, reference: Line) -> Iterator[str]:
    """Whatever else a run wrote that the reference run did not have to."""
    wanted = {passed.place for passed in reference.writes}
    for passed in line.writes:
        if passed.place.method != DELETE and passed.place not in wanted and not tells(passed.place):
            yield f"a write that nothing needed: {passed.place} ({passed.code})"


def out_of_turn(line: Line, reference: Line) -> Iterator[str]:
    """Routes that went before the one that the preview switches to was there."""
    made = [p for p in reference.trace if _is_route(p.place) and p.place.method == "PATCH" and p.code == 201]
    for number, passed in enumerate(line.trace):
        if passed.place.method != DELETE or not passed.done or not _is_route(passed.place):
            continue
        name = passed.place.path.split("/")[-1]
        for new in made:
            if new.place.path.split("/")[-1] == name and not _was_there(new.place, line.trace[:number]):
                yield f"{passed.place} came before {new.place}"


def _was_there(place: Place, before: Iterable[Passed]) -> bool:
    """Whether it was made, or had been found to be there, by then."""
    return any(p.place.path == place.path and p.done and p.place.method in ("PATCH", READ) for p in before)


def _is_route(place: Place) -> bool:
    return any(is_of(place, kind) for kind in ROUTES)


def is_of(place: Place, kind: str) -> bool:
    """Whether it is an object of this kind."""
    return f"/{KINDS[kind].plural}/" in place.path


def tells(place: Place) -> bool:
    """A status or an Event: no part of a plan."""
    return place.path.endswith(("/status", "/events"))


def changed_uids(before: State, after: State, wanted: State) -> Iterator[str]:
    """Objects that were to stay, or be mended, and are now others of their name."""
    for path in before.uids.keys() & wanted.uids.keys():
        if after.uids.get(path) != before.uids[path]:
            yield f"{path} has another uid, or is gone"


def unanswered(line: Line) -> list[Place]:
    """Writes of children and lists whose last answer was not the server's own, whole and good."""
    last = {id(passed.request): passed for passed in line.trace}
    return [
        passed.place
        for passed in last.values()
        if not passed.whole
        and not tells(passed.place)
        and (passed.place.is_list or passed.place.method != READ)
    ]
