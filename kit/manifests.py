"""The files that say again what is decided elsewhere: the CRD, the rights, the kinds of children.

`make manifests` writes them. The CRD comes from `reconcile/model/crd.py`, the rights from
`cronjob/rights.yaml`,
which is written by hand, since whoever gives rights should have to read them; the kinds that the JSON report
names from `CHILDREN`.
"""

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from reconcile.desire.children import CHILDREN
from reconcile.model import crd
from reconcile.model.names import DEFAULT_GROUP, SINGULAR
from reconcile.plan.changes import DELETES, PREVIEW

ROOT = Path(__file__).parents[1]
RIGHTS = Path("cronjob/rights.yaml")
REPORT = Path("docs/report.schema.json")
RULES = Path("cronjob/chart/templates/_rules.tpl")
ROLES = {
    "preview-reconcile": "preview-reconcile.rules",
    "preview-reconcile-plan": "preview-reconcile.planRules",
    "preview-reconcile-author": "preview-reconcile.authorRules",
    "preview-reconcile-options": "preview-reconcile.optionsRules",
}

_HEAD = "{{- /* Written by `make manifests` from cronjob/rights.yaml, which says why each is there. */ -}}\n"
_GROUP = '{{ include "preview-reconcile.group" . }}'
_NAME = '{{ include "preview-reconcile.name" . }}'


def manifests() -> Mapping[Path, str]:
    """Each file below the repository that is written, with its text."""
    written = crd.render()
    return {
        Path("crds") / f"{SINGULAR}.yaml": written,
        Path("cronjob/chart/crds") / f"{SINGULAR}.yaml": written,
        RULES: _rules_of_the_chart(),
        REPORT: _report_with_every_kind(),
    }


def write() -> None:
    """Write them all."""
    for path, text in manifests().items():
        (ROOT / path).write_text(text)


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
        # The one object that a rule names is the release's own.
        *([f"  resourceNames: [{_NAME}]"] if "resourceNames" in rule else []),
        f"  verbs: [{', '.join(rule['verbs'])}]",
    ]


if __name__ == "__main__":
    write()
