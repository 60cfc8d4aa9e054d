"""The whole story without a cluster: a preview comes up, stays right, and goes away, in a folder."""

from pathlib import Path

import pytest

from reconcile.cluster.files.yaml import dump
from tests.builders import a_preview
from tests.given import a_read_preview, children_of
from tests.shop import Shop

ALL = ["Deployment shop/pr-1", "Service shop/pr-1", "Mapping shop/pr-1"]
CREATED = [f"+ {child} new preview" for child in ALL]
INGRESS = ("--route", "ingress")
HTTPROUTE = ("--route", "httproute", "--gateway", "infra/web")


@pytest.fixture
def running(shop: Shop) -> Shop:
    """A preview with everything, made."""
    env = [{"name": "A", "value": "one"}, {"name": "B", "value": "two"}]
    shop.write(env=env, port=8080, healthPath="/healthz", replicas=2)
    shop.reconcile()
    return shop


# it comes up


def test_a_preview_gets_its_children_one_file_each_and_the_next_run_is_silent(shop: Shop) -> None:
    shop.write(image="nginx:1")
    ended = shop.reconcile()
    assert ended.lines == [
        *CREATED,
        "Plan: 3 to create, 0 to update, 0 to delete, 0 unchanged.",
        "Done: 3 created, 0 updated, 0 deleted.",
    ]
    assert ended.out.startswith("Every preview, in the files in previews/\n\n")
    assert ended.err == ""
    assert shop.children() == ALL
    shop.is_silent()


def test_the_files_are_what_a_server_would_be_sent_but_for_the_owner_that_a_file_cannot_know(
    shop: Shop,
) -> None:
    shop.write(dumped=True)
    shop.reconcile()
    for kind, manifest in children_of(a_read_preview()).items():
        assert shop.child(kind) == manifest
    shop.write()
    shop.reconcile()
    assert "ownerReferences" not in shop.path("Service").read_text()


def test_a_dry_run_writes_nothing_and_plans_what_the_next_run_does(shop: Shop) -> None:
    shop.write()
    ended = shop.reconcile("--dry-run")
    assert ended.lines == [*CREATED, "Plan: 3 to create, 0 to update, 0 to delete, 0 unchanged."]
    assert shop.children() == []
    assert shop.reconcile("--dry-run", "--exit-code", code=3).out == ended.out
    assert shop.reconcile().out.startswith(ended.out)
    shop.reconcile("--dry-run", "--exit-code")


def test_many_previews_of_many_namespaces_come_up_in_one_run(shop: Shop) -> None:
    for number in range(20):
        shop.write(f"pr-{number}", "blog" if number % 2 else "shop")
    ended = shop.reconcile()
    assert ended.lines[-1] == "Done: 60 created, 0 updated, 0 deleted."
    shop.is_silent()


# it stays right


@pytest.mark.parametrize(
    ("kind", "before", "after", "told"),
    [
        (
            "Deployment",
            "registry.example.com/shop:1",
            "other:2",
            "spec.template.spec.containers[app].image other:2 -> registry.example.com/shop:1",
        ),
        ("Deployment", "replicas: 2", "replicas: 5", "spec.replicas 5 -> 2"),
        (
            "Deployment",
            "value: one",
            "value: other",
            "spec.template.spec.containers[app].env[A].value changed (not shown)",
        ),
        (
            "Deployment",
            "readinessProbe:\n          httpGet:\n            path: /healthz",
            "readinessProbe:\n          httpGet:\n            path: /",
            "spec.template.spec.containers[app].readinessProbe.httpGet.path / -> /healthz",
        ),
        ("Service", "targetPort: http", "targetPort: 8080", "spec.ports[http].targetPort 8080 -> http"),
        (
            "Mapping",
            "hostname: pr-1.preview.example.com",
            "hostname: x.example.com",
            "spec.hostname x.example.com -> pr-1.preview.example.com",
        ),
        (
            "Service",
            "app.kubernetes.io/managed-by: preview-reconcile",
            "app.kubernetes.io/managed-by: helm",
            "metadata.labels[app.kubernetes.io/managed-by] helm -> preview-reconcile",
        ),
    ],
)
def test_an_edit_by_hand_is_told_and_mended(
    running: Shop, kind: str, before: str, after: str, told: str
) -> None:
    right = running.path(kind).read_text()
    running.edit(kind, before, after)
    ended = running.reconcile()
    assert ended.lines == [
        f"~ {kind} shop/pr-1 drifted",
        told,
        "Plan: 0 to create, 1 to update, 0 to delete, 2 unchanged.",
        "Done: 0 created, 1 updated, 0 deleted.",
    ]
    assert running.path(kind).read_text() == right
    running.is_silent()


