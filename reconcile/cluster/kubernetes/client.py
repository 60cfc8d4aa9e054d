"""A cluster behind an API server: lists, reads and guarded writes."""

import builtins
import functools
import re
import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpx2
import msgspec
from lightkube.core.generic_client import ALL_NS, BasicRequest, GenericSyncClient
from lightkube.core.resource import ApiInfo, NamespacedResourceG, ResourceDef
from lightkube.types import PatchType

from reconcile.cluster.kubernetes.deadline import RequestDeadline
from reconcile.cluster.kubernetes.discovery import Discovery
from reconcile.cluster.kubernetes.pages import PAGE, whole_list
from reconcile.cluster.kubernetes.responses import (
    Ask,
    error_of,
    failure_of,
    is_json,
    no_logs,
    no_subresource,
    says_gone,
    unreadable,
)
from reconcile.cluster.kubernetes.retry import Repeat
from reconcile.cluster.port import Applied, Listing, Traffic, as_it_is
from reconcile.errors import NoAnswer, NotInstalled, Rejected
from reconcile.kube.nesting import decoded
from reconcile.kube.objects import POD, Manifest, Resource, type_meta
from reconcile.kube.rawjson import SentObject, plain
from reconcile.kube.schema import Node
from reconcile.model import rules

OK, CREATED, ACCEPTED, GONE = 200, 201, 202, 410
LONGEST_LOG = 64 * 1024
_OBJECT = msgspec.json.Decoder(dict[str, Any])

# Refused unless escaped, or, as the line breaks among them, read as white space: https://yaml.org/spec/1.2.2/
_NOT_IN_YAML = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")


