"""How a value may be spelled in a file: what kubectl and the API server take is taken, and nothing else."""

import json
import subprocess
from collections.abc import Mapping
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
from tests.controlplane import ControlPlane
from tests.controlplane.programs import program

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
    *((f"revision: {text}", manifest(spec(revision=text)), True) for text in TEXTS),
    *((f"revision: {text}", manifest(spec(revision=text)), False) for text in NUMBERS),
    *((f"port: {text}", manifest(spec(port=text)), True) for text in WHOLE),
    *((f"port: {text}", manifest(spec(port=text)), False) for text in NO_NUMBERS),
    *(
        (f"env: {text}", manifest(spec(env=f"[{{name: A, value: {text}}}]")), taken)
        for texts, taken in ((("0123", "yes", "1.5"), False), (("'0123'", "1:30", "=x"), True))
        for text in texts
    ),
    *(
        (f"name: {text}", manifest(name=text), taken)
        for texts, taken in ((("42", "0123", "yes", "'42'"), False), (("pr-42",), True))
        for text in texts
    ),
    *(
        (f"labels: {text}", manifest(metadata=f"  labels: {{{text}}}\n"), taken)
        for texts, taken in (
            (("a: 1", "a: yes", "a: 0123"), False),
            (("a: '1'", "a: ", "8080: x", "010: x", "on: x"), True),
        )
        for text in texts
    ),
    *(
        (f"cpu: {text}", manifest(spec(resources=f"{{limits: {{cpu: {text}}}}}")), taken)
        for texts, taken in ((("1", "010", "'0.5'"), True), (("0.5", "yes"), False))
        for text in texts
    ),
]
"""What is spelled, as a file, and whether it is taken."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Each case in a file of its own; an annotation tells which it is, whatever its name became."""
    folder = tmp_path_factory.mktemp("spelled")
    for number, (_, text, _) in enumerate(CASES):
        marked = text.replace("metadata:\n", f"metadata:\n  annotations: {{case: '{number}'}}\n")
        (folder / f"{number}.yaml").write_text(marked)
    return folder


@pytest.fixture(scope="module")
def theirs(api_server: ControlPlane, folder: Path) -> Mapping[int, dict[str, Any]]:
    """What the API server makes of the files that kubectl and it take, all of one call."""
    command = [
        str(program("kubectl")),
        "--kubeconfig",
        str(api_server.kubeconfig),
        "create",
        "--dry-run=server",
    ]
    done = subprocess.run([*command, "-o", "json", "-f", str(folder)], capture_output=True, text=True)
    decoder, rest, found = json.JSONDecoder(), done.stdout.strip(), dict[int, dict[str, Any]]()
    while rest:
        item, end = decoder.raw_decode(rest)
        found[int(item["metadata"]["annotations"]["case"])] = item
        rest = rest[end:].strip()
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


@pytest.mark.parametrize("number", range(len(CASES)), ids=[what for what, *_ in CASES])
def test_what_kubectl_takes_is_taken_and_means_the_same(
    theirs: Mapping[int, dict[str, Any]], folder: Path, number: int
) -> None:
    file = folder / f"{number}.yaml"
    sent, ours = theirs.get(number), read(file)
    assert (sent is not None, isinstance(ours, dict)) == (CASES[number][2],) * 2, (sent, ours)
    if sent is not None and isinstance(ours, dict):
        for name in ("name", "labels"):
            assert sent["metadata"].get(name) == ours["metadata"].get(name)
        written = {name: value for name, value in ours["spec"].items() if value is not None}
        assert {name: sent["spec"][name] for name in written} == written
    else:
        assert f"{file}:" in str(ours)
