"""The node of this test run: what a machine needs for one, its start by whichever worker, its end."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from reconcile.model.names import DEFAULT_GROUP, PLURAL
from tests.controlplane import NotStarted, eventually, missing_programs
from tests.controlplane.programs import one_at_a_time
from tests.e2e.process import REPOSITORY
from tests.node.node import Node

RUN = "RECONCILE_TEST_NODE_RUN"
"""The folder of this run, for all workers; named before they start."""
FOLDER = "RECONCILE_TEST_NODE"
"""Set by a person: use the node that `node-up` started in that folder, and leave it running."""
SCRIPTS = REPOSITORY.parent / "shared" / "node"
ASSETS = ("kubelet", "kube-proxy", "traefik", "pause.tar", "app-1.tar", "app-2.tar")
COMMANDS = ("containerd", "runc", "nft", "dnsmasq", "docker-registry", "skopeo", "curl", "openssl")
CRD = f"{PLURAL}.{DEFAULT_GROUP}"


def name_folder() -> Path | None:
    """Name the folder for this process and those that it starts; None where that was done already."""
    if RUN in os.environ:
        return None
    folder = Path(tempfile.mkdtemp(prefix="reconcile-node-"))
    os.environ[RUN] = str(folder)
    return folder


def run_folder() -> Path:
    """The folder of this run."""
    return Path(os.environ[RUN]).resolve()


def end(folder: Path) -> None:
    """End the node of a run, if one was started, and forget the folder."""
    os.environ.pop(RUN, None)
    for name in ("node", "another", "chaos/node"):
        _down(folder / name)
    shutil.rmtree(folder, ignore_errors=True)


def _down(folder: Path) -> None:
    if folder.exists():
        subprocess.run([SCRIPTS / "node-down", folder, "--purge"], check=False)


def assets() -> Path | None:
    """The folder with the kubelet and the images, from NODE_ASSETS; None where it is not set."""
    value = os.environ.get("NODE_ASSETS")
    return Path(value) if value else None


def missing() -> str:
    """What there is no node without, with how to get it; nothing where one can be started or is named."""
    if "NODE_KUBECONFIG" in os.environ:
        return "" if "NODE_ROUTER" in os.environ else "NODE_ROUTER is not set: the address of the router"
    lacks = "; ".join(_lacks())
    return f"{lacks}; or name a cluster, as CONTRIBUTING.md says" if lacks else ""


def _lacks() -> Iterator[str]:
    if not (SCRIPTS / "node-up").exists():
        yield "no ../shared/node/node-up, which starts a node"
    folder = assets()
    if absent := [name for name in ASSETS if folder is None or not (folder / name).exists()]:
        remedy = "export NODE_ASSETS=$(../shared/node/build-node)"
        yield f"not in NODE_ASSETS: {', '.join(absent)} ({remedy})"
    if absent := list(missing_programs()):
        remedy = "export KUBEBUILDER_ASSETS=$(../shared/controlplane/build)"
        yield f"not in KUBEBUILDER_ASSETS: {', '.join(absent)} ({remedy})"
    if os.geteuid() != 0:
        yield "a node takes root"
    if absent := [name for name in COMMANDS if not shutil.which(name)]:
        yield f"not on the PATH: {', '.join(absent)} (Debian's packages; ../shared/node/build-node installs them)"


def started() -> Node:
    """The node, with the CRD served; started here where it does not run yet. Raises `NotStarted`."""
    with one_at_a_time(run_folder()):
        node = _named() or _own()
        install_crd(node, (REPOSITORY / "crds" / "previewenvironment.yaml").read_text(), CRD)
    return node


def install_crd(node: Node, manifest: str, name: str) -> None:
    """Install a CRD, and wait until its objects can be listed.

    The garbage collector hears of it up to 30 seconds later, at its next look at what there is.
    """
    node.kubectl("apply", "--server-side", "-f", "-", input=manifest)
    node.kubectl("wait", "--for=condition=Established", f"crd/{name}")
    eventually(lambda: node.run("kubectl", "get", name, "-A").code == 0, f"{name} is served")


def _named() -> Node | None:
    """The cluster that somebody named; None where nobody did."""
    if "NODE_KUBECONFIG" not in os.environ:
        return None
    path = os.pathsep.join(filter(None, [os.environ.get("KUBEBUILDER_ASSETS"), os.environ["PATH"]]))
    variables = {
        "KUBECONFIG": os.environ["NODE_KUBECONFIG"],
        "PATH": path,
        **_caches(),
    }
    return Node((), variables, os.environ["NODE_ROUTER"])


def _own() -> Node:
    """The node of this run, started if need be, or the one whose folder somebody named."""
    return _in(Path(os.environ.get(FOLDER) or run_folder() / "node").resolve())


@contextmanager
def another(folder: Path | None = None, api_server: Sequence[str] = ()) -> Iterator[Node]:
    """A node for one test, which may break it; `api_server` are flags that its API server has besides."""
    folder = (folder or run_folder() / "another").resolve()
    try:
        node = _in(folder, api_server)
        install_crd(node, (REPOSITORY / "crds" / "previewenvironment.yaml").read_text(), CRD)
        yield node
    finally:
        _down(folder)


def _in(folder: Path, api_server: Sequence[str] = ()) -> Node:
    """The node in this folder, started if need be."""
    if not _runs(folder):
        env = {**os.environ, **({"APISERVER_ARGS": " ".join(api_server)} if api_server else {})}
        done = subprocess.run([SCRIPTS / "node-up", folder], capture_output=True, text=True, env=env)
        if done.returncode:
            raise NotStarted(f"node-up ended with {done.returncode}:\n{done.stderr}")
    return Node((str(folder / "in"),), _caches(), pusher=str(folder / "push"))


def _caches() -> dict[str, str]:
    """Where kubectl and helm keep what they would else leave in a person's home."""
    homes = ("HELM_CACHE_HOME", "HELM_CONFIG_HOME", "HELM_DATA_HOME")
    return {name: str(run_folder() / name.lower()) for name in ("KUBECACHEDIR", *homes)}


def _runs(folder: Path) -> bool:
    """Whether a node runs in this folder; a pid that went to another process counts for none."""
    try:
        pid = int((folder / "pid").read_text())
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
    except (OSError, ValueError):
        return False
    return str(folder).encode() in command.split(b"\0") and (folder / "up").exists()
