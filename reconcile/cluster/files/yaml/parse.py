"""YAML text to plain JSON trees, each with a tree of the lines that its fields stand on."""

import re
from collections.abc import Iterator
from typing import Any

import yaml

from reconcile.cluster.files.yaml.builder import Bad, Builder, Parsed, Stop

_LOADER: Any = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
# JSON writes a character beyond the first 65,536 as a pair; libyaml knows only the YAML way.
_ESCAPE = re.compile(r"\\(?:u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})|.)", re.DOTALL)


def parse(text: str) -> Iterator[Parsed | Bad]:
    """Every document of a text, and every mistake in it; a document with a mistake is left out.

    A mistake of syntax ends the text: what comes after it means nothing.
    """
    builder = Builder()
    try:
        for event in yaml.parse(_yaml_of(text), Loader=_LOADER):
            builder.take(event)
            if isinstance(event, yaml.DocumentEndEvent):
                yield from builder.finish()
    except Stop:
        yield from builder.mistakes
    except (yaml.YAMLError, UnicodeEncodeError) as error:
        yield from builder.mistakes
        yield _syntax(error, text)


def _yaml_of(text: str) -> str:
    return _ESCAPE.sub(_pair, text) if text.lstrip()[:1] in ("{", "[") else text


def _pair(match: re.Match[str]) -> str:
    if not match[1]:
        return match[0]
    code = 0x10000 + ((int(match[1], 16) - 0xD800) << 10) + (int(match[2], 16) - 0xDC00)
    return f"\\U{code:08x}"


def _syntax(error: Exception, text: str) -> Bad:
    if isinstance(error, yaml.MarkedYAMLError):
        mark = error.problem_mark or error.context_mark
        said = ", ".join(part for part in (error.context, error.problem) if part)
        return Bad(mark.line + 1 if mark else 1, f"not YAML: {said}")
    if isinstance(error, yaml.reader.ReaderError):
        before = text.encode("utf-8", "surrogatepass")[: error.position]
        return Bad(before.count(b"\n") + 1, f"not YAML: {error.reason}")
    return Bad(1, "not UTF-8: save it as UTF-8")
