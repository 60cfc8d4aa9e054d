"""Claims about a folder as a cluster: what is read, what is ours, what is written and what never is."""

import os
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from reconcile.cluster.files.cluster import DirectoryCluster
from reconcile.cluster.files.yaml import dump
from reconcile.cluster.port import Cluster, FromFile
from reconcile.desire.children import RESOURCES
from reconcile.errors import Conflict, Forbidden, Rejected, ServerTrouble, UsageError
from reconcile.kube.managedfields import field_set_of, from_fields_v1
from reconcile.kube.objects import DEPLOYMENT, SERVICE, Manifest, Resource
from reconcile.model.names import KIND, PLURAL, Names
from tests.cluster_adapters.contract import ClusterContract, Plant

GROUP = "platform9.com"
CHILDREN = tuple(RESOURCES.values())
MANAGER = f"preview-reconcile.{GROUP}"
HEADER = f"# Written by {MANAGER}; edits are overwritten.\n"
LABEL = f"{GROUP}/preview"
PREVIEW = Resource(GROUP, "v1", KIND, PLURAL)


def preview(name: str, fqdn: str = "a.example.com", **metadata: Any) -> dict[str, Any]:
    return {
        "apiVersion": f"{GROUP}/v1",
        "kind": KIND,
        "metadata": {"name": name, **metadata},
        "spec": {"image": "app:1", "fqdn": fqdn},
    }


def service(name: str = "pr-1", port: int = 80, **metadata: Any) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": "shop", "labels": {LABEL: name}, **metadata},
        "spec": {"ports": [{"name": "http", "port": port, "protocol": "TCP"}]},
    }


