"""Children that are unchanged in the way of one that was compared before; pure.

Thousands of previews differ in their name, namespace, uid, hostname, image and revision, and in nothing else.
No decision looks into these words: it only asks whether they are equal, to each other or to one of a few
constants, and a word that stands in one of those is left as it is. So what one comparison found to be
unchanged holds for every child whose live object and wanted manifest are the same bytes as that one's, once a
mark stands in place of each such word. What is like no child that is known is compared field by field.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from reconcile.names import KIND, PRUNE_DISABLED, Names
from reconcile.objects import Manifest
from reconcile.preview import PreviewEnvironment
from reconcile.snapshot import Live

_encode = msgspec.json.Encoder().encode

# Amounts are compared by what they come to, so no part of one may become a mark. None is as long as this:
# `rules.QUANTITY`.
_PART_OF_AN_AMOUNT = re.compile(r"[0-9.eEinumkKMGTP+-]{0,32}")

# The API server chose it for this object alone, and no manifest of ours names it.
_SERVER_CHOSE = frozenset({"clusterIP", "clusterIPs"})


class Alike:
    """What was found unchanged so far."""

    def __init__(self, names: Names) -> None:
        self._names = names
        self._constants = " ".join(
            (
                *(names.field_manager, names.api_version, KIND, "Apply", "true false null"),
                *(names.preview_label, names.identity_annotation, names.applied_annotation),
                *(names.prune_annotation, PRUNE_DISABLED),
            )
        )
        self._unchanged: set[bytes] = set()

    def signature(self, live: Live, wanted: Manifest, preview: PreviewEnvironment) -> bytes:
        """Both as bytes, with marks in place of the preview's own words.

        A mark is a control character, which JSON writes as an escape: with the words, the bytes are as they
        were, so that two texts are equal with marks when, and only when, they are equal with words.
        """
        text = b"\n".join((_encode(wanted), *_parts(live)))
        for mark, word in enumerate(_words(live, wanted, preview, self._names)):
            if self._is_only_a_word(word):
                text = text.replace(word.encode(), b"%c" % mark)
        return text

    def _is_only_a_word(self, word: str) -> bool:
        """Not part of an amount, of a constant that live objects are asked for, or of a path's beginning."""
        path = word.startswith(("f:", "k:", "v:"))
        return not (path or word in self._constants or _PART_OF_AN_AMOUNT.fullmatch(word))

    def __contains__(self, signature: bytes) -> bool:
        return signature in self._unchanged

    def add(self, signature: bytes) -> None:
        """Remember what was compared, with nothing to do and nothing to tell."""
        self._unchanged.add(signature)


def _parts(live: Live) -> Iterator[bytes]:
    """All of a live object that a decision looks at."""
    metadata, spec = live.metadata, live.manifest.get("spec")
    for name in ("labels", "annotations", "ownerReferences", "deletionTimestamp"):
        yield _encode(metadata.get(name))
    for entry in metadata.get("managedFields") or ():
        yield _encode(_without(entry, {"time"}))
    yield _encode(_without(spec, _SERVER_CHOSE))


def _without(value: Any, names: frozenset[str] | set[str]) -> Any:
    return {k: v for k, v in value.items() if k not in names} if isinstance(value, Mapping) else value


def _words(live: Live, wanted: Manifest, preview: PreviewEnvironment, names: Names) -> Iterator[str]:
    """Those that may hold another one come first: a hostname has the preview's name in it."""
    yield wanted["metadata"]["annotations"][names.applied_annotation]
    yield live.uid
    yield preview.uid
    yield preview.spec.fqdn
    yield preview.spec.image
    yield preview.spec.revision or ""
    yield live.key.name
    yield preview.name
    yield preview.namespace
