"""The files that repeat what is decided elsewhere: the CRD, the rights, the kinds of children, the version.

`make manifests` writes them. The CRD comes from `reconcile/model/crd.py`, the rights from
`cronjob/rights.yaml`,
which is written by hand, since whoever gives rights should have to read them; the kinds that the JSON report
names from `CHILDREN`; the version from `reconcile/__init__.py`.
"""

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from reconcile import __version__
from reconcile.desire.children import CHILDREN
from reconcile.model import crd
from reconcile.model.names import DEFAULT_GROUP, SINGULAR
from reconcile.plan.changes import DELETES, PREVIEW

ROOT = Path(__file__).parents[1]
RIGHTS = Path("cronjob/rights.yaml")
REPORT = Path("docs/report.schema.json")
CRONJOB = Path("cronjob/cronjob.yaml")
_STAMPED = (Path("Dockerfile"), Path("cronjob/chart/Chart.yaml"))
RULES = Path("cronjob/chart/templates/_rules.tpl")
ROLES = {
    "preview-reconcile": "preview-reconcile.rules",
    "preview-reconcile-plan": "preview-reconcile.planRules",
}

# What an image, a package or a tag of this version is called, wherever a user copies it from.
_NAMED = re.compile(r"(\bpreview-reconcile(?::|==|@v?)|\bnewTag: )\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?")
_OWN = re.compile(r"(?m)^((?:version|appVersion): |ARG VERSION=).*$")
_HEAD = "{{- /* Written by `make manifests` from cronjob/rights.yaml, which says why each is there. */ -}}\n"
_GROUP = '{{ include "preview-reconcile.group" . }}'


def manifests() -> Mapping[Path, str]:
    """Each file below the repository that is written, with its text."""
    written = crd.render()
    return {
        Path("crds") / f"{SINGULAR}.yaml": written,
        Path("cronjob/chart/crds") / f"{SINGULAR}.yaml": written,
        RULES: _rules_of_the_chart(),
        REPORT: _report_with_every_kind(),
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


def _report_with_every_kind() -> str:
    """The schema of the JSON report, which is written by hand but for the kinds that it names."""
    kinds = [kind.resource.kind for kind in CHILDREN]
    text = (ROOT / REPORT).read_text()
    for name, first in (("subject", DELETES), ("kind", PREVIEW)):
        named = f'"{name}": {{ "enum": {json.dumps([first, *kinds])}'
        text = re.sub(rf'"{name}": {{ "enum": \[[^]]*\]', named, text)
    return text


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
        f"  verbs: [{', '.join(rule['verbs'])}]",
    ]


if __name__ == "__main__":
    write()
