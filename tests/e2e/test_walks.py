"""Previews on a real API server are edited again and again: what is there depends on their specs alone.

Many walk side by side, and beside each, in a second namespace, walks one that is made anew at every step.
The CRD of their group takes every spec, so that what no preview may say gets as far as the command: as
with the CRD of an older version. `PROOF=whole` (`make walks`) takes 51 walks; else it is three, half as long.
"""

import json
import sys
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from tests.controlplane import AuditEvent, eventually
from tests.e2e.conftest import fresh_namespace
from tests.e2e.contents import contents, differences
from tests.e2e.groups import any_spec, installation
from tests.e2e.story import READS, ROUTES, TOLD, Story
from tests.proofs import walks
from tests.proofs.walks import DOMAIN, START, Edit, drawn, set_up_once_for
from tests.whole import WHOLE

WALKS, STEPS = (17, walks.STEPS) if WHOLE else (3, 5)
"""With each kind of route."""
BLOCKED = 1
OPTIONS = ("--max-deletes", "100%", "--allow-secret", "*", "--allow-fqdn", "*.*.*.example.com")
START_TIME = "2026-01-01T00:00:00Z"


@pytest.fixture
def walked(story: Story) -> Iterator[tuple[Story, Story]]:
    """Two namespaces in which no pod starts, with previews of a group that takes every spec."""
    with installation(story, any_spec) as here, fresh_namespace(story.plane) as second:
        scratch = replace(here, namespace=second)
        for one in (here, scratch):
            one.allow_no_pods()
        yield here, scratch
        scratch.clear()


