"""How a value may be spelled in a file: what kubectl and the API server take is taken, and nothing else."""

import json
from pathlib import Path
from typing import Any

import pytest

from reconcile.cluster.context import Context
from reconcile.cluster.files.cluster import DirectoryCluster
from reconcile.cluster.files.proposed import read_previews
from reconcile.errors import UnusableFiles
from reconcile.model.names import DEFAULT_GROUP, Names
from reconcile.model.preview import Unreadable
from reconcile.model.settings import Settings
from reconcile.observe import observe
from tests.controlplane import ControlPlane, KubectlFailed

TEXTS = [
    *("abc", "12e4567", "2024-01-02", "1.2.3", "100m", "0o9", "0xfg", "0x1ffffffffffffffff"),
    *("'0123'", '"42"', "!!str 42", "! 42", "~", "null", ""),
]
NUMBERS = [
    *("0123456", "0123", "089", "-012", "0777777777777777777777777", "42", "+42", "1_000", "4_2.0", "1e3"),
    *("1234567e8", "0x1F", "0b11", "0o17", ".5", "5.", "18446744073709551616", "yes", "No", "on", "y"),
]
WHOLE = ["0123", "012_3", "089", "0x1F", "0b11", "0o17", "80.0", "8e1", "+80", "8_0"]
NO_NUMBERS = ["'80'", "80.5", "yes", "0o9", "8080m"]


def spec(**fields: str) -> str:
    return "".join(f"  {name}: {value}\n" for name, value in fields.items())


def manifest(spec_lines: str = "", name: str = "spelled", metadata: str = "") -> str:
    given = "  image: registry.example.com/web:1\n  fqdn: spelled.preview.example.com\n"
    head = f"apiVersion: {Names(DEFAULT_GROUP).api_version}\nkind: PreviewEnvironment\nmetadata:\n"
    return f"{head}  name: {name}\n{metadata}spec:\n{given}{spec_lines}"


CASES = [
    *(pytest.param(manifest(spec(revision=text)), True, id=f"revision: {text}") for text in TEXTS),
    *(pytest.param(manifest(spec(revision=text)), False, id=f"revision: {text}") for text in NUMBERS),
    *(pytest.param(manifest(spec(port=text)), True, id=f"port: {text}") for text in WHOLE),
    *(pytest.param(manifest(spec(port=text)), False, id=f"port: {text}") for text in NO_NUMBERS),
    *(
        pytest.param(manifest(spec(env=f"[{{name: A, value: {text}}}]")), taken, id=f"env: {text}")
        for text, taken in (
            ("0123", False),
            ("yes", False),
            ("1.5", False),
            ("'0123'", True),
            ("1:30", True),
            ("=x", True),
        )
    ),
    *(
        pytest.param(manifest(name=text), taken, id=f"name: {text}")
        for text, taken in (("42", False), ("0123", False), ("yes", False), ("'42'", False), ("pr-42", True))
    ),
    *(
        pytest.param(manifest(metadata=f"  labels: {{{text}}}\n"), taken, id=f"labels: {text}")
        for text, taken in (
            *(("a: 1", False), ("a: yes", False), ("a: 0123", False), ("a: '1'", True), ("a: ", True)),
            *(("8080: x", True), ("010: x", True), ("on: x", True)),
        )
    ),
    *(
        pytest.param(manifest(spec(resources=f"{{limits: {{cpu: {text}}}}}")), taken, id=f"cpu: {text}")
        for text, taken in (("1", True), ("010", True), ("0.5", False), ("'0.5'", True), ("yes", False))
    ),
]


def sent(api_server: ControlPlane, file: Path) -> dict[str, Any] | str:
    """What the API server makes of the file, or why it does not take it."""
    try:
        out = api_server.kubectl("create", "--dry-run=server", "-o", "json", "-f", str(file))
    except KubectlFailed as error:
        return str(error)
    found: dict[str, Any] = json.loads(out)
    return found


def read(file: Path) -> dict[str, Any] | str:
    """What we make of the file, or why we do not take it."""
    try:
        proposed = read_previews([str(file)], group=DEFAULT_GROUP, namespace="shop")
    except UnusableFiles as error:
        return str(error)
    nothing = DirectoryCluster(("-",), group=DEFAULT_GROUP, children=(), stdin="")
    snapshot = observe(Context(nothing, Settings(), proposed=proposed), ())
    (preview,) = snapshot.previews
    if isinstance(preview, Unreadable):
        return preview.message
    (found,) = proposed.previews.values()
    return dict(found)


@pytest.mark.parametrize(("text", "taken"), CASES)
def test_what_kubectl_takes_is_taken_and_means_the_same(
    api_server: ControlPlane, tmp_path: Path, text: str, taken: bool
) -> None:
    file = tmp_path / "a.yaml"
    file.write_text(text)
    theirs, ours = sent(api_server, file), read(file)
    assert (isinstance(theirs, dict), isinstance(ours, dict)) == (taken, taken), (theirs, ours)
    if isinstance(theirs, dict) and isinstance(ours, dict):
        for name in ("name", "labels"):
            assert theirs["metadata"].get(name) == ours["metadata"].get(name)
        written = {name: value for name, value in ours["spec"].items() if value is not None}
        assert {name: theirs["spec"][name] for name in written} == written
    else:
        assert f"{file}:" in str(ours)