@pytest.mark.parametrize(
    ("kind", "before", "after"),
    [
        ("Service", "port: 80\n", "port: 81\n"),
        ("Deployment", "containerPort: 8080", "containerPort: 9090"),
        ("Deployment", "value: one", "valueFrom:\n                fieldRef:\n                  fieldPath: x"),
        ("Deployment", "httpGet:", "tcpSocket:"),
        ("Service", "selector:", "type: NodePort\n  selector:"),
        ("Deployment", "containers:", "hostNetwork: true\n      containers:"),
        ("Mapping", "prefix: /\n", "prefix: /\n  host: x.example.com\n"),
    ],
)
def test_what_cannot_stand_beside_ours_or_was_put_into_a_file_of_ours_goes(
    running: Shop, kind: str, before: str, after: str
) -> None:
    right = running.path(kind).read_text()
    running.edit(kind, before, after)
    assert running.reconcile().lines[0] == f"~ {kind} shop/pr-1 drifted"
    assert running.path(kind).read_text() == right
    running.is_silent()


def test_a_child_that_somebody_took_away_comes_back(running: Shop) -> None:
    running.path("Service").unlink()
    assert running.reconcile().lines[0] == "+ Service shop/pr-1 new preview"
    running.is_silent()


def test_the_author_changes_the_image_and_drops_a_variable(running: Shop) -> None:
    running.write(
        image="shop:2", env=[{"name": "B", "value": "two"}], port=8080, healthPath="/healthz", replicas=2
    )
    assert running.reconcile().lines[:3] == [
        "~ Deployment shop/pr-1 its preview or an option changed",
        "spec.template.spec.containers[app].env[A] - (not shown)",
        "spec.template.spec.containers[app].image registry.example.com/shop:1 -> shop:2",
    ]
    (container,) = running.child("Deployment")["spec"]["template"]["spec"]["containers"]
    assert (container["image"], container["env"]) == ("shop:2", [{"name": "B", "value": "two"}])
    running.is_silent()


def test_values_of_variables_and_arguments_are_in_no_output(shop: Shop) -> None:
    for secret in ("hunter2", "hunter3"):
        shop.write(env=[{"name": "A", "value": secret}], args=[secret], command=[secret])
        for output in ("text", "json"):
            ended = shop.reconcile("--dry-run", "-vv", "-o", output)
            assert "hunter" not in ended.out + ended.err
        shop.reconcile()
    shop.write(env=[{"name": "A", "value": 5, "x": "hunter2"}])
    ended = shop.reconcile(code=1)
    assert "hunter" not in ended.out + ended.err


def test_the_author_renames_the_hostname(running: Shop) -> None:
    running.write(fqdn="new.example.com", port=8080, healthPath="/healthz", replicas=2)
    lines = running.reconcile().lines
    assert "~ Mapping shop/pr-1 its preview or an option changed" in lines
    assert "spec.hostname pr-1.preview.example.com -> new.example.com" in lines
    running.is_silent()


def test_suspend_stops_the_pods_and_keeps_service_and_route(running: Shop) -> None:
    running.write(suspend=True, replicas=2)
    running.reconcile()
    assert running.child("Deployment")["spec"]["replicas"] == 0
    assert running.children() == ALL
    running.is_silent()
    running.write(replicas=2)
    running.reconcile()
    assert running.child("Deployment")["spec"]["replicas"] == 2