class KubernetesCluster:
    """`Cluster` on lightkube. Thread-safe. Made by `connect`; `requests` sends through `RetryTransport`."""

    def __init__(
        self,
        requests: GenericSyncClient,
        description: str,
        way: str,
        deadline: RequestDeadline,
        namespace: str = "",
    ) -> None:
        self.namespace = namespace
        """Where kubectl would put what names no namespace; "" is `default`."""
        self._requests = requests
        self._description = description
        self._way = way
        self._deadline = deadline
        self._traffic = Traffic(0, 0)
        self._counting = threading.Lock()
        self._date: datetime | None = None
        self._discovery = Discovery(self._document)

    @property
    def description(self) -> str:
        return self._description

    @property
    def is_server(self) -> bool:
        return True

    @property
    def traffic(self) -> Traffic:
        return self._traffic

    def list(
        self,
        resource: Resource,
        *,
        namespace: str | None = None,
        label: str | None = None,
        field: str | None = None,
        read: Callable[[Manifest], Any] = as_it_is,
    ) -> Listing[Any]:
        if namespace is not None:
            check_namespace(resource, namespace)
        ask = Ask("list", resource, namespace)

        def fetch(token: str | None, limit: int, most_bytes: int | None) -> httpx2.Response:
            params = {"limit": limit, "labelSelector": label, "fieldSelector": field, "continue": token}
            return self._send(ask, (OK, GONE), params=params, most_bytes=most_bytes)

        return Listing(whole_list(ask, fetch, read, PAGE))

    def get(self, resource: Resource, namespace: str, name: str) -> Manifest | None:
        ask = Ask("get", resource, check_namespace(resource, namespace), check_name(resource, name))
        response = self._send(ask, (OK, httpx2.codes.NOT_FOUND))
        if response.status_code == OK:
            return _object(ask, response)
        if says_gone(ask, response):
            return None
        raise error_of(ask, response)

    def apply(self, resource: Resource, manifest: Manifest, *, manager: str, force: bool) -> Applied:
        place = checked_place(resource, manifest)
        repeat = Repeat.GUARDED if manifest["metadata"].get("uid") else Repeat.NEVER
        ask = Ask("patch", resource, *place, repeat)
        params = {"fieldManager": manager, "force": "true" if force else None}
        response = self._send(
            ask, (OK, CREATED), params=params, kind=PatchType.APPLY, body=_as_yaml(manifest)
        )
        return Applied(_object(ask, response), created=response.status_code == CREATED)

    def apply_status(self, resource: Resource, manifest: Manifest, *, manager: str) -> Manifest:
        place = checked_place(resource, manifest)
        ask = Ask("patch", resource, *place, Repeat.GUARDED, subresource="status")
        params = {"fieldManager": manager, "force": "true"}
        expected = (OK, httpx2.codes.NOT_FOUND)
        response = self._send(ask, expected, params=params, kind=PatchType.APPLY, body=_as_yaml(manifest))
        if response.status_code == OK:
            return _object(ask, response)
        # A CRD without the subresource answers as if the object were gone, word for word.
        if says_gone(ask, response) and self.get(resource, *place) is not None:
            raise no_subresource(ask)
        raise error_of(ask, response)

    def create(self, resource: Resource, manifest: Manifest) -> bool:
        # The name is given, so a second request finds the first one's work: 409.
        ask = Ask("create", resource, *checked_place(resource, manifest), Repeat.GUARDED)
        response = self._send(ask, (CREATED, httpx2.codes.CONFLICT), body=dict(manifest))
        return response.status_code == CREATED

    def patch(
        self, resource: Resource, namespace: str, name: str, patch: Sequence[Manifest], *, manager: str
    ) -> Manifest:
        namespace, name = check_namespace(resource, namespace), check_name(resource, name)
        ask = Ask("patch", resource, namespace, name, Repeat.NEVER)
        response = self._send(
            ask, (OK,), params={"fieldManager": manager}, kind=PatchType.JSON, body=builtins.list(patch)
        )
        return _object(ask, response)

    def delete(
        self, resource: Resource, namespace: str, name: str, *, uid: str, resource_version: str
    ) -> bool:
        namespace, name = check_namespace(resource, namespace), check_name(resource, name)
        if not uid or not resource_version:  # the server takes an empty one for none at all
            raise Rejected(
                f"delete {resource.kind} {namespace}/{name}: only with its uid and resourceVersion"
            )
        ask = Ask("delete", resource, namespace, name, Repeat.GUARDED)
        options = {
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "preconditions": {"uid": uid, "resourceVersion": resource_version},
            "propagationPolicy": "Background",
        }
        response = self._send(ask, (OK, ACCEPTED, httpx2.codes.NOT_FOUND), body=options)
        if response.status_code == httpx2.codes.NOT_FOUND:
            if says_gone(ask, response):
                return False
            raise error_of(ask, response)
        if not is_json(response):  # somebody else has answered, and nobody knows what was done
            raise unreadable(ask, response, "it is no JSON")
        return True

    def logs(self, namespace: str, pod: str, container: str, *, lines: int, previous: bool) -> str:
        namespace, pod = check_namespace(POD, namespace), check_name(POD, pod)
        # Sent once: behind it may be a kubelet that nobody reaches.
        ask = Ask("get", POD, namespace, pod, Repeat.ONCE, subresource="log")
        params = {
            "container": container,
            "tailLines": lines,
            "limitBytes": LONGEST_LOG,
            "previous": "true" if previous else None,
        }
        expected = (OK, httpx2.codes.BAD_REQUEST, httpx2.codes.NOT_FOUND)
        response = self._send(ask, expected, params=params)
        if response.status_code != OK:
            raise no_logs(ask, response)
        return response.content[:LONGEST_LOG].decode("utf-8", "replace")

    def resource(self, api_version: str, kind: str) -> Resource | None:
        return self._discovery.resource(api_version, kind)

    def versions(self, group: str) -> tuple[str, ...]:
        return self._discovery.versions(group)

    def schema(self, resource: Resource, *, anew: bool = False) -> Node | None:
        return self._discovery.schema(resource, anew=anew)

    def restart_clock(self, seconds: float, option: str) -> None:
        self._deadline.restart(seconds, option)

    def now(self) -> datetime:
        if self._date is None:
            raise NoAnswer(f"{self.description}: the API server has not told the time; read something first")
        return self._date

    def close(self) -> None:
        self._requests.close()  # type: ignore[no-untyped-call]

    def _document(self, ask: Ask) -> httpx2.Response | None:
        try:
            return self._send(ask, (OK,))
        except NotInstalled:
            return None

    def _send(
        self,
        ask: Ask,
        expected: tuple[int, ...],
        *,
        params: Mapping[str, object] | None = None,
        kind: PatchType | None = None,
        body: object = None,
        most_bytes: int | None = None,
    ) -> httpx2.Response:
        """The answer, when its status code is one of those expected; else raises what it means.

        Raises TooLarge where it has more than `most_bytes`.
        """
        request = self._requests.build_adapter_request(self._prepared(ask, params, kind, body))
        request.extensions |= {"repeat": ask.repeat, "most_bytes": most_bytes}
        try:
            response: httpx2.Response = self._requests.send(request)
        except httpx2.RequestError as error:
            timed_out = self._deadline.over if self._deadline.passed else None
            raise failure_of(
                ask, error, self._way, answered=bool(self._traffic.requests), timed_out=timed_out
            ) from error
        with self._counting:
            before = self._traffic
            self._traffic = Traffic(before.requests + 1, before.size + len(response.content))
        self._date = _date(response.headers.get("Date", "")) or self._date
        if response.status_code not in expected:
            raise error_of(ask, response)
        return response

    def _prepared(
        self, ask: Ask, params: Mapping[str, object] | None, kind: PatchType | None, body: object
    ) -> BasicRequest:
        if ask.path:
            return BasicRequest("GET", ask.path)
        # lightkube's own POST takes its models alone; a list has the same URL.
        creates = ask.verb == "create"
        prepared = self._requests.prepare_request(
            "list" if creates else ask.verb,
            resource_class(ask.resource, ask.subresource),
            obj=body if kind else None,
            name=ask.name,
            namespace=ask.namespace or ALL_NS,
            params=dict(params or {}),
            headers={"Content-Type": kind.value} if kind else None,
        )
        prepared.method = "POST" if creates else prepared.method
        prepared.data = body
        return prepared


