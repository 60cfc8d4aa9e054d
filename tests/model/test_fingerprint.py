"""A digest of all that a comparison looks at: whatever of it changes, the preview is compared anew."""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec
import pytest

from reconcile.kube.live import Live
from reconcile.kube.rawjson import SentObject
from reconcile.model.fingerprint import Fingerprints, fingerprint_of
from reconcile.model.names import KIND, Names
from reconcile.model.settings import Settings
from reconcile.model.snapshot import Settled
from reconcile.run.program import program
from tests.builders import a_preview
from tests.given import a_read_preview, children_of, edited, live, told
from tests.templates import document, further, with_templates

NAMES = Names()
SETTINGS = Settings()
Change = Callable[[dict[str, Any]], dict[str, Any]]


def sent(manifest: Mapping[str, Any]) -> SentObject:
    """The object as a list of a server has it."""
    known = {"apiVersion": manifest["apiVersion"], "kind": manifest["kind"]}
    return SentObject(msgspec.json.encode(manifest), known).opened()


def children(**versions: str) -> tuple[Live, ...]:
    found = children_of(a_read_preview()).items()
    return tuple(
        Live(sent(dict(live(child, resourceVersion=versions.get(kind, "7")).manifest)))
        for kind, child in found
    )


def marked(manifest: dict[str, Any], settings: Settings = SETTINGS, by: str = "one") -> dict[str, Any]:
    """The preview as the run left it that found nothing to do."""
    digest = Fingerprints(by, settings).observed_digest(sent(manifest), children())
    return edited(manifest, "status", "fingerprint", to=fingerprint_of(digest, manifest["status"], {}))


MARKED = marked(told(a_preview(annotations={"a": "b"}, labels={"team": "shop"})))


def seen(
    manifest: dict[str, Any] = MARKED,
    there: tuple[Live, ...] | None = None,
    settings: Settings = SETTINGS,
    by: str = "one",
) -> Settled | None:
    return Fingerprints(by, settings).settled(sent(manifest), children() if there is None else there)


def test_what_is_as_it_was_is_settled_and_has_what_a_report_needs() -> None:
    found = seen()
    assert found is not None
    assert (found.place, found.fqdn, found.reason) == ("shop/pr-1", "pr-1.preview.example.com", "Available")
    assert (found.labels, found.ttl, found.kept) == ({"team": "shop"}, None, ())
    preview = found.preview(NAMES.group)
    assert preview == a_read_preview(annotations={"a": "b"}, labels={"team": "shop"}, status=MARKED["status"])


@pytest.mark.parametrize(
    ("settings", "settles"),
    [
        (Settings(), True),
        (Settings(awake=("Mon-Sun UTC",)), False),
        (Settings(awake_by_namespace=True), False),
    ],
)
def test_how_long_one_is_kept_awake_is_compared_in_each_run_where_previews_sleep(
    settings: Settings, settles: bool
) -> None:
    preview = told(a_preview(annotations={"a": "b"}))
    kept_awake = edited(preview, "metadata", "annotations", NAMES.awake_until_annotation, to="4h")
    assert (seen(marked(kept_awake, settings), settings=settings) is not None) is settles
    assert seen(marked(preview, settings), settings=settings) is not None


def test_the_order_of_lists_and_of_names_in_a_status_is_ignored() -> None:
    record = dict(reversed(MARKED["status"]["hostname"].items()))
    assert seen(edited(MARKED, "status", "hostname", to=record), tuple(reversed(children()))) is not None


@pytest.mark.parametrize(
    "there",
    [
        *(
            pytest.param(children(**{kind: "8"}), id=f"another {kind}")
            for kind in children_of(a_read_preview())
        ),
        pytest.param(children()[1:], id="one less"),
        pytest.param(
            (*children(), live(children_of(a_read_preview(), route="ingress")["Ingress"])), id="one more"
        ),
        pytest.param((), id="none"),
    ],
)
def test_another_version_of_a_child_is_another_object(there: tuple[Live, ...]) -> None:
    assert seen(there=there) is None


def test_a_recreated_child_is_another_object_even_with_the_same_version() -> None:
    first, *others = children()
    again = Live(sent(dict(live(first.manifest, uid="another").manifest)))
    assert seen(there=(again, *others)) is None


@pytest.mark.parametrize(
    ("path", "to"),
    [
        (("metadata", "uid"), "another"),
        (("metadata", "generation"), 2),
        (("metadata", "deletionTimestamp"), "2026-01-02T00:00:00Z"),
        (("metadata", "annotations", NAMES.prune_annotation), "disabled"),
        (("metadata", "labels", "many"), "x" * 17_000),
        (("spec", "image"), "another"),
        (("spec", "replicas"), 2),
        (("status", "fingerprint"), "0" * 32),
        (("status", "fingerprint"), None),
        (("status", "observedGeneration"), 2),
        (("status", "url"), "http://elsewhere"),
        (("status", "expiresAt"), "2026-01-02T00:00:00Z"),
        (("status", "ttl"), "1h"),
        (("status", "ttlCountsFrom"), "2026-01-02T00:00:00Z"),
        (("status", "setup"), {"job": "pr-1-0123456789", "result": "Complete"}),
        (("status", "hostname", "name"), "another.example.com"),
        (("status", "hostname"), None),
        (("status", "kept"), [{"kind": "Deployment", "reason": "somebody says so"}]),
        (("status", "kept"), [{"kind": "ConfigMap", "name": "pr-1-a", "reason": "somebody says so"}]),
        (("status", "kinds"), ["v1/ConfigMap"]),
        (("status", "conditions", 0, "reason"), "Suspended"),
        (("status", "conditions", 0, "message"), "all is well"),
        (("status", "conditions", 0, "status"), "False"),
        (("status", "conditions", 0, "lastTransitionTime"), "2026-01-02T00:00:00Z"),
        (("status", "conditions"), []),
        (("status",), None),
    ],
)
def test_what_differs_in_the_preview_or_its_status_is_compared(path: tuple[str | int, ...], to: Any) -> None:
    assert seen(edited(MARKED, *path, to=to)) is None


