"""Whatever a kubeconfig says, there is a cluster to ask, or a sentence that names the file."""

import re
import tempfile
from pathlib import Path
from typing import Any

import yaml
from hypothesis import strategies as st

from reconcile.cluster.kubernetes import connect
from reconcile.errors import BadKubeconfig
from reconcile.report.safe import safe_line
from tests.proofs.fuzz.fuzzing import NASTY_VALUES, damaged_text, damaged_tree, fuzz, said_of

TEXT = """\
apiVersion: v1
kind: Config
current-context: dev
contexts:
- name: dev
  context: {cluster: dev, user: dev, namespace: shop}
clusters:
- name: dev
  cluster:
    server: https://127.0.0.1:6443/base
    tls-server-name: dev.example.com
    proxy-url: http://proxy.example.com:3128
    insecure-skip-tls-verify: true
    certificate-authority: ''
    certificate-authority-data: ''
    extensions: [{name: a, extension: {b: c}}]
users:
- name: dev
  user:
    token: abc
    tokenFile: ''
    username: ''
    password: ''
    client-certificate: ''
    client-certificate-data: ''
    client-key: ''
    client-key-data: ''
    as: somebody
    as-uid: '1'
    as-groups: [a]
    as-user-extra: {a: [b]}
    exec: null
"""
WHOLE = yaml.safe_load(TEXT)
MARK = "VALUE"
FIELDS = tuple(
    sorted({*WHOLE["clusters"][0]["cluster"], *WHOLE["users"][0]["user"], "current-context", "name"})
)

ONE: dict[str, Any] = {"deadline_seconds": 1, "concurrency": 1, "user_agent": "test"}


def leads_somewhere(content: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "config")
        file.write_bytes(content)
        said = said_of(lambda: connect(str(file), None, **ONE, env={}), BadKubeconfig)
        assert not said or str(file) in said
        assert safe_line(said).encode() or not said


@fuzz(text=damaged_text(TEXT))
def test_any_text_leads_to_a_cluster_or_a_sentence(text: str) -> None:
    leads_somewhere(text.encode("utf-8", "surrogatepass"))


@fuzz(document=damaged_tree(WHOLE, NASTY_VALUES))
def test_any_document_leads_to_a_cluster_or_a_sentence(document: Any) -> None:
    leads_somewhere(yaml.safe_dump(document).encode("utf-8", "surrogatepass"))


# What yaml.safe_load raises for a value that its tag does not fit, aliases that stand for more than any
# memory holds, one that stands in itself, and paths that no system takes.
CASES = (
    "!!bool x",
    "!!int ''",
    "!!timestamp x",
    "{a: &a {x: {}}, b: &b {p: *a, q: *a}, c: &c {p: *b, q: *b}}",
    "&a {x: *a}",
    '"\\0"',
    '"\\ud800"',
)
BOMB = (
    "{x0: &x0 {a: a}, " + ", ".join(f"x{n}: &x{n} {{a: *x{n - 1}, b: *x{n - 1}}}" for n in range(1, 60)) + "}"
)


@fuzz(field=st.sampled_from(FIELDS), value=st.sampled_from((*CASES, BOMB)))
def test_any_value_leads_to_a_cluster_or_a_sentence(field: str, value: str) -> None:
    text, count = re.subn(rf"^(\s*(?:- )?{re.escape(field)}:).*$", rf"\1 {MARK}", TEXT, flags=re.MULTILINE)
    assert count
    leads_somewhere(text.replace(MARK, value).encode())


@fuzz(data=st.binary(max_size=100))
def test_any_bytes_lead_to_a_sentence(data: bytes) -> None:
    leads_somewhere(data)
