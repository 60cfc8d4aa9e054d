"""Previews whose children are unchanged in the way of another's that were compared before; pure.

Thousands of previews differ in their name, namespace, uid, hostname, image and revision, and in nothing else.
No decision looks into these words: it only asks whether they are equal, to each other or to one of a few
constants, and a word that stands in one of those is left as it is. So what one comparison found to be
unchanged holds for every preview whose live children and wanted manifests are the same bytes, with its own
words in the places where the other has its own, and nowhere else. What is like nothing that is known is
compared field by field.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from operator import itemgetter, mul

from reconcile.children import KINDS, runs_once
from reconcile.children.metadata import Rendered
from reconcile.names import KIND, PRUNE_DISABLED, Names
from reconcile.objects import SERVICE
from reconcile.preview import PreviewEnvironment
from reconcile.sent import Text, head_of, parts_of, text_of
from reconcile.snapshot import Live

MOST = 64
"""So many patterns are remembered, those that were of use last: to try many costs more than to compare."""

LONGEST = 64 * 1024
"""Long texts are rarely those of another preview, and a pattern takes several times their size."""

GRAM = 4
"""By so many first bytes most words are told not to stand in a text: more of them only cost more."""

# Amounts are compared by what they come to, so no part of one may be taken for a word. None is as long as
# this: `rules.QUANTITY`.
_PART_OF_AN_AMOUNT = re.compile(r"[0-9.eEinumkKMGTP+-]{0,32}")

# The API server chose it for this object alone, and no manifest of ours names it.
_SERVER_CHOSE = frozenset({"clusterIP", "clusterIPs"})
# When a manager last changed its fields. Inside a string of JSON every quote has a backslash before it, so
# that this is found where it is a field, and nowhere else.
_TIME = re.compile(rb'"time":"[^"]*"')
# No JSON has these.
_HASH, _BETWEEN = b"\1", b"\0"

Children = Sequence[tuple[Live, Rendered]]
"""Children of one preview: as they are, and as they are wanted."""

Words = tuple[bytes, ...]
"""A preview's own words; empty in the place of one that may be more than a word."""


@dataclass(frozen=True)
class Wording:
    """All that a decision looks at, of all these children, and the words in it that are its preview's own."""

    text: bytes
    words: Words


class Pattern:
    """A text with places for words."""

    def __init__(self, wording: Wording) -> None:
        words = wording.words
        pieces: list[int | bytes] = [b"", wording.text]
        for number, word in enumerate(words):
            if word:
                pieces = [part for piece in pieces for part in _parted(piece, word, number)]
        between = [piece for piece in pieces if isinstance(piece, bytes)]
        places = iter(range(len(words), len(words) + len(between)))
        self._between = tuple(between)
        self._all_between = _BETWEEN.join(set(between))
        self._length = sum(map(len, between))
        self._counts = tuple(pieces.count(number) for number in range(len(words)))
        self._in_order = itemgetter(*(p if isinstance(p, int) else next(places) for p in pieces))

    def is_of(self, wording: Wording) -> bool:
        """Whether it has its words in these places, and in no other."""
        words = wording.words
        if len(wording.text) != self._length + sum(map(mul, map(len, words), self._counts)):
            return False
        if b"".join(self._in_order((*words, *self._between))) != wording.text:
            return False
        return not any(word[:GRAM] in self._grams and word in self._all_between for word in words if word)

    @cached_property
    def _grams(self) -> frozenset[bytes]:
        """How words begin that may stand between the places; made for a pattern that is of use."""
        text = self._all_between
        return frozenset(text[at : at + size] for size in range(1, GRAM + 1) for at in range(len(text)))


def _parted(piece: int | bytes, word: bytes, number: int) -> Iterator[int | bytes]:
    if isinstance(piece, int):
        yield piece
        return
    first, *others = piece.split(word)
    yield first
    for other in others:
        yield from (number, other)


class Alike:
    """What was found unchanged so far."""

    def __init__(self, names: Names) -> None:
        self._names = names
        self._constants = " ".join(
            (
                *(names.field_manager, names.api_version, KIND, "Apply", "true false null"),
                *(names.preview_label, names.identity_annotation, names.applied_annotation),
                *(names.template_annotation, names.prune_annotation, PRUNE_DISABLED),
            )
        )
        self._template = re.compile(rb'"%s":"([0-9a-f]+)"' % re.escape(names.template_annotation).encode())
        self._unchanged: list[Pattern] = []

    def wording(self, children: Children, preview: PreviewEnvironment) -> Wording:
        """What there is to know of these children of one preview."""
        parts = [part for live, wanted in children for part in _parts(live, wanted)]
        return Wording(b"\n".join(parts), self._words(children, preview))

    def _words(self, children: Children, preview: PreviewEnvironment) -> Words:
        """Those that may hold another one come first: a hostname has the preview's name in it."""
        spec = preview.spec
        of_a_job = next(
            ((live.uid, live.key.name) for live, _ in children if runs_once(live.key.kind)), ("", "")
        )
        texts = (bytes(wanted.text) for _, wanted in children)
        hashes = (found[1].decode() for text in texts if (found := self._template.search(text)))
        itself = (spec.fqdn, spec.image, spec.revision or "", preview.name, preview.namespace)
        words = (next(hashes, ""), *of_a_job, preview.uid, *itself)
        return tuple(word.encode() if self._is_only_a_word(word) else b"" for word in words)

    def _is_only_a_word(self, word: str) -> bool:
        """Not part of an amount, of a constant that live objects are asked for, or of a path's beginning."""
        path = word.startswith(("f:", "k:", "v:"))
        return not (path or word in self._constants or _PART_OF_AN_AMOUNT.fullmatch(word))

    def __contains__(self, wording: Wording) -> bool:
        for place, pattern in enumerate(self._unchanged):
            if pattern.is_of(wording):
                self._unchanged.insert(0, self._unchanged.pop(place))
                return True
        return False

    def add(self, wording: Wording) -> None:
        """Remember what was compared, with nothing to do and nothing to tell; of what is long nothing."""
        if len(wording.text) > LONGEST:
            return
        self._unchanged = [Pattern(wording), *self._unchanged[: MOST - 1]]


def _parts(live: Live, wanted: Rendered) -> Sequence[Text]:
    """All of a child that a decision looks at."""
    head = head_of(live.metadata)
    # The wanted one's hash follows from the rest of it: what matters is whether both have the same.
    own_hash = wanted.hash.encode()
    return (
        bytes(wanted.text).replace(own_hash, _HASH),
        bytes(head.annotations).replace(own_hash, _HASH),
        head.labels,
        head.ownerReferences,
        head.deletionTimestamp,
        _TIME.sub(b"", head.managedFields),
        *(part for name in KINDS[live.key.kind].content for part in _content(live, name)),
    )


def _content(live: Live, name: str) -> Iterable[Text]:
    text = text_of(live.manifest, name)
    if live.key.kind != SERVICE.kind or not bytes(text).startswith(b"{"):
        return (text,)
    return (
        part
        for name, value in parts_of(text).items()
        if name not in _SERVER_CHOSE
        for part in (name.encode(), value)
    )
