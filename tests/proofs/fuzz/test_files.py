"""Whatever stands in the files of `--from`, the command ends with an exit code, and never a traceback."""

import contextlib
import io
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from reconcile.cli.main import exit_code_of
from reconcile.cluster.files.yaml import dump, read_file, read_text
from reconcile.model.names import DEFAULT_GROUP
from reconcile.model.preview import Unreadable, parse_preview
from tests.builders import a_preview
from tests.given import a_read_preview, children_of, live
from tests.in_process import Ended
from tests.proofs.fuzz.fuzzing import JSON_VALUES, NASTY_TEXTS, damaged_text, damaged_tree, fuzz
from tests.report.test_hostile_output import harmless

PREVIEW = a_preview(
    env=[
        {"name": "A", "value": "b"},
        {"name": "B", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}},
    ],
    resources={"limits": {"cpu": "500m", "memory": "256Mi"}},
    setup={"command": ["migrate"]},
    ttl="7d",
    replicas=2,
    status={"ttlCountsFrom": "2026-01-01T00:00:00Z", "conditions": [{"type": "Ready", "status": "True"}]},
)
OURS = [dict(live(manifest).manifest) for manifest in children_of(a_read_preview()).values()]
OTHER = {"name": "other", "namespace": "shop"}
ROUTES = [
    {**children_of(a_read_preview(), route=kind.lower())[kind], "metadata": OTHER}
    for kind in ("Ingress", "HTTPRoute", "Mapping")
]
"""Of somebody else, with the preview's hostname."""
WORLD = [PREVIEW, *OURS, *ROUTES]
TEXT = "---\n".join(dump(manifest) for manifest in WORLD)


def ends_in_order(content: bytes, *options: str) -> None:
    """The whole command on a folder with one file of this content."""
    out, err = io.StringIO(), io.StringIO()
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "a.yaml").write_bytes(content)
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = exit_code_of(["--from", folder, "--dry-run", *options])
    assert code in range(6), (code, err.getvalue())
    assert "Traceback" not in harmless(Ended(code, out.getvalue(), err.getvalue()))
    assert code in (0, 3) or err.getvalue() or out.getvalue(), "it failed and said nothing"


@fuzz(text=st.one_of(NASTY_TEXTS, damaged_text(TEXT)))
def test_any_text_gives_objects_or_mistakes_with_their_lines(text: str) -> None:
    reading = read_text(text, "a.yaml")
    assert all(mistake.line >= 1 and mistake.message for mistake in reading.mistakes)
    assert all(document.manifest["metadata"]["name"] for document in reading.documents)


@fuzz(
    data=st.one_of(
        st.binary(max_size=200), damaged_text(TEXT).map(lambda t: t.encode("utf-8", "surrogatepass"))
    )
)
def test_any_bytes_give_objects_or_mistakes(data: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "a.yaml")
        file.write_bytes(data)
        assert all(str(mistake).startswith(str(file)) for mistake in read_file(str(file)).mistakes)


@fuzz(share=0.5, text=damaged_text(TEXT))
def test_the_command_ends_in_order_on_any_text(text: str) -> None:
    ends_in_order(text.encode("utf-8", "surrogatepass"))


@fuzz(
    world=damaged_tree(WORLD, JSON_VALUES),
    report=st.sampled_from(("text", "json", "markdown")),
    route=st.sampled_from(("mapping", "ingress", "none")),
)
def test_the_command_ends_in_order_on_any_objects(world: list[Any], report: str, route: str) -> None:
    documents = [dump(manifest) if isinstance(manifest, dict) else "{}\n" for manifest in world]
    ends_in_order("---\n".join(documents).encode(), "-o", report, "--route", route)


@fuzz(manifest=damaged_tree(PREVIEW, JSON_VALUES), strict=st.booleans())
def test_any_preview_is_read_or_its_wrong_field_is_named(manifest: Any, strict: bool) -> None:
    metadata = manifest.get("metadata")
    named = {**(metadata if isinstance(metadata, dict) else {}), "name": "pr-1", "namespace": "shop"}
    parsed = parse_preview({**manifest, "metadata": named}, group=DEFAULT_GROUP, strict_fields=strict)
    if isinstance(parsed, Unreadable):
        assert parsed.message
        assert (
            parsed.problems[0].location[0] in ("apiVersion", "kind", "metadata", "spec", "status") or strict
        )