@pytest.mark.parametrize(
    ("path", "to"),
    [
        (("metadata", "resourceVersion"), "9"),
        (("metadata", "annotations", "a"), "c"),
        (("metadata", "labels", "team"), "other"),
        (("status", "conditions", 1), {"type": "Others", "status": "True"}),
    ],
)
def test_what_nobody_decides_by_is_ignored(path: tuple[str | int, ...], to: Any) -> None:
    manifest = MARKED
    if path[-1] == 1:
        manifest = edited(MARKED, "status", "conditions", to=[*MARKED["status"]["conditions"], to])
    else:
        manifest = edited(MARKED, *path, to=to)
    assert seen(manifest) is not None


@pytest.mark.parametrize(
    ("path", "to"),
    [
        (("status",), "text"),
        (("status", "conditions"), "text"),
        (("status", "conditions", 0), "text"),
        (("status", "hostname"), ["a", "list"]),
        (("status", "fingerprint"), 7),
        (("status", "kept"), {"kind": "x"}),
        (("metadata", "labels"), {"a": 1}),
        (("metadata", "annotations"), "text"),
        (("spec",), None),
        (("spec", "fqdn"), 7),
    ],
)
def test_an_odd_preview_is_compared_and_keeps_no_list_from_being_read(
    path: tuple[str | int, ...], to: Any
) -> None:
    odd = edited(MARKED, *path, to=to)
    assert seen(odd) is None
    assert isinstance(Fingerprints("one", SETTINGS).observed_digest(sent(odd), children()), str)


@pytest.mark.parametrize(
    "settings",
    [
        Settings(route="ingress"),
        Settings(pod_security="restricted"),
        Settings(allow_image=("other/*",)),
        Settings(allow_fqdn=()),
        Settings(default_ttl="1h"),
        Settings(max_ttl="1h"),
        Settings(url_scheme="http"),
        Settings(default_limits=(("cpu", "1"),)),
        Settings(group="other.example.com"),
    ],
    ids=str,
)
def test_other_settings_compare_again(settings: Settings) -> None:
    others = seen(settings=settings) is None
    assert others == (settings != SETTINGS)


@pytest.mark.parametrize("settings", [Settings(route_given=True), Settings(max_previews=3)])
def test_what_each_pass_asks_again_is_no_part_of_it(settings: Settings) -> None:
    assert seen(settings=settings) is not None


def test_another_program_compares_again() -> None:
    assert seen(by="another") is None
    assert len(program()) == 64


def test_what_no_server_sent_has_no_digest() -> None:
    fingerprints = Fingerprints("one", SETTINGS)
    assert fingerprints.settled(MARKED, children()) is None
    assert fingerprints.observed_digest(MARKED, children()) == ""
    assert MARKED["kind"] == KIND


ONE = document("Deployment", "spec: {minReadySeconds: 1}")


@pytest.mark.parametrize(
    ("other", "settled"),
    [
        (ONE, True),
        (f"# The same, further down.\n{ONE}", True),
        (ONE.replace("1}", "2}"), False),
        (document("Deployment", "spec: {minReadySeconds: 1}", when="team"), False),
        (ONE + document("Service", "spec: {sessionAffinity: ClientIP}"), False),
        ("", False),
    ],
)
def test_an_edit_of_a_template_is_compared(other: str, settled: bool) -> None:
    before, after = with_templates(ONE), with_templates(other)
    found = seen(marked(MARKED, before), settings=after)
    assert (found is not None) is settled


def test_with_templates_a_label_of_the_preview_is_compared() -> None:
    settings = with_templates(ONE)
    manifest = marked(MARKED, settings)
    assert seen(manifest, settings=settings) is not None
    assert seen(edited(manifest, "metadata", "labels", "team", to="other"), settings=settings) is None


CONFIG = further("v1", "ConfigMap", "-a", "data: {a: b}")
KINDS = edited(MARKED, "status", "kinds", to=["v1/ConfigMap"])


@pytest.mark.parametrize(
    ("other", "settled"),
    [
        (CONFIG, True),
        (CONFIG.replace("-a", "-b"), False),
        (CONFIG.replace("a: b", "a: c"), False),
        (further("v1", "ConfigMap", "-a", "data: {a: b}", when="team"), False),
        (further("v1", "Secret", "-a", "stringData: {a: b}"), False),
        (CONFIG + further("v1", "Service", "-a"), False),
    ],
)
def test_an_edit_of_a_document_of_a_further_child_is_compared(other: str, settled: bool) -> None:
    before, after = with_templates(CONFIG), with_templates(other)
    assert (seen(marked(MARKED, before), settings=after) is not None) is settled


def test_the_kinds_that_it_remembers_are_those_that_existed_before_the_status_was_written() -> None:
    """They are written by themselves, and the status that is marked has none."""
    digest = Fingerprints("one", SETTINGS).observed_digest(sent(MARKED), children())
    before = KINDS["status"]
    found = {**before, "fingerprint": fingerprint_of(digest, MARKED["status"], before)}
    settled = seen(edited(KINDS, "status", to=found))
    assert settled is not None
    assert settled.kinds == {"v1/ConfigMap"}
    assert seen(edited(KINDS, "status", to={**found, "kinds": ["v1/ConfigMap", "v1/Secret"]})) is None
    assert seen(edited(KINDS, "status", to={**found, "kinds": []})) is None