class Place:
    """A folder for `--from`, one for `--to`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.source = path / "shop"
        self.to = path / "out"
        self.source.mkdir()

    def put(self, file: str, *manifests: Manifest, header: str = "") -> Path:
        path = self.path / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(header + "---\n".join(dump(manifest) for manifest in manifests))
        return path

    def cluster(self, *sources: str, to: str | None = "out", **options: Any) -> DirectoryCluster:
        return DirectoryCluster(sources or ("shop",), to, group=GROUP, children=CHILDREN, **options)

    def written(self) -> dict[str, str]:
        return {path.name: path.read_text() for path in sorted(self.to.iterdir())}


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    monkeypatch.chdir(tmp_path)
    return Place(tmp_path)


def apply(cluster: DirectoryCluster, manifest: Manifest) -> Manifest:
    resource = RESOURCES.get(manifest["kind"], Names().previews)
    return cluster.apply(resource, manifest, manager=MANAGER, force=False).manifest


def delete(cluster: DirectoryCluster, live: Manifest) -> bool:
    metadata = live["metadata"]
    return cluster.delete(
        SERVICE, "shop", metadata["name"], uid=metadata["uid"], resource_version=metadata["resourceVersion"]
    )


def names(cluster: DirectoryCluster, resource: Resource = SERVICE, **only: Any) -> list[str]:
    listing = cluster.list(resource, **only)
    assert listing.problems == ()
    return [item["metadata"]["name"] for item in listing.items]


def there(cluster: DirectoryCluster, name: str = "pr-1") -> Manifest:
    found = cluster.get(SERVICE, "shop", name)
    assert found is not None
    return found


# --from


ROLE = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": {"name": "system:a"}}


def test_previews_are_read_from_files_and_standard_input_and_live_in_default_without_a_namespace(
    place: Place,
) -> None:
    """What is none of ours, of another group or with a name that only its kind may have, is no matter."""
    others = (service(), ROLE, {**preview("pr-3"), "apiVersion": "example.org/v1"})
    place.put("shop/a.yaml", preview("pr-1"), preview("pr-2", namespace="shop"), *others)
    cluster = place.cluster("shop/", "-", stdin=dump(preview("pr-9")))
    listing = cluster.list(PREVIEW)
    assert listing.problems == ()
    found = {(i["metadata"]["namespace"], i["metadata"]["name"]): i for i in listing.items}
    assert list(found) == [("default", "pr-1"), ("default", "pr-9"), ("shop", "pr-2")]
    sources = [item.source for item in found.values() if isinstance(item, FromFile)]
    assert [source.where() for source in sources] == ["shop/a.yaml:1", "standard input:1", "shop/a.yaml:9"]
    assert sources[2].where(("spec", "fqdn")) == "shop/a.yaml:16"
    assert cluster.description == "the files in shop/ and standard input"
    assert place.cluster("shop/a.yaml").description == "the file shop/a.yaml"
    assert not cluster.is_server


PROBLEMS: dict[str, tuple[list[Manifest], Resource, str, int]] = {
    "an object twice": (
        [service(), preview("pr-1"), service("pr-2"), service(port=81)],
        SERVICE,
        "shop/a.yaml:35: Service shop/pr-1 is in shop/a.yaml:1 already",
        2,
    ),
    "another version": (
        [{**preview("pr-1"), "apiVersion": f"{GROUP}/v1beta1"}],
        PREVIEW,
        f"shop/a.yaml:1: apiVersion is '{GROUP}/v1beta1', not {GROUP}/v1",
        1,
    ),
    **{
        f"a name that no object can have: {name}": (
            [service(name)],
            SERVICE,
            f"shop/a.yaml:1: Service 'shop'/{name!r}: the name is no Kubernetes name",
            0,
        )
        for name in ("../x", "Foo", "a/b")
    },
}


@pytest.mark.parametrize("case", PROBLEMS)
def test_what_cannot_be_meant_is_a_problem_of_its_kind_alone(place: Place, case: str) -> None:
    manifests, resource, problem, items = PROBLEMS[case]
    place.put("shop/a.yaml", *manifests)
    listing = place.cluster().list(resource)
    assert (listing.problems, len(listing.items)) == ((problem,), items)
    assert place.cluster().list(DEPLOYMENT).problems == ()


def test_an_object_of_a_file_has_the_same_uid_at_every_reading_and_a_version_of_its_content(
    place: Place,
) -> None:
    def metadata() -> dict[str, Any]:
        (item,) = place.cluster().list(SERVICE).items
        return dict(item["metadata"])

    place.put("shop/a.yaml", service())
    first = metadata()
    assert metadata() == first
    place.put("shop/a.yaml", service(port=81))
    second = metadata()
    assert second["uid"] == first["uid"]
    assert second["resourceVersion"] != first["resourceVersion"]
    assert "creationTimestamp" not in first


def test_a_preview_of_a_file_has_no_uid_that_its_children_could_name_as_their_owner(place: Place) -> None:
    place.put("shop/a.yaml", preview("pr-1"))
    (item,) = place.cluster().list(PREVIEW).items
    assert item["metadata"].keys() == {"name", "namespace", "resourceVersion"}


def test_what_a_dump_has_of_an_object_stays(place: Place) -> None:
    theirs: dict[str, Any] = {
        "uid": "4f9e",
        "resourceVersion": "17",
        "creationTimestamp": "2024-01-02T03:04:05Z",
        "deletionTimestamp": "2024-01-03T03:04:05Z",
        "managedFields": [{"manager": "kubectl", "operation": "Apply"}],
    }
    place.put("shop/a.yaml", preview("pr-1", namespace="shop", **theirs))
    (item,) = place.cluster().list(PREVIEW).items
    assert item["metadata"] == {"name": "pr-1", "namespace": "shop", **theirs}


def test_a_file_that_cannot_be_read_is_a_problem_of_every_list_and_a_broken_object_of_its_kinds(
    place: Place,
) -> None:
    place.put("shop/a.yaml", preview("pr-1"))
    (place.source / "b.yaml").write_text("kind: Service\nmetadata: [\n")
    (place.source / "c.yaml").write_text("apiVersion: v1\nkind: Service\n")
    not_yaml = "shop/b.yaml:3: not YAML: while parsing a flow node, did not find expected node content"
    nameless = "shop/c.yaml:1: a document without metadata.name"
    cluster = place.cluster()
    found = [cluster.list(resource).problems for resource in (PREVIEW, DEPLOYMENT, SERVICE)]
    assert found == [(not_yaml,), (not_yaml,), (not_yaml, nameless)]
    assert [item["metadata"]["name"] for item in cluster.list(PREVIEW).items] == ["pr-1"]


def test_a_route_of_another_version_exists(place: Place) -> None:
    place.put(
        "shop/a.yaml", {**service(), "apiVersion": "gateway.networking.k8s.io/v1beta1", "kind": "HTTPRoute"}
    )
    resource = Resource("gateway.networking.k8s.io", "v1", "HTTPRoute", "httproutes")
    assert names(place.cluster(), resource) == ["pr-1"]


def test_the_files_are_read_again_at_each_list(place: Place) -> None:
    file = place.put("shop/a.yaml", preview("pr-1"))
    cluster = place.cluster()
    assert names(cluster, PREVIEW) == ["pr-1"]
    place.put("shop/b.yaml", preview("pr-2"))
    file.unlink()
    assert names(cluster, PREVIEW) == ["pr-2"]


def test_a_pipe_gives_what_it_has_once_and_keeps_it(place: Place) -> None:
    os.mkfifo("pipe")
    text = dump(preview("pr-1"))
    writer = threading.Thread(target=Path("pipe").write_text, args=(text,))
    writer.start()
    cluster = place.cluster("pipe")
    assert [names(cluster, PREVIEW), names(cluster, PREVIEW)] == [["pr-1"], ["pr-1"]]
    writer.join()


@pytest.mark.parametrize(
    ("sources", "to", "expected"),
    [
        (("nowhere",), None, "--from nowhere: there is no such file or folder"),
        (("-",), None, "--from -: nothing was read from standard input"),
        (("shop",), "shop/file", "--to shop/file: this is no folder"),
    ],
)
def test_a_path_that_cannot_be_meant_is_a_usage_error(
    place: Place, sources: tuple[str, ...], to: str | None, expected: str
) -> None:
    (place.source / "file").touch()
    with pytest.raises(UsageError) as caught:
        DirectoryCluster(sources, to, group=GROUP, children=CHILDREN)
    assert str(caught.value) == expected


# --to


def test_a_child_is_written_readable_under_a_name_of_its_own_and_not_again(place: Place) -> None:
    cluster = place.cluster()
    apply(cluster, service())
    assert place.written() == {
        "shop.service.pr-1.yaml": f"""{HEADER}apiVersion: v1
