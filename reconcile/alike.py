"""Children that are unchanged in the way of one that was compared before; pure.

Thousands of previews differ in their name, namespace, uid, hostname, image and revision, and in nothing else.
No decision looks into these words: it only asks whether they are equal, to each other or to one of a few
constants, and a word that stands in one of those is left as it is. So what one comparison found to be
unchanged holds for every child whose live object and wanted manifest are the same bytes as that one's, once a
mark stands in place of each such word. What is like no child that is known is compared field by field.
"""

import re
from collections.abc import Iterator, Sequence

from reconcile.children.metadata import text_of
from reconcile.names import KIND, PRUNE_DISABLED, Names
from reconcile.objects import SERVICE, Manifest
from reconcile.preview import PreviewEnvironment
from reconcile.sent import Text, fields_in, json_of
from reconcile.snapshot import Live

# Amounts are compared by what they come to, so no part of one may become a mark. None is as long as this:
# `rules.QUANTITY`.
_PART_OF_AN_AMOUNT = re.compile(r"[0-9.eEinumkKMGTP+-]{0,32}")

# The API server chose it for this object alone, and no manifest of ours names it.
_SERVER_CHOSE = frozenset({"clusterIP", "clusterIPs"})
# When a manager last changed its fields. Inside a string of JSON every quote has a backslash before it, so
# that this is found where it is a field, and nowhere else.
_TIME = re.compile(rb'"time":"[^"]*"')


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
        self._last: tuple[int, str, Sequence[tuple[bytes, bytes]]] = (0, "", ())

    def signature(self, live: Live, wanted: Manifest, preview: PreviewEnvironment) -> bytes:
        """Both as bytes, with marks in place of the preview's own words.

        A mark is a control character, which JSON writes as an escape: with the words, the bytes are as they
        were, so that two texts are equal with marks when, and only when, they are equal with words.
        """
        hash_ = wanted["metadata"]["annotations"][self._names.applied_annotation]
        text = b"\n".join((text_of(wanted), *_parts(live)))
        # Those that may hold another one come first: a hostname has the preview's name in it.
        for mark, word in ((b"\0", hash_), (b"\1", live.uid)):
            if self._is_only_a_word(word):
                text = text.replace(word.encode(), mark)
        for mark, own in self._marks(preview, live.key.name):
            text = text.replace(own, mark)
        held = _TIME.sub(b"", json_of(live.metadata, "managedFields"))
        if self._is_only_a_word(preview.uid):  # the only one of these words that stands in a path of ours
            held = held.replace(preview.uid.encode(), b"\0")
        return text + b"\n" + held

    def _marks(self, preview: PreviewEnvironment, name: str) -> Sequence[tuple[bytes, bytes]]:
        """Marks and words of one preview and of a child's name; asked for several children of one preview."""
        if self._last[:2] != (id(preview), name):
            spec = preview.spec
            words = (preview.uid, spec.fqdn, spec.image, spec.revision or "", name, preview.name)
            found = [
                (b"%c" % mark, word.encode())
                for mark, word in enumerate(dict.fromkeys((*words, preview.namespace)), start=2)
                if self._is_only_a_word(word)
            ]
            self._last = (id(preview), name, found)
        return self._last[2]

    def _is_only_a_word(self, word: str) -> bool:
        """Not part of an amount, of a constant that live objects are asked for, or of a path's beginning."""
        path = word.startswith(("f:", "k:", "v:"))
        return not (path or word in self._constants or _PART_OF_AN_AMOUNT.fullmatch(word))

    def __contains__(self, signature: bytes) -> bool:
        return signature in self._unchanged

    def add(self, signature: bytes) -> None:
        """Remember what was compared, with nothing to do and nothing to tell."""
        self._unchanged.add(signature)


def _parts(live: Live) -> Iterator[Text]:
    """All of a live object that a decision looks at, but for who holds which field."""
    metadata = live.metadata
    for name in ("labels", "annotations", "ownerReferences", "deletionTimestamp"):
        yield json_of(metadata, name)
    spec = json_of(live.manifest, "spec")
    if live.key.kind != SERVICE.kind or not bytes(spec).startswith(b"{"):
        yield spec
        return
    for name, text in fields_in(spec).items():
        if name not in _SERVER_CHOSE:
            yield from (name.encode(), text)
