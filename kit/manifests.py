"""The files that repeat what is decided elsewhere: the copies of the CRD, the chart's rights, the version.

`make manifests` writes them. The CRD comes from `reconcile/model/crd.py`, the version from
`reconcile/__init__.py`. The rights come from `cronjob/rights.yaml`, which is written by hand, because whoever
grants rights should have to read them.
"""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from reconcile import __version__
from reconcile.model import crd
from reconcile.model.names import DEFAULT_GROUP, SINGULAR

ROOT = Path(__file__).parents[1]
RIGHTS = Path("cronjob/rights.yaml")
CRONJOB = Path("cronjob/cronjob.yaml")
_STAMPED = (Path("Dockerfile"), Path("cronjob/chart/Chart.yaml"))
RULES = Path("cronjob/chart/templates/_rules.tpl")
ROLES = {
    "preview-reconcile": "preview-reconcile.rules",
    "preview-reconcile-plan": "preview-reconcile.planRules",
    "preview-reconcile-author": "preview-reconcile.authorRules",
    "preview-reconcile-options": "preview-reconcile.optionsRules",
}

# What an image, a package or a tag of this version is called, wherever a user copies it from.
_NAMED = re.compile(r"(\bpreview-reconcile(?::|==|@v?)|\bnewTag: )\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?")
_OWN = re.compile(r"(?m)^((?:version|appVersion): |ARG VERSION=).*$")
_HEAD = "{{- /* Written by `make manifests` from cronjob/rights.yaml, which has the reason for each. */ -}}\n"
_GROUP = '{{ include "preview-reconcile.group" . }}'
_NAME = '{{ include "preview-reconcile.name" . }}'


def manifests() -> Mapping[Path, str]:
    """Each file below the repository that is written, with its text."""
    written = crd.render()
    return {
        Path("crds") / f"{SINGULAR}.yaml": written,
        Path("cronjob/chart/crds") / f"{SINGULAR}.yaml": written,
        RULES: _rules_of_the_chart(),
        **_of_this_version(),
    }


def write() -> None:
    """Write them all."""
    for path, text in manifests().items():
        (ROOT / path).write_text(text)


def _of_this_version() -> Mapping[Path, str]:
    """The files that name the version, with the present one."""
    return {path: _versioned(path, (ROOT / path).read_text()) for path in _naming_a_version()}


def _versioned(path: Path, text: str) -> str:
    text = _NAMED.sub(rf"\g<1>{__version__}", text)
    return _OWN.sub(rf"\g<1>{__version__}", text) if path in _STAMPED else text


def _naming_a_version() -> list[Path]:
    documents = [path for path in ROOT.glob("*.md") if path.name != "CHANGELOG.md"]
    pages = [*documents, *(ROOT / "docs").rglob("*.md"), *ROOT.glob("action.yml")]
    found = [path.relative_to(ROOT) for path in sorted(pages) if _NAMED.search(path.read_text())]
    return [*_STAMPED, CRONJOB, *found]


def _rules_of_the_chart() -> str:
    documents = yaml.safe_load_all((ROOT / RIGHTS).read_text())
    roles = {role["metadata"]["name"]: role["rules"] for role in documents}
    defined = (_defined(template, roles[role]) for role, template in ROLES.items())
    return _HEAD + "\n".join(defined)


def _defined(template: str, rules: Iterable[Mapping[str, Any]]) -> str:
    lines = [line for rule in rules for line in _rule(rule)]
    return "\n".join([f'{{{{- define "{template}" -}}}}', *lines, "{{- end -}}", ""])


def _rule(rule: Mapping[str, Any]) -> list[str]:
    groups = (_GROUP if group == DEFAULT_GROUP else group or '""' for group in rule["apiGroups"])
    return [
        f"- apiGroups: [{', '.join(groups)}]",
        f"  resources: [{', '.join(rule['resources'])}]",
        # The one object that a rule names is the release's own.
        *([f"  resourceNames: [{_NAME}]"] if "resourceNames" in rule else []),
        f"  verbs: [{', '.join(rule['verbs'])}]",
    ]


if __name__ == "__main__":
    write()
