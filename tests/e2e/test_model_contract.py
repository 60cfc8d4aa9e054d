"""The model of the API server answers as the real one does, to the same table of requests.

What the proofs over `tests/proofs/model` say is worth as much as this table.
"""

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol, cast

import pytest

from reconcile.desire.children import RESOURCES, render
from reconcile.kube.objects import DEPLOYMENT, EVENTS_V1, Resource
from reconcile.model.names import Names
from reconcile.model.preview import PreviewEnvironment, parse_preview
from reconcile.model.settings import Gateway, RouteOption, Settings
from tests.controlplane import ControlPlane
from tests.e2e.story import ROUTES, Story
from tests.proofs.model.apiserver import APPLY, Answered, Asked, Model, OutOfModel

NAMES = Names()
OURS = NAMES.field_manager
PREVIEW = NAMES.previews
KINDS = ("PreviewEnvironment", "Deployment", "Service", *ROUTES)
OTHER_UID = "00000000-0000-0000-0000-000000000000"
HOLD = "example.com/hold"


class Server(Protocol):
    """Answers requests: the model or the real one."""

    def ask(self, asked: Asked) -> Answered: ...


@dataclass
class InModel:
    state: Model = field(default_factory=Model)

    def ask(self, asked: Asked) -> Answered:
        self.state, answer, _ = self.state.answer(asked)
        return answer


@dataclass(frozen=True)
class Real:
    plane: ControlPlane

    def ask(self, asked: Asked) -> Answered:
        answer = self.plane.request(
            asked.method, asked.path, asked.body, params=asked.params, content_type=asked.type
        )
        return Answered(answer.status_code, answer.content, answer.headers["Content-Type"])


class Step(NamedTuple):
    """One request about one object.

    `uid` and `version` guard it: with those of the object as it was seen last (`now`), with the version
    before that (`old`), or with another uid. What a status says is its `message`; where kinds are remembered
    it is the one kind. `spec` is another spec of the preview, `labels` and
    `finalizers` go into the metadata, of which a `bare` one has nothing but the name.
    """

    verb: str
    uid: str = ""
    version: str = ""
    spec: Mapping[str, Any] = {}
    labels: Mapping[str, str] = {}
    finalizers: tuple[str, ...] = ()
    force: bool = False
    message: str = ""
    bare: bool = False


NEW = Step("apply")
LABEL = Step("apply", labels={"example.com/changed": "b"})
ANOTHER = Step("apply", spec={"image": "registry.example.com/web:2", "fqdn": "other.example.com", "port": 81})
MINE = Step("apply", uid="now", version="now", labels={"example.com/changed": "b"}, force=True)
GET, DELETE = Step("get"), Step("delete")

TABLE: Mapping[str, tuple[Step, ...]] = {
    "nothing-there": (GET, DELETE, Step("delete", "other", "other")),
    "made": (NEW, GET),
    "the-same-again": (NEW, NEW, NEW._replace(force=True), GET),
    "more-and-less": (NEW, LABEL, NEW, GET),
    "another-spec": (NEW, ANOTHER, NEW, GET),
    "guarded": (NEW, MINE, MINE, MINE._replace(labels={})),
    "guarded-by-its-uid": (NEW, LABEL._replace(uid="now"), NEW._replace(uid="now")),
    "another-uid": (NEW, MINE._replace(uid="other"), MINE._replace(uid="other", version=""), GET),
    "another-uid-and-nothing-new": (NEW, NEW._replace(uid="other", version="now"), GET),
    "an-old-version": (NEW, LABEL, MINE._replace(version="old", labels={}), GET),
    "an-old-version-and-nothing-new": (NEW, LABEL, LABEL._replace(uid="now", version="old"), GET),
    "another-uid-and-an-old-version": (NEW, LABEL, MINE._replace(uid="other", version="old"), GET),
    "not-back-to-life": (NEW, DELETE, MINE, GET),
    "not-back-to-life-by-its-uid": (NEW, DELETE, NEW._replace(uid="now"), GET),
    "another-life": (NEW, DELETE, NEW, MINE, GET),
    "deleted": (NEW, DELETE, GET, DELETE),
    "deleted-guarded": (NEW, Step("delete", "now", "now"), Step("delete", "now", "now"), GET),
    "deleted-by-another-uid": (NEW, Step("delete", "other", "now"), Step("delete", "other"), GET),
    "deleted-by-an-old-version": (NEW, LABEL, Step("delete", "now", "old"), Step("delete", "", "old"), GET),
    "deleted-by-both-wrong": (NEW, LABEL, Step("delete", "other", "old"), GET),
    "held-by-a-finalizer": (
        NEW._replace(finalizers=(HOLD,)), DELETE, GET, DELETE, NEW._replace(finalizers=(HOLD,)),
        MINE._replace(finalizers=(HOLD,)), NEW, GET,
    ),
}  # fmt: skip
REMEMBER, FORGET = Step("remember", version="now", message="v1/ConfigMap"), Step("remember", version="now")
OF_STATUS: Mapping[str, tuple[Step, ...]] = {
    "no-status": (Step("status", message="a"),),
    "status": (NEW, *(Step("status", message=message) for message in "aab"), GET),
    "status-stays": (NEW, Step("status", message="a"), ANOTHER, NEW, GET),
    "guarded-status": (
        NEW, Step("status", "now", "now", message="a"), Step("status", "now", "old", message="b"),
        Step("status", "other", "now", message="b"), Step("status", "other", message="b"), GET,
    ),
    "kinds-beside-a-status": (
        NEW, Step("status", message="a"), REMEMBER, Step("status", message="a"), Step("status", message="b"), REMEMBER,
        REMEMBER._replace(message="v1/Secret"), FORGET, Step("status", message="b"), FORGET._replace(version="old"), GET,
    ),
    "kinds-before-any-status": (NEW, REMEMBER, REMEMBER, Step("status", message="a"), FORGET, GET),
    "status-of-what-is-gone": (NEW, DELETE, Step("status", "now", "now", message="a")),
    "status-of-another-life": (NEW, DELETE, NEW, Step("status", "first", "now", message="a"), GET),
}  # fmt: skip


