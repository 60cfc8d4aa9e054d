"""An object as YAML for people: the order that Kubernetes manifests have, blocks, no surprises in quotes."""

from collections.abc import Mapping
from typing import Any

import yaml

from reconcile.cluster.files.yaml.scalars import reads_as_text
from reconcile.kube.objects import Manifest

_FIRST = ("apiVersion", "kind", "metadata")
_FIRST_OF_METADATA = ("name", "namespace", "labels", "annotations", "ownerReferences")
_BASE: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)


class _Dumper(_BASE):  # type: ignore[misc]  # the C dumper has no types
    """No anchors, and quotes wherever some reader of YAML would see something else than text."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _represent_text(dumper: Any, text: str) -> Any:
    style = None if reads_as_text(text) else '"'
    if "\n" in text:
        style = "|"  # the emitter takes double quotes where a block cannot hold the text
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _represent_text)


def dump(manifest: Manifest) -> str:
    """The object as one YAML document; `ValueError` where it is no JSON tree of whole characters."""
    ordered = _ordered(manifest, _FIRST)
    if isinstance(manifest.get("metadata"), Mapping):
        ordered["metadata"] = _ordered(manifest["metadata"], _FIRST_OF_METADATA)
    try:
        text = yaml.dump(
            plain(ordered),
            Dumper=_Dumper,
            sort_keys=False,
            default_flow_style=False,
            allow_unicode=True,
            width=4096,
        )
    except (yaml.YAMLError, UnicodeEncodeError) as error:
        raise ValueError(f"cannot be written as YAML: {error}") from error
    return str(text)


def _ordered(value: Mapping[str, Any], first: tuple[str, ...]) -> dict[str, Any]:
    return {
        **{name: value[name] for name in first if name in value},
        **{name: child for name, child in value.items() if name not in first},
    }


def plain(value: Any) -> Any:
    """The same tree, of dicts and lists only."""
    if isinstance(value, Mapping):
        return {name: plain(child) for name, child in value.items()}
    if isinstance(value, list | tuple):
        return [plain(child) for child in value]
    return value
