"""The kinds that an API server serves, and their schemas: what was found is kept.

What was missing is asked for anew each time, since a CRD may be installed while the process lives. That one
was changed meanwhile, or deleted, is seen by the next process.
"""

from collections.abc import Callable, Collection
from dataclasses import replace
from typing import Any, TypeVar

import httpx2
import msgspec

from reconcile.cluster.kinds import likely_resource, native_or_none
from reconcile.cluster.kubernetes.responses import Ask, unreadable
from reconcile.errors import NoChildKind
from reconcile.kube.discovery import ServedKinds
from reconcile.kube.nesting import decoded
from reconcile.kube.objects import Resource
from reconcile.kube.schema import Node, Table, schemas_in

T = TypeVar("T")

OPENAPI = "openapi/v3"
CORE = "v1"

Fetch = Callable[[Ask], httpx2.Response | None]
"""Reads the document at the path of an `Ask`; None where the server itself says that it has none."""


class Discovery:
    """Thread-safe: what two threads ask for at once is read twice, and the same."""

    def __init__(self, fetch: Fetch) -> None:
        self._fetch = fetch
        self._resources: dict[tuple[str, str], Resource] = {}
        self._schemas: dict[str, Table] = {}

    def resource(self, api_version: str, kind: str) -> Resource | None:
        """As `Cluster.resource`."""
        known = native_or_none(api_version, kind) or self._resources.get((api_version, kind))
        return known or self._discovered(likely_resource(api_version, kind))

    def versions(self, group: str) -> tuple[str, ...]:
        """As `Cluster.versions`; the core group has one."""
        if not group:
            return (CORE,)
        return self._read(_ask(Resource(group, "", "", ""), f"apis/{group}"), _versions) or ()

    def schema(self, resource: Resource, *, anew: bool) -> Node | None:
        """As `Cluster.schema`."""
        known = None if anew else self._schemas.get(resource.api_version)
        node = known and known.kind(resource.api_version, resource.kind)
        return node or self._published(resource)

    def _discovered(self, wanted: Resource) -> Resource | None:
        """Keeps all kinds of this version, for others of them may be asked for."""
        served = self._read(_ask(wanted, _root(wanted)), _served)
        found = {one.kind: one for one in served or ()}
        for kind, one in found.items():
            if not one.problem:
                self._resources[wanted.api_version, kind] = replace(wanted, kind=kind, plural=one.name)
        if wanted.kind in found and (problem := found[wanted.kind].problem):
            raise NoChildKind(f"{wanted.kind} of {wanted.api_version} {problem}")
        return self._resources.get((wanted.api_version, wanted.kind))

    def _published(self, resource: Resource) -> Node | None:
        """Keeps the schemas of all kinds of this version.

        Only the index tells that there are none: what it does not have is answered without a word.
        Its URLs have a hash, and where another API server has another document by now, as while they are
        upgraded, the answer to that is a redirect. Without it each answers with its own document.
        """
        root = _root(resource)
        if root not in (self._read(_ask(resource, OPENAPI), _paths) or ()):
            return None
        table = self._read(_ask(resource, f"{OPENAPI}/{root}"), _schemas)
        if table is None:
            return None
        self._schemas[resource.api_version] = table
        return table.kind(resource.api_version, resource.kind)

    def _read(self, ask: Ask, read: Callable[[bytes], T]) -> T | None:
        """What is read of a document, whatever its media type: the index of OpenAPI comes as text/plain."""
        response = self._fetch(ask)
        if response is None:
            return None
        try:
            return read(response.content)
        except _MALFORMED as error:
            raise unreadable(ask, response, f"{type(error).__name__}: {error}") from error


class _Index(msgspec.Struct):
    paths: dict[str, msgspec.Raw]


class _Version(msgspec.Struct):
    version: str


class _Group(msgspec.Struct):
    versions: list[_Version]


# Made here, by one thread, as in `responses`.
_GROUP = msgspec.json.Decoder(_Group)
_SERVED = msgspec.json.Decoder(ServedKinds)
_INDEX = msgspec.json.Decoder(_Index)
_DOCUMENT = msgspec.json.Decoder(dict[str, Any])
_MALFORMED = (msgspec.DecodeError, AttributeError, KeyError, RecursionError, TypeError, ValueError)


def _served(text: bytes) -> ServedKinds:
    return decoded(_SERVED, text)


def _versions(text: bytes) -> tuple[str, ...]:
    return tuple(one.version for one in decoded(_GROUP, text).versions)


def _paths(text: bytes) -> Collection[str]:
    return decoded(_INDEX, text).paths


def _schemas(text: bytes) -> Table:
    return schemas_in(decoded(_DOCUMENT, text))


def _ask(wanted: Resource, path: str) -> Ask:
    return Ask("get", wanted, None, path=path)


def _root(resource: Resource) -> str:
    """Where a version of a group is: `apis/apps/v1`, `api/v1`."""
    return f"apis/{resource.api_version}" if resource.group else f"api/{resource.version}"