@dataclass
class Walk:
    """One row of the table with one kind on one server; `said` are its answers, without what differs."""

    server: Server
    namespace: str
    kind: str
    row: str
    said: list[dict[str, Any]] = field(default_factory=list)
    uids: list[str] = field(default_factory=list)
    versions: list[str] = field(default_factory=list)
    there: dict[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return f"{self.row}-{self.kind}".lower()

    @property
    def resource(self) -> Resource:
        return RESOURCES.get(self.kind, PREVIEW)

    def take(self, step: Step) -> None:
        """Send the request, and keep what was answered, and what is there then."""
        if self.kind == DEPLOYMENT.kind:  # whose controllers may have written since
            self.there = self._there()
        before, answer = self.there, self.server.ask(self.asked(step))
        after = self.there = self._there()
        self.said.append({
            "answer": self._told(answer), "then": self._kept(after), "changed": self._changed(before, after),
        })  # fmt: skip

    def _changed(self, before: dict[str, Any], after: dict[str, Any]) -> str:
        if not before or not after:
            return f"{bool(before)} -> {bool(after)}"
        same = before["metadata"]["resourceVersion"] == after["metadata"]["resourceVersion"]
        return "nothing" if same else "its version"

    def _there(self) -> dict[str, Any]:
        """The object as it is; what it was is remembered for the guards."""
        answer = self.server.ask(Asked("GET", self.path))
        if answer.code != 200:
            return {}
        found: dict[str, Any] = json.loads(answer.body)
        uid, version = (found["metadata"][name] for name in ("uid", "resourceVersion"))
        if uid not in self.uids:
            self.uids.append(uid)
        if version not in self.versions:
            self.versions.append(version)
        return found

    def _told(self, answer: Answered) -> dict[str, Any]:
        found = json.loads(answer.body)
        if found["kind"] == "Status":
            details = found.get("details", {})
            causes = sorted(cause.get("field", "") for cause in details.get("causes", []))
            about = {name: details.get(name, "") for name in ("name", "kind", "group")}
            return {"code": answer.code, "type": answer.type, "reason": found.get("reason", ""),
                    "status": found["status"], "causes": causes, **about}  # fmt: skip
        return {"code": answer.code, "type": answer.type, **self._kept(found)}

    def _kept(self, found: dict[str, Any]) -> dict[str, Any]:
        """What has to be the same on both servers; a uid is its number among those that were seen."""
        if not found:
            return {}
        metadata = found["metadata"]
        if metadata["uid"] not in self.uids:
            self.uids.append(metadata["uid"])
        return {
            "uid": self.uids.index(metadata["uid"]),
            "generation": metadata.get("generation"),
            "going": "deletionTimestamp" in metadata,
            "labels": metadata.get("labels", {}),
            "managers": sorted(
                (e["operation"], e.get("subresource", ""), json.dumps(e["fieldsV1"], sort_keys=True))
                for e in metadata["managedFields"]
                if e["manager"] == OURS
            ),
            "status": found.get("status") if self.kind == PREVIEW.kind else None,
        }  # fmt: skip

    @property
    def path(self) -> str:
        root = f"/apis/{self.resource.api_version}" if self.resource.group else "/api/v1"
        return f"{root}/namespaces/{self.namespace}/{self.resource.plural}/{self.name}"

    def asked(self, step: Step) -> Asked:
        guards = self._guards(step)
        force = (("force", "true"),) if step.force or step.verb == "status" else ()
        params = (("fieldManager", OURS), *force)
        match step.verb:
            case "get":
                return Asked("GET", self.path)
            case "delete":
                options = {"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": "Background"}
                body = {**options, **({"preconditions": guards} if guards else {})}
                return Asked("DELETE", self.path, (), "application/json", _json(body))
            case "status":
                body = {**self._head(guards), "status": {"observedGeneration": 1, "url": step.message}}
                return Asked("PATCH", f"{self.path}/status", params, APPLY, _json(body))
            case "remember":
                kinds = {"kinds": [step.message] if step.message else []}
                of_kinds = (("fieldManager", NAMES.kinds_manager), ("force", "true"))
                return Asked(
                    "PATCH",
                    f"{self.path}/status",
                    of_kinds,
                    APPLY,
                    _json({**self._head(guards), "status": kinds}),
                )
        return Asked("PATCH", self.path, params, APPLY, _json(self._manifest(step, guards)))

    def _guards(self, step: Step) -> dict[str, str]:
        uids = {"now": self.uids[-1:], "first": self.uids[:1], "other": [OTHER_UID], "": []}[step.uid]
        versions = {
            "now": self.versions[-1:],
            "old": self.versions[-2:-1],
            "other": ["1"],
            "": [],
        }[step.version]
        found = {"uid": uids, "resourceVersion": versions}
        return {name: values[0] for name, values in found.items() if values}

    def _head(self, guards: Mapping[str, str]) -> dict[str, Any]:
        metadata = {"name": self.name, "namespace": self.namespace, **guards}
        return {"apiVersion": self.resource.api_version, "kind": self.kind, "metadata": metadata}

    def _manifest(self, step: Step, guards: Mapping[str, str]) -> dict[str, Any]:
        """The preview, or what we would make for it; without an owner, whom nobody made here."""
        spec = {"image": "registry.example.com/web:1", "fqdn": "one.example.com", "replicas": 0, **step.spec}
        preview = {**self._head({}), "apiVersion": PREVIEW.api_version, "kind": PREVIEW.kind, "spec": spec}
        manifest = preview if self.kind == PREVIEW.kind else self._child(preview)
        metadata = {name: v for name, v in manifest["metadata"].items() if name != "ownerReferences"}
        metadata |= guards
        metadata |= {"labels": {**metadata.get("labels", {}), **step.labels}} if step.labels else {}
        metadata = {"name": self.name, "namespace": self.namespace} if step.bare else metadata
        metadata |= {"finalizers": list(step.finalizers)} if step.finalizers else {}
        return {**manifest, "metadata": metadata}

    def _child(self, preview: Mapping[str, Any]) -> dict[str, Any]:
        parsed = parse_preview(preview, group=NAMES.group)
        assert isinstance(parsed, PreviewEnvironment)
        route = self.kind.lower() if self.kind in ROUTES else "mapping"
        gateway = Gateway(namespace="infra", name="web")
        settings = Settings(route=cast(RouteOption, route), route_given=True, gateway=gateway)
        return next(dict(child) for child in render(parsed, settings) if child["kind"] == self.kind)


def flat(said: Mapping[str, Any]) -> dict[str, Any]:
    """`answer` and `then`, field by field."""
    return {
        f"{part}.{field}": value
        for part, found in said.items()
        for field, value in (found.items() if isinstance(found, Mapping) else [("", found)])
    }


def _json(value: Any) -> bytes:
    return json.dumps(value).encode()


def rows(kind: str) -> Iterator[tuple[str, tuple[Step, ...]]]:
    yield from TABLE.items()
    if kind == PREVIEW.kind:
        yield from OF_STATUS.items()


@pytest.mark.usefixtures("gateway_api")
def test_the_model_answers_each_request_as_the_real_server_does(story: Story) -> None:
    """All rows at once, step by step: the controllers have settled before each step."""
    real, model = Real(story.plane), InModel()
    steps = {(kind, row): found for kind in KINDS for row, found in rows(kind)}
    walks = {(kind, row): (Walk(real, story.namespace, kind, row), Walk(model, story.namespace, kind, row))
             for kind, row in steps}  # fmt: skip
    asked = 0
    for number in range(max(map(len, steps.values()))):
        story.settled()
        for place, found in steps.items():
            if number < len(found):
                for walk in walks[place]:
                    walk.take(found[number])
                asked += 1
    differ = [
        f"{kind} {row} {number}: {field} is {there.get(field)}, in the model {here.get(field)}"
        for (kind, row), (really, modelled) in walks.items()
        for number, pair in enumerate(zip(really.said, modelled.said, strict=True), 1)
        for there, here in (tuple(map(flat, pair)),)
        for field in sorted(there.keys() | here.keys())
        if there.get(field) != here.get(field)
    ]
    assert not differ, "\n".join(differ)
    codes = {said["answer"]["code"] for really, _ in walks.values() for said in really.said}
    assert codes == {200, 201, 404, 409, 422}
    sys.stdout.write(f"{asked:,} requests, answered alike by the model and the real server\n")


def test_the_model_creates_an_event_once_like_the_real_server(story: Story) -> None:
    path = f"/apis/{EVENTS_V1.api_version}/namespaces/{story.namespace}/{EVENTS_V1.plural}"
    about = {
        "apiVersion": PREVIEW.api_version,
        "kind": PREVIEW.kind,
        "namespace": story.namespace,
        "name": "a",
    }
    body = {
        "apiVersion": EVENTS_V1.api_version, "kind": EVENTS_V1.kind,
        "metadata": {"name": "a.1", "namespace": story.namespace},
        "eventTime": "2026-01-01T00:00:00.000000Z", "action": "Reconcile", "reason": "Made",
        "type": "Normal",
        "reportingController": "preview-reconcile", "reportingInstance": "a", "regarding": about, "note": "a",
    }  # fmt: skip
    asked = [Asked("POST", path, (), "application/json", _json(body))] * 2
    assert [reasons(InModel(), asked), reasons(Real(story.plane), asked)] == [
        [(201, "application/json", "Made"), (409, "application/json", "AlreadyExists")]
    ] * 2


def reasons(server: Server, asked: Sequence[Asked]) -> list[tuple[int, str, str]]:
    """Code, media type and reason of each answer; of the event itself, what it says."""
    answers = [server.ask(each) for each in asked]
    return [(a.code, a.type, json.loads(a.body).get("reason", "")) for a in answers]


@pytest.mark.usefixtures("gateway_api")
def test_the_model_lists_as_the_real_server_does(story: Story) -> None:
    real, model = Real(story.plane), InModel()
    for server in (real, model):
        for kind in KINDS:
            for row in ("b", "a"):
                Walk(server, story.namespace, kind, row).take(NEW)
            Walk(server, story.namespace, kind, "without-label").take(NEW._replace(bare=True))
    for kind in KINDS:
        path = Walk(real, story.namespace, kind, "a").path.rpartition("/")[0]
        label = (("labelSelector", NAMES.preview_label),) if kind != PREVIEW.kind else ()
        asked = Asked("GET", path, (*label, ("limit", "500")))
        assert listed(model.ask(asked)) == listed(real.ask(asked)), kind


def listed(answer: Answered) -> dict[str, Any]:
    """A list and its items, without what they say."""
    found = json.loads(answer.body)
    items = [{name: item.get(name) for name in ("apiVersion", "kind")} for item in found["items"]]
    names = [item["metadata"]["name"] for item in found["items"]]
    said = {name: found[name] for name in ("apiVersion", "kind")}
    return {**said, "code": answer.code, "type": answer.type, "items": items, "names": names,
            "version": bool(found["metadata"]["resourceVersion"])}  # fmt: skip


def test_a_kind_that_is_not_served_is_a_404_of_text_in_both(story: Story) -> None:
    known, unknown = (
        RESOURCES["HTTPRoute"],
        f"/apis/unknown.example.com/v1/namespaces/{story.namespace}/httproutes",
    )
    modelled = InModel(Model(not_served=frozenset({known.kind}))).ask(
        Asked("GET", f"/apis/{known.api_version}/namespaces/{story.namespace}/{known.plural}")
    )
    really = Real(story.plane).ask(Asked("GET", unknown))
    assert modelled == really._replace(type=really.type.partition(";")[0])
    assert modelled.code == 404


def test_the_model_has_no_answer_where_the_real_server_would_merge() -> None:
    walk = Walk(InModel(), "shop", "Service", "merged")
    walk.take(NEW)
    theirs = walk.asked(NEW)._replace(params=(("fieldManager", "somebody"),))
    with pytest.raises(OutOfModel):
        walk.server.ask(theirs)
