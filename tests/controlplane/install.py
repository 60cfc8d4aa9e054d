"""The CRDs that the tests need, in place and served; and a whole control plane with them."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from tests.controlplane.plane import AskFailed, ControlPlane, eventually
from tests.controlplane.programs import CONTROLLER_PROGRAMS, assets, missing_programs

REPOSITORY = Path(__file__).parents[2]
CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
CRD_KIND = "CustomResourceDefinition"


def start_whole(folder: Path) -> ControlPlane:
    """A control plane with the CRDs, and with controllers, scheduler and kwok where the programs are there.

    The CRDs come first: the garbage collector looks for new kinds at its start, then every 30 seconds.
    """
    plane = ControlPlane.start(folder)
    try:
        install_crds(plane, known_crds())
    except BaseException:
        plane.stop()
        raise
    if not missing_programs(CONTROLLER_PROGRAMS):
        plane.start_controllers()
    return plane


def known_crds() -> list[dict[str, Any]]:
    """Our own CRD, a few lines of Emissary's Mapping, and the Gateway API where the assets have it."""
    gateway = sorted(((assets() or Path()) / "crds" / "gateway-api").glob("*.yaml"))
    ours = [REPOSITORY / "crds" / "previewenvironment.yaml", REPOSITORY / "tests" / "crds" / "mapping.yaml"]
    texts = (file.read_text() for file in [*ours, *gateway] if file.exists())
    # The C loader: the Gateway API's CRDs are a megabyte of YAML, which takes the other one five seconds.
    documents = (document for text in texts for document in yaml.load_all(text, Loader=yaml.CSafeLoader))
    return [document for document in documents if document and document["kind"] == CRD_KIND]


def install_crds(plane: ControlPlane, crds: Iterable[Mapping[str, Any]]) -> None:
    """Apply CRDs, and wait until each of their versions can be listed: new ones answer 429 for a second."""
    crds = list(crds)
    for crd in crds:
        plane.ask(
            "PATCH",
            f"{CRDS}/{crd['metadata']['name']}?fieldManager=tests&force=true",
            crd,
            content_type="application/apply-patch+yaml",
        )
    for crd in crds:
        for version in crd["spec"]["versions"]:
            if version["served"]:
                wait_until_listed(
                    plane, crd["spec"]["group"], version["name"], crd["spec"]["names"]["plural"]
                )


def wait_until_listed(plane: ControlPlane, group: str, version: str, plural: str) -> None:
    """Until a custom resource can be listed."""

    def listed() -> bool:
        try:
            plane.ask("GET", f"/apis/{group}/{version}/{plural}")
        except AskFailed as error:
            if error.code not in (404, 429):
                raise
            return False
        return True

    eventually(listed, f"{plural}.{group} can be listed")