def test_a_preview_that_is_resumed_leaves_the_number_of_its_pods_to_the_server(running: Shop) -> None:
    running.write(suspend=True)
    running.reconcile()
    running.write()
    assert "spec.replicas 0 -> (unset)" in running.reconcile().lines
    assert "replicas" not in running.child("Deployment")["spec"]


# the kind of route


@pytest.mark.parametrize("switch", [INGRESS, ("--route", "none")])
def test_a_switch_of_the_route_kind_is_done_in_one_run(running: Shop, switch: tuple[str, ...]) -> None:
    ended = running.reconcile(*switch)
    route = [] if "none" in switch else ["Ingress shop/pr-1"]
    assert running.children() == [*ALL[:2], *route]
    assert ended.lines[-1].endswith("0 updated, 1 deleted.")
    running.is_silent(*switch)


def test_a_switch_tells_each_of_its_passes(running: Shop) -> None:
    assert running.reconcile(*INGRESS).lines == [
        "+ Ingress shop/pr-1 new preview",
        ". Mapping shop/pr-1 waits: deleted when Ingress shop/pr-1 exists",
        "Plan: 1 to create, 0 to update, 0 to delete, 1 waiting, 2 unchanged.",
        "- Mapping shop/pr-1 its preview has the Ingress now",
        "Then (pass 2): 0 to create, 0 to update, 1 to delete, 0 unchanged.",
        "Done: 1 created, 0 updated, 1 deleted.",
    ]


def test_the_old_route_stays_until_the_httproute_is_accepted_and_that_is_no_failure(running: Shop) -> None:
    running.reconcile(*HTTPROUTE)
    assert running.children() == [*ALL, "HTTPRoute shop/pr-1"]
    lines = running.reconcile(*HTTPROUTE).lines
    assert lines[0] == ". Mapping shop/pr-1 waits: deleted when HTTPRoute shop/pr-1 is accepted"
    running.is_silent(*HTTPROUTE)


def test_without_the_option_another_kind_of_route_is_kept(running: Shop) -> None:
    running.reconcile(*INGRESS)
    assert running.reconcile().lines[0] == "= Ingress shop/pr-1 kept; pass --route to switch"
    assert running.children() == [*ALL[:2], "Ingress shop/pr-1"]


# it goes away


def test_a_preview_that_is_gone_takes_its_children_with_it(running: Shop) -> None:
    running.write("pr-2")
    running.reconcile()
    running.remove()
    assert running.reconcile().lines == [
        *[f"- {child} its preview is gone" for child in ALL],
        "Plan: 0 to create, 0 to update, 3 to delete, 3 unchanged.",
        "Done: 0 created, 0 updated, 3 deleted.",
    ]
    assert running.children() == [child.replace("pr-1", "pr-2") for child in ALL]
    running.is_silent()


def test_the_last_preview_goes_only_when_it_is_said(running: Shop) -> None:
    running.remove()
    ended = running.reconcile(code=4)
    assert ended.lines[3] == (
        "! Refusing to delete 3 children: the list of previews is empty; "
        "if this is intended, pass --max-deletes 100%"
    )
    assert running.children() == ALL
    running.reconcile("--max-deletes", "100%")
    assert running.children() == []
    running.is_silent()


def test_a_protected_preview_leaves_its_children_behind(running: Shop) -> None:
    running.write(annotations={"platform9.com/prune": "disabled"})
    running.write("pr-2")
    running.reconcile()
    running.remove()
    lines = running.reconcile().lines
    assert lines[:3] == [f"= {child} protected: platform9.com/prune is disabled" for child in ALL]
    assert len(running.children()) == 6


def test_a_protected_preview_leaves_its_route_of_another_kind_behind_too(running: Shop) -> None:
    running.write(annotations={"platform9.com/prune": "disabled"})
    running.write("pr-2")
    told = running.reconcile(*INGRESS)
    assert told.lines[0] == "+ Ingress shop/pr-1 new preview"
    assert "~ Mapping shop/pr-1 its preview is protected" in told.lines
    assert "prune: disabled" in running.path("Mapping").read_text()
    running.is_silent(*INGRESS)
    running.remove()
    running.reconcile(*INGRESS)
    assert "Mapping shop/pr-1" in running.children()


