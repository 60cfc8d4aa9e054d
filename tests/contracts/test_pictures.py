"""The picture of an explanation: recorded where pods are real, so held to what the command prints today."""

import re
from collections.abc import Iterator

from tests.explain.test_explain import HAPPENS, running, text_of
from tools.picture import RECORDED

_NAMES = re.compile(
    r"(?<=shop/)pr-\d+|(?<=PreviewEnvironment )pr-\d+|(?<=uid )[\w…-]+|(?<=made ).*|(?<=, in ).*"
)


def outline(text: str) -> Iterator[str]:
    """The lines that begin a part, without what differs from preview to preview."""
    for line in text.splitlines():
        if line and not line.startswith((" ", "…")):
            yield _NAMES.sub("…", line)


def test_the_recorded_explanation_has_the_parts_of_one_that_is_printed_today() -> None:
    memory = running()
    HAPPENS["crashing"](memory)
    preview = {"kind": "PreviewEnvironment", "namespace": "shop", "name": "pr-1"}
    event = {"type": "Warning", "reason": "BackOff", "message": "again", "involvedObject": preview}
    head = {"apiVersion": "v1", "kind": "Event", "metadata": {"name": "one", "namespace": "shop"}}
    memory.put({**head, **event})
    printed = [line for line in outline(text_of(memory)) if not line.startswith(("Service", "Mapping"))]
    assert list(outline(RECORDED.read_text())) == printed