@dataclass
class Walks:
    """Many previews, each on its walk, in one namespace; and in another what is made from scratch."""

    here: Story
    scratch: Story
    walks: Sequence[Sequence[Edit]]
    specs: list[dict[str, Any]] = field(default_factory=list)
    uids: dict[str, str] = field(default_factory=dict)
    ran: dict[str, tuple[Any, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.specs = [dict(START) for _ in self.walks]

    @property
    def names(self) -> list[str]:
        return [f"pr-{number}" for number in range(len(self.walks))]

    def write(self, story: Story, name: str, spec: Mapping[str, Any], *, new: bool) -> None:
        """As its author writes it: not as an apply, whose YAML has no room for some characters."""
        fqdn = spec.get("fqdn")
        if isinstance(fqdn, str):
            spec = {**spec, "fqdn": fqdn.replace(DOMAIN, f"{name}.{story.namespace}.example.com")}
        if new:
            head = {"apiVersion": story.names.api_version, "kind": "PreviewEnvironment"}
            story.create({**head, "metadata": {"name": name}, "spec": spec}, by="author")
        else:
            replacement = [{"op": "replace", "path": "/spec", "value": spec}]
            story.patch("PreviewEnvironment", replacement, name, by="author")

    def begin(self) -> None:
        for name, spec in zip(self.names, self.specs, strict=True):
            self.write(self.here, name, spec, new=True)
        self.here.reconcile(*OPTIONS, everywhere=True)
        self.uids = lasting(self.here.uids())

    def step(self, number: int) -> int:
        """Every preview is edited once, and all are reconciled in one run; how many edits were valid."""
        self._end_jobs()
        before = self.here.everything_now()
        self.scratch.clear()
        edits = {name: walk[number] for name, walk in zip(self.names, self.walks, strict=True)}
        for index, (name, edit) in enumerate(edits.items()):
            self.write(self.here, name, edit.written(self.specs[index]), new=False)
            self.specs[index] = edit.of(self.specs[index])
            if not edit.bad:
                self.write(self.scratch, name, self.specs[index], new=True)
        bad = {name for name, edit in edits.items() if edit.bad}
        log_size = self.here.plane.audit_log.stat().st_size
        self.here.reconcile(*OPTIONS, everywhere=True, code=BLOCKED if bad else 0)
        self._check_writes(self.here.plane.audit(self.here.account.user, log_size), bad)
        self._check_children(before, self.here.everything_now(), bad)
        return len(edits) - len(bad)

    def _end_jobs(self) -> None:
        """Setup Jobs end well, as they would if there were pods: a newer one waits for an older."""
        for key, job in self.here.everything_of("Job").items():
            if "completionTime" not in job.get("status", {}):
                self._end_job(key.partition("/")[2])

    def _end_job(self, name: str) -> None:
        def started() -> str:
            said: str = self.here.live("Job", name).get("status", {}).get("startTime", "")
            return said or ("" if self.here.plane.has_controllers else START_TIME)

        at = eventually(started, f"Job {name} is started")
        conditions = [{"type": kind, "status": "True", "lastTransitionTime": at}
                      for kind in ("SuccessCriteriaMet", "Complete")]  # fmt: skip
        status = {"conditions": conditions, "startTime": at, "completionTime": at, "succeeded": 1}
        path = f"{self.here.path_of('Job', name)}/status"
        self.here.ask("PATCH", path, {"status": status}, "application/merge-patch+json")

    def _check_writes(self, events: Sequence[AuditEvent], bad: Set[str]) -> None:
        """The trace: nothing of a preview that cannot be read is written, and only old Jobs are deleted."""
        writes = [e for e in events if e.verb not in READS and e.resource not in TOLD and e.code < 400]
        of_bad = [e for e in writes if e.namespace == self.here.namespace and preview_of(e.name) in bad]
        assert of_bad == []
        assert {e.resource for e in writes if e.verb == "delete"} <= {"jobs"}

    def _check_children(self, before: Mapping[str, Any], after: Mapping[str, Any], bad: Set[str]) -> None:
        assert lasting(self.here.uids()) == self.uids
        was, now = (
            {key: ours(key, child) for key, child in there.items() if preview_of(key) in bad}
            for there in (before, after)
        )
        assert now == was
        made = self._said(self.here, {key: child for key, child in after.items() if key not in now})
        wanted = self._said(self.scratch, self.scratch.everything_now())
        stays = {key: child for key, child in before.items() if key not in was and self._has_run(key)}
        for key in self._ran_and_removed(after):
            wanted.pop(f"Job/{preview_of(key)}-JOB", None)
        found = differences(wanted | self._said(self.here, stays), made)
        assert not found, "\n".join(found)
        self.ran |= {key: self._now_for(key) for key in after.keys() - before.keys() if is_job(key)}

    def _has_run(self, key: str) -> bool:
        """Whether it is the setup Job of what its preview still asks for, which nothing changes."""
        return is_job(key) and self.ran[key] == self._now_for(key)

    def _ran_and_removed(self, after: Mapping[str, Any]) -> list[str]:
        """The setup Jobs that the previews' statuses record for what they ask for now, and that are gone."""
        previews = self.here.everything_of("PreviewEnvironment").values()
        jobs = (preview.get("status", {}).get("setup", {}).get("job") for preview in previews)
        keys = [f"Job/{job}" for job in jobs if job]
        return [key for key in keys if key not in after and key in self.ran and self._has_run(key)]

    def _now_for(self, key: str) -> tuple[Any, ...]:
        return set_up_once_for(self.specs[self.names.index(preview_of(key))])

    @staticmethod
    def _said(story: Story, children: Mapping[str, Any]) -> dict[str, Any]:
        """What the children say; a Job's name has a hash, in which the namespace is too."""
        found = contents(children, story.namespace, story.names)
        text = json.dumps(found)
        for key in children:
            if is_job(key):
                text = text.replace(key.partition("/")[2], f"{preview_of(key)}-JOB")
        said: dict[str, Any] = json.loads(text)
        assert len(said) == len(children), sorted(children)
        return said


def preview_of(key: str) -> str:
    """The preview of a child: a Job has a hash behind its name."""
    return "-".join(key.rpartition("/")[2].split("-")[:2])


def is_job(key: str) -> bool:
    return key.startswith("Job/")


def lasting(uids: Mapping[str, str]) -> dict[str, str]:
    """The uids of all children but Jobs, which are made anew for another image."""
    return {key: uid for key, uid in uids.items() if not is_job(key)}


def ours(key: str, child: Mapping[str, Any]) -> Any:
    """The object, byte for byte, but for what controllers write, where there are some."""
    if key.partition("/")[0] not in ("Deployment", "Job"):
        return child
    noted = {"resourceVersion", "managedFields"}
    metadata = {name: value for name, value in child["metadata"].items() if name not in noted}
    annotations = {k: v for k, v in metadata["annotations"].items() if not k.startswith("deployment.")}
    fields = [e for e in child["metadata"]["managedFields"] if not e.get("subresource")]
    metadata |= {"annotations": annotations, "managedFields": fields}
    return {"metadata": metadata, "spec": child["spec"]}


@pytest.mark.usefixtures("gateway_api")
@pytest.mark.parametrize("route", ROUTES if WHOLE else ["Ingress"])
def test_after_each_edit_the_children_are_those_of_the_spec_or_those_before(
    walked: tuple[Story, Story], route: str
) -> None:
    here, scratch = (replace(story, route=route) for story in walked)
    side_by_side = Walks(here, scratch, drawn(WALKS, list(ROUTES).index(route)))
    side_by_side.begin()
    valid = sum(side_by_side.step(number) for number in range(STEPS))
    assert 0 < valid < WALKS * STEPS
    sys.stdout.write(f"{WALKS} walks with a {route} on a real API server: {valid} valid edits, "
                     f"{WALKS * STEPS - valid} others\n")  # fmt: skip