def test_a_child_that_is_protected_by_hand_is_not_protected_here_since_edits_of_our_files_are_overwritten(
    running: Shop,
) -> None:
    running.edit("Service", "annotations:\n", "annotations:\n    platform9.com/prune: disabled\n")
    assert running.reconcile().lines[0] == "~ Service shop/pr-1 drifted"


def test_a_name_whose_preview_is_gone_is_known_by_its_children(running: Shop) -> None:
    running.write("pr-2")
    running.remove()
    assert running.reconcile("pr-1").lines[:3] == [f"- {child} its preview is gone" for child in ALL]
    assert running.children() == []


# hostnames


def test_of_two_that_want_a_hostname_one_gets_it_and_the_other_is_told_who_has_it(shop: Shop) -> None:
    shop.write("pr-1", fqdn="x.example.com")
    shop.write("pr-2", fqdn="x.example.com")
    ended = shop.reconcile(code=1)
    assert "! Preview shop/pr-2 x.example.com: belongs to shop/pr-1; change spec.fqdn" in ended.lines
    assert shop.children() == [*ALL, "Deployment shop/pr-2", "Service shop/pr-2"]
    shop.is_silent(code=1)
    shop.reconcile("--allow-blocked")
    shop.write("pr-1", fqdn="y.example.com")
    shop.reconcile()
    assert shop.child("Mapping", "pr-2")["spec"]["hostname"] == "x.example.com"
    shop.is_silent()


def test_two_previews_swap_their_hostnames_in_one_run(shop: Shop) -> None:
    shop.write("pr-1", fqdn="x.example.com")
    shop.write("pr-2", fqdn="y.example.com")
    shop.reconcile()
    shop.write("pr-1", fqdn="y.example.com")
    shop.write("pr-2", fqdn="x.example.com")
    ended = shop.reconcile()
    assert ". Mapping shop/pr-2 waits: x.example.com: Mapping shop/pr-1 still has it" in ended.lines
    assert shop.child("Mapping", "pr-1")["spec"]["hostname"] == "y.example.com"
    assert shop.child("Mapping", "pr-2")["spec"]["hostname"] == "x.example.com"
    assert ended.lines[-1] == "Done: 0 created, 2 updated, 0 deleted."
    shop.is_silent()


def test_a_hostname_of_a_preview_that_goes_is_taken_in_the_same_run(running: Shop) -> None:
    running.remove()
    running.write("pr-2", fqdn="pr-1.preview.example.com")
    running.reconcile()
    assert running.children() == [child.replace("pr-1", "pr-2") for child in ALL]
    running.is_silent()


# mistakes


BROKEN = "apiVersion: platform9.com/v1\nkind: PreviewEnvironment\nmetadata:\n  name: [\n"


def test_a_mistake_in_a_file_is_named_with_its_line_and_nothing_is_deleted(running: Shop) -> None:
    running.write("pr-2")
    running.reconcile()
    running.remove()
    running.put("broken.yaml", BROKEN)
    running.write("pr-3")
    ended = running.reconcile(code=4)
    said = next(line for line in ended.lines if line.startswith("! Refusing "))
    assert said.startswith("! Refusing to prune: previews/broken.yaml:5: ")
    assert len(running.children()) == 9
    Path("previews/broken.yaml").unlink()
    running.reconcile()
    assert len(running.children()) == 6


def test_a_preview_that_cannot_be_read_is_named_with_its_line_and_keeps_what_it_has(running: Shop) -> None:
    text = running.put("shop-pr-1.yaml", dump(a_preview(fqdn="Foo", port=8080))).read_text()
    line = 1 + text.splitlines().index("  fqdn: Foo")
    running.write("pr-2")
    ended = running.reconcile(code=1)
    assert (
        f'! Preview shop/pr-1 previews/shop-pr-1.yaml:{line}: spec.fqdn: "Foo" has upper-case letters'
        in ended.lines
    )
    assert len(running.children()) == 6
    running.is_silent(code=1)