def _as_yaml(manifest: Manifest) -> msgspec.Raw:
    """An apply's body as JSON that a YAML reader reads the same: the API server reads it as YAML."""
    text = msgspec.json.encode(plain(manifest)).decode()
    return msgspec.Raw(_NOT_IN_YAML.sub(lambda found: f"\\u{ord(found[0]):04x}", text).encode())


def _object(ask: Ask, response: httpx2.Response) -> SentObject:
    """The object that was asked for, and no other. It stays bytes, as those of a list do, for a run keeps the
    answer to each write; all of it was read once, so that nobody meets later what cannot be."""
    if not is_json(response):
        raise unreadable(ask, response, "it is no JSON")
    try:
        found = decoded(_OBJECT, response.content)
        kept = SentObject(response.content, type_meta(ask.resource.api_version, ask.resource.kind)).opened()
    except (msgspec.DecodeError, ValueError) as error:
        raise unreadable(ask, response, str(error)) from error
    place = (kept["metadata"].get("namespace"), kept["metadata"].get("name"))
    if found.get("kind") != ask.resource.kind or place != (ask.namespace, ask.name):
        raise unreadable(ask, response, "it is another object")
    return kept


@functools.lru_cache(maxsize=2)
def _date(text: str) -> datetime | None:
    """When the answer was sent; kept at hand, for all of one second have the same text."""
    try:
        date = parsedate_to_datetime(text)
    except ValueError:
        return None
    return date.astimezone(UTC) if date.tzinfo else date.replace(tzinfo=UTC)


VERBS = ["delete", "get", "global_list", "list", "patch"]


def check_name(resource: Resource, name: object) -> str:
    """Raises Rejected for what is no DNS subdomain."""
    if isinstance(name, str) and name and not rules.OBJECT_NAME.problem(name):
        return name
    raise Rejected(f"{resource.kind} {name!r}: a name is lower-case letters, digits, dashes and dots")


def check_namespace(resource: Resource, namespace: object) -> str:
    """Raises Rejected for what is no DNS label."""
    if isinstance(namespace, str) and namespace and not rules.NAMESPACE.problem(namespace):
        return namespace
    raise Rejected(f"{resource.kind} in {namespace!r}: a namespace is lower-case letters, digits and dashes")


def checked_place(resource: Resource, manifest: Manifest) -> tuple[str, str]:
    """Namespace and name of an object. Raises Rejected where one of them is none."""
    metadata = manifest.get("metadata") or {}
    return check_namespace(resource, metadata.get("namespace")), check_name(resource, metadata.get("name"))


@functools.cache
def resource_class(resource: Resource, subresource: str = "") -> type[NamespacedResourceG]:
    """What lightkube makes a URL from. Not of its registry, which takes each kind once, in one shape.

    Raises Rejected where the group, the version or the plural is no part of a URL.
    """
    parts = (resource.group or "core", resource.version, resource.plural)
    if any(rules.OBJECT_NAME.problem(part) for part in parts):
        raise Rejected(
            f"{resource.kind}: {resource.api_version}/{resource.plural} is no API group of Kubernetes"
        )
    definition = ResourceDef(resource.group, resource.version, resource.kind)
    info = ApiInfo(definition, resource.plural, VERBS, action=subresource or None)
    return type(resource.kind, (NamespacedResourceG,), {"_api_info": info})