kind: Service
metadata:
  name: pr-1
  namespace: shop
  labels:
    platform9.com/preview: pr-1
spec:
  ports:
  - name: http
    port: 80
    protocol: TCP
"""
    }
    before = os.stat("out/shop.service.pr-1.yaml")
    apply(cluster, service())
    assert os.stat("out/shop.service.pr-1.yaml") == before


def no_space(*_: object) -> None:
    raise OSError(28, "No space left on device")


def no_right(*_: object, **__: object) -> None:
    raise PermissionError(13, "Permission denied")


@pytest.mark.parametrize(
    ("broken", "how", "error", "words"),
    [
        ("replace", no_space, ServerTrouble, r"out/shop\.service\.pr-1\.yaml: No space left on device"),
        ("makedirs", no_right, Forbidden, r"out/shop\.service\.pr-1\.yaml: Permission denied"),
    ],
)
def test_a_write_that_fails_is_an_error_of_that_object_and_leaves_nothing_behind(
    place: Place, monkeypatch: pytest.MonkeyPatch, broken: str, how: Any, error: type, words: str
) -> None:
    monkeypatch.setattr(os, broken, how)
    with pytest.raises(error, match=words):
        apply(place.cluster(), service())
    assert not place.to.exists() or place.written() == {}


def test_what_cannot_be_written_as_text_is_refused(place: Place) -> None:
    with pytest.raises(Rejected, match="Service shop/pr-1: cannot be written as YAML"):
        apply(place.cluster(), service(annotations={"a": "\ud800"}))


def test_a_managed_file_wins_over_the_same_object_in_from_and_a_delete_shows_nothing_behind_it(
    place: Place,
) -> None:
    place.put("shop/a.yaml", service(port=81), service("pr-2"))
    file = place.put("out/shop.service.pr-1.yaml", service(port=80), header=HEADER)
    file.write_bytes(file.read_bytes().replace(b"\n", b"\r\n"))  # as an editor may leave it
    cluster = place.cluster()
    items = cluster.list(SERVICE, label=LABEL).items
    assert [i["spec"]["ports"][0]["port"] for i in items] == [80, 80]
    assert delete(cluster, there(cluster))
    assert cluster.get(SERVICE, "shop", "pr-1") is None
    assert place.written() == {}


FILE = "out/shop.service.pr-1.yaml"
IN_THE_WAY: dict[str, tuple[str, list[Manifest]]] = {
    "no header": ("", [service()]),
    "another group": (HEADER.replace(GROUP, "example.org"), [service()]),
    "two documents": (HEADER, [service(), service("pr-2")]),
    "no document": (HEADER, []),
    "another name": (HEADER, [service("pr-2")]),
    "another kind": (HEADER, [{**service(), "kind": "Deployment"}]),
    "another API group": (HEADER, [{**service(), "apiVersion": "serving.knative.dev/v1"}]),
}


def in_the_way(place: Place, case: str) -> Path:
    """Something that is not ours, where `Service shop/pr-1` would be written."""
    if case in IN_THE_WAY:
        header, manifests = IN_THE_WAY[case]
        return place.put(FILE, *manifests, header=header)
    if case == "a folder":
        return place.put(f"{FILE}/x", service())
    place.to.mkdir()
    target = place.put("elsewhere.yaml", service(), header=HEADER)
    if case == "a link":
        (place.path / FILE).symlink_to(target)
    else:
        os.mkfifo(place.path / FILE)
    return target


@pytest.mark.parametrize("case", [*IN_THE_WAY, "a folder", "a link", "a pipe"])
def test_a_file_in_the_way_reads_as_unmanaged_and_is_never_written(place: Place, case: str) -> None:
    place.put("shop/a.yaml", service())  # does not help: the file stands in its place
    other = in_the_way(place, case)
    before = other.read_bytes()
    cluster = place.cluster()
    live = there(cluster)
    assert {**live, "metadata": {}} == {"apiVersion": "v1", "kind": "Service", "metadata": {}}
    assert live["metadata"].keys() == {"namespace", "name", "uid", "resourceVersion"}
    assert cluster.list(SERVICE, label=LABEL).items == ()
    assert cluster.list(SERVICE).items == (live,)
    for write in (
        lambda: apply(cluster, service()),
        lambda: cluster.carry_over(SERVICE, service()),
        lambda: delete(cluster, live),
    ):
        with pytest.raises(Rejected, match=f"a file is in the way, move it elsewhere: {FILE}"):
            write()
    assert other.read_bytes() == before
    assert cluster.list(SERVICE).problems == ()


def test_a_child_that_stays_is_carried_over_once_unless_it_is_going(place: Place) -> None:
    going = service("pr-3", deletionTimestamp="2024-01-02T03:04:05Z")
    place.put("shop/a.yaml", service("pr-1"), service("pr-2"), going)
    cluster = place.cluster()
    carried = [cluster.carry_over(SERVICE, there(cluster, name)) for name in ("pr-1", "pr-1", "pr-3")]
    assert carried == [True, False, False]
    assert place.written() == {"shop.service.pr-1.yaml": HEADER + dump(service("pr-1"))}


def test_a_folder_keeps_no_status_and_has_the_clock_that_it_was_given(place: Place) -> None:
    path = place.put("shop/preview.yaml", preview("pr-1", namespace="shop"))
    before, moment = path.read_text(), datetime(2024, 1, 2, tzinfo=UTC)
    cluster = place.cluster(now=lambda: moment)
    status = {**preview("pr-1", namespace="shop"), "status": {"url": "https://a.example.com"}}
    assert cluster.apply_status(PREVIEW, status, manager=MANAGER) == status
    assert (path.read_text(), place.to.exists(), cluster.now()) == (before, False, moment)


def test_a_file_never_holds_what_a_server_keeps(place: Place) -> None:
    kept: dict[str, Any] = dict.fromkeys(("uid", "resourceVersion", "creationTimestamp", "selfLink"), "x")
    live = service(**kept, generation=3, managedFields=[{"manager": "x"}])
    assert place.cluster().carry_over(SERVICE, {**live, "status": {"loadBalancer": {}}})
    assert place.written()["shop.service.pr-1.yaml"] == HEADER + dump(service())


def test_a_managed_file_is_fully_owned(place: Place) -> None:
    place.put("out/shop.service.pr-1.yaml", service(), header=HEADER)
    live = there(place.cluster())
    (entry,) = live["metadata"]["managedFields"]
    assert (entry["manager"], entry["operation"], entry["apiVersion"]) == (MANAGER, "Apply", "v1")
    assert from_fields_v1(entry["fieldsV1"]) == field_set_of(service())


def test_an_unreadable_managed_file_is_a_problem_and_in_the_way(place: Place) -> None:
    place.to.mkdir()
    (place.to / "shop.service.pr-1.yaml").write_text(f"{HEADER}<<<<<<< HEAD\n")
    cluster = place.cluster()
    (problem,) = cluster.list(SERVICE).problems
    assert problem.startswith("out/shop.service.pr-1.yaml:2: no Kubernetes object")
    assert cluster.list(DEPLOYMENT).problems == ()
    with pytest.raises(Rejected, match=r"in the way.*out/shop.service.pr-1.yaml:2"):
        apply(cluster, service())


def test_a_managed_file_with_a_list_of_the_wrong_things_is_corrected_by_the_next_apply(
    place: Place,
) -> None:
    place.put("out/shop.service.pr-1.yaml", {**service(), "spec": {"ports": [80, None]}}, header=HEADER)
    cluster = place.cluster()
    assert there(cluster)["spec"] == {"ports": [80, None]}
    apply(cluster, service())
    assert there(cluster)["spec"] == service()["spec"]


def test_no_other_file_in_to_is_read_or_touched(place: Place) -> None:
    others = {
        "README.md": "hello",
        "kustomization.yaml": "{[",
        "Shop.service.pr-2.yaml": HEADER,
        "shop.service.pr-1.yaml.orig": HEADER,
        "shop.service.pr_1.yaml": HEADER,
        "_.service.pr-1.yaml": HEADER,
    }
    place.to.mkdir()
    for name, text in others.items():
        (place.to / name).write_text(text)
    cluster = place.cluster(".")
    place.put("shop/a.yaml", preview("pr-1"))
    assert names(cluster, PREVIEW) == ["pr-1"]
    delete(cluster, apply(cluster, service()))
    assert place.written() == dict(sorted(others.items()))


def test_a_folder_can_be_from_and_to_at_once(place: Place) -> None:
    place.put("shop/a.yaml", preview("pr-1"))
    cluster = place.cluster("shop", to="shop")
    first = apply(cluster, service())
    again = place.cluster("shop", to="shop")
    assert (names(again, PREVIEW), names(again)) == (["pr-1"], ["pr-1"])
    assert there(again) == first
    assert delete(again, first)
    assert sorted(os.listdir("shop")) == ["a.yaml"]


def test_a_to_inside_from_is_not_read_as_a_source(place: Place) -> None:
    place.put("shop/a.yaml", preview("pr-1"))
    apply(place.cluster("shop", to="shop/out"), service())
    place.put("shop/out/other.yaml", preview("pr-2"))
    again = place.cluster("shop", to="shop/out")
    assert (names(again, PREVIEW), names(again)) == (["pr-1"], ["pr-1"])


def test_previews_are_never_read_from_to_nor_written(place: Place) -> None:
    place.put("out/shop.previewenvironment.pr-1.yaml", preview("pr-1", namespace="shop"), header=HEADER)
    cluster = place.cluster()
    assert names(cluster, PREVIEW) == []
    with pytest.raises(Rejected, match="previews are read from --from"):
        apply(cluster, preview("pr-1", namespace="shop"))


def test_an_apply_writes_into_to_what_was_only_in_from_and_leaves_from_alone(place: Place) -> None:
    file = place.put("shop/a.yaml", service(port=81, annotations={"note": "x"}))
    before = file.read_bytes()
    cluster = place.cluster()
    metadata = there(cluster)["metadata"]
    guards = {name: metadata[name] for name in ("uid", "resourceVersion")}
    answer = cluster.apply(SERVICE, service(**guards), manager=MANAGER, force=True)
    assert not answer.created
    assert place.written() == {"shop.service.pr-1.yaml": HEADER + dump(service())}
    assert file.read_bytes() == before
    assert there(place.cluster()) == answer.manifest


def test_what_only_from_has_is_not_seen_again_once_it_was_deleted(place: Place) -> None:
    file = place.put("shop/a.yaml", service())
    cluster = place.cluster()
    live = there(cluster)
    assert delete(cluster, live)
    assert cluster.get(SERVICE, "shop", "pr-1") is None
    assert names(cluster) == []
    assert not cluster.carry_over(SERVICE, live)
    assert not delete(cluster, live)
    assert file.exists()
    assert not place.to.exists()


def test_without_to_every_write_is_a_usage_error(place: Place) -> None:
    place.put("shop/a.yaml", service())
    cluster = place.cluster(to=None)
    live = there(cluster)
    for write in (
        lambda: apply(cluster, service()),
        lambda: cluster.carry_over(SERVICE, live),
        lambda: delete(cluster, live),
    ):
        with pytest.raises(UsageError, match="pass --to DIR"):
            write()


def test_a_patch_may_test_and_take_fields_over_and_do_nothing_else(place: Place) -> None:
    cluster = place.cluster()
    live = apply(cluster, service())
    guard = {"op": "test", "path": "/metadata/uid", "value": live["metadata"]["uid"]}
    taken = {"op": "replace", "path": "/metadata/managedFields/0/fieldsV1", "value": {}}
    label = {"op": "test", "path": "/metadata/labels/platform9.com~1preview", "value": "pr-1"}
    port = {"op": "test", "path": "/spec/ports/0/port", "value": 80}
    assert cluster.patch(SERVICE, "shop", "pr-1", [guard, label, port, taken], manager=MANAGER) == live
    with pytest.raises(Conflict):
        cluster.patch(SERVICE, "shop", "pr-1", [{**port, "path": "/spec/ports/1/port"}], manager=MANAGER)
    with pytest.raises(Rejected):
        cluster.patch(SERVICE, "shop", "pr-1", [{**taken, "path": "/spec/ports"}], manager=MANAGER)
    with pytest.raises(Conflict):
        cluster.patch(SERVICE, "shop", "pr-2", [guard], manager=MANAGER)


def test_two_installations_share_a_folder_and_do_not_touch_each_other(place: Place) -> None:
    theirs = DirectoryCluster(("shop",), "out", group="example.org", children=CHILDREN)
    apply(theirs, service("pr-2"))
    cluster = place.cluster()
    apply(cluster, service("pr-1"))
    assert names(cluster, label=LABEL) == ["pr-1"]
    assert [item["metadata"]["name"] for item in theirs.list(SERVICE, label=LABEL).items] == ["pr-2"]


def test_a_folder_takes_any_kind_and_knows_no_schema(place: Place) -> None:
    cluster = place.cluster()
    thing = Resource("example.com", "v1", "Thing", "things")
    assert cluster.resource("example.com/v1", "Thing") == thing
    assert cluster.schema(thing) is None


class TestContract(ClusterContract):
    """The folder keeps what every cluster promises."""

    @pytest.fixture
    def namespace(self) -> str:
        return "shop"

    @pytest.fixture
    def cluster(self, place: Place) -> Cluster:
        return place.cluster()

    @pytest.fixture
    def plant(self, place: Place) -> Plant:
        return lambda manifest: place.put("shop/theirs.yaml", manifest)