def test_a_field_that_nobody_knows_is_refused_by_name(running: Shop) -> None:
    running.put("shop-pr-1.yaml", dump(a_preview(prot=8080)))
    (line,) = (line for line in running.reconcile(code=1).lines if line.startswith("!"))
    assert line.endswith(": spec.prot: is not a known field; did you mean port?")


def test_a_file_that_is_in_the_way_blocks_its_preview_and_is_left_alone(shop: Shop) -> None:
    Path("children").mkdir()
    shop.path("Service").write_text("# mine\n")
    shop.write()
    shop.write("pr-2")
    ended = shop.reconcile(code=1)
    assert any(
        line.startswith(
            "! Preview shop/pr-1 Service shop/pr-1: exists and is not managed by preview-reconcile ("
        )
        for line in ended.lines
    )
    assert shop.path("Service").read_text() == "# mine\n"
    assert shop.children() == ["Service shop/pr-1", *[child.replace("pr-1", "pr-2") for child in ALL]]


@pytest.mark.parametrize(
    "junk", ["spec: 5", "spec:\n  rules: [5]\n  hostname: [x]\n  ports: [1, x]", "spec: null"]
)
@pytest.mark.parametrize("kind", ["Deployment", "Service", "Mapping", "Ingress", "HTTPRoute"])
def test_whatever_a_dump_holds_is_no_traceback(shop: Shop, kind: str, junk: str) -> None:
    shop.write()
    version = {
        m["kind"]: m["apiVersion"]
        for r in ("mapping", "ingress", "httproute")
        for m in children_of(a_read_preview(), route=r).values()
    }[kind]
    shop.put(
        "dump.yaml",
        f"apiVersion: {version}\nkind: {kind}\nmetadata: {{name: pr-1, namespace: shop}}\n{junk}\n",
    )
    ended = shop.shell("--from", "previews", "--to", "children")
    assert ended.code in (0, 1)


# a dump of a cluster


def dumped(*, history: bool) -> str:
    """What `kubectl get -o yaml` gives, with `--show-managed-fields` or without."""
    from tests.given import live, untracked

    make = live if history else untracked
    return "---\n".join(dump(make(manifest).manifest) for manifest in children_of(a_read_preview()).values())


def test_children_of_a_dump_are_ours_and_are_written_out_unchanged(shop: Shop) -> None:
    shop.write(dumped=True)
    shop.put("dump.yaml", dumped(history=True))
    ended = shop.reconcile()
    assert ended.lines[-1] == "Plan: 0 to create, 0 to update, 0 to delete, 3 unchanged."
    assert shop.children() == ALL
    assert shop.child("Service") == children_of(a_read_preview())["Service"]
    shop.is_silent()


def test_a_dump_without_history_says_once_what_cannot_be_seen(shop: Shop) -> None:
    shop.write(dumped=True)
    shop.put("dump.yaml", dumped(history=False))
    ended = shop.reconcile("--dry-run")
    assert ended.out.count("some children have no managedFields") == 1
    assert "kubectl get --show-managed-fields" in ended.out
    assert ended.lines[-1] == "Plan: 0 to create, 0 to update, 0 to delete, 3 unchanged."


def test_without_to_a_folder_is_only_planned(shop: Shop) -> None:
    shop.write(dumped=True)
    before = {path: path.read_bytes() for path in Path("previews").iterdir()}
    assert shop.shell("--from", "previews", "--dry-run").lines[:3] == CREATED
    assert {path: path.read_bytes() for path in Path("previews").iterdir()} == before


def test_previews_come_from_standard_input_too(shop: Shop) -> None:
    ended = shop.shell("--from", "-", "--dry-run", stdin=dump(a_preview()))
    assert ended.out.startswith("Every preview, in standard input\n")
    assert [" ".join(line.split()) for line in ended.out.splitlines()][2:5] == CREATED
