"""The files that repeat what is decided elsewhere: the copies of the CRD and the rights of the chart.

`make manifests` writes them. The CRD comes from `reconcile/model/crd.py`. The rights come from
`cronjob/rights.yaml`, which is written by hand, because whoever grants rights should have to read them.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from reconcile.model import crd
from reconcile.model.names import DEFAULT_GROUP, SINGULAR

ROOT = Path(__file__).parents[1]
RIGHTS = Path("cronjob/rights.yaml")
RULES = Path("cronjob/chart/templates/_rules.tpl")
ROLES = {
    "preview-reconcile": "preview-reconcile.rules",
    "preview-reconcile-plan": "preview-reconcile.planRules",
    "preview-reconcile-author": "preview-reconcile.authorRules",
    "preview-reconcile-options": "preview-reconcile.optionsRules",
}

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
    }


def write() -> None:
    """Write them all."""
    for path, text in manifests().items():
        (ROOT / path).write_text(text)


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
