"""What the API server's answers mean: every one that is not what was asked for becomes one of our errors."""

import re
import ssl
from collections.abc import Sequence
from dataclasses import dataclass

import httpx2
import msgspec
from lightkube.models.meta_v1 import Status, StatusCause

from reconcile.cluster.kubernetes.retry import Repeat, causes
from reconcile.errors import (
    NOT_TAKEN,
    AnswerLost,
    ClusterError,
    Conflict,
    Forbidden,
    Invalid,
    NamespaceTerminating,
    NotInstalled,
    NotStarted,
    ReconcileError,
    Rejected,
    ServerTrouble,
    Unauthorized,
    UnknownFields,
    Unreachable,
)
from reconcile.kube.objects import (
    DEPLOYMENT,
    EVENT,
    EVENTS_V1,
    GATEWAY,
    HTTPROUTE,
    INGRESS,
    JOB,
    MAPPING,
    POD,
    SERVICE,
    Resource,
)
from reconcile.model.names import DEFAULT_GROUP, PLURAL, TOOL, Names, names_of

LONGEST_EXCERPT = 200
# Made here, by one thread: two that decode a type for the first time at once can crash msgspec 0.22.
_STATUS = msgspec.json.Decoder(Status)
# What an apply is answered, with a 500, where the CRD's schema has no such field.
UNDECLARED = "field not declared in schema"
UNDECLARED_FIELD = re.compile(rf"\.status\.(\w+): {UNDECLARED}")
# How a kubelet words that a container has not started, each time with a 400:
# validateContainerLogStatus in
# https://github.com/kubernetes/kubernetes/blob/v1.36.0/pkg/kubelet/kubelet_pods.go
NOT_STARTED = re.compile(
    r'container "[^"]*" in pod "[^"]*" is waiting to start(?:: (?P<reason>.{1,200})| - no logs yet)'
)
# How the API server words a right that is missing, unlike a policy or a quota that says no:
# https://github.com/kubernetes/kubernetes/blob/v1.36.0/staging/src/k8s.io/apiserver/pkg/endpoints/handlers/responsewriters/errors.go
MISSING_RIGHT = re.compile(
    r'(?:User "(?P<user>(?:[^"\\]|\\.)*)" )?cannot (?P<verb>[\w:-]+) resource "(?P<resource>[^"]*)"'
    r'(?: in API group "(?P<group>[^"]*)")?(?: at the cluster scope| in the namespace "[^"]*")?'
    r"(?:: (?P<reason>.+))?"
)
# What the ClusterRole of a run has rules for, and that of a plan has some of, with get and list:
# cronjob/rights.yaml
RUN_ROLE, PLAN_ROLE = TOOL, f"{TOOL}-plan"
IN_PLAN_ROLE = frozenset(
    one.full_plural
    for one in (Names().previews, DEPLOYMENT, SERVICE, JOB, MAPPING, INGRESS, HTTPROUTE, GATEWAY)
)
IN_RUN_ROLE = IN_PLAN_ROLE | {
    f"{PLURAL}.{DEFAULT_GROUP}/status",
    *(one.full_plural for one in (POD, EVENT, EVENTS_V1)),
}
# How admission words what it does not let in: a webhook with any status code that it likes, what is built in
# (quotas, policies) with 403, 413 or 422:
# https://github.com/kubernetes/kubernetes/blob/v1.36.0/staging/src/k8s.io/apiserver/pkg/admission/plugin/webhook/errors/statuserror.go
# https://github.com/kubernetes/kubernetes/blob/v1.36.0/staging/src/k8s.io/apiserver/pkg/admission/errors.go
DENIED = re.compile(r'admission webhook "[^"]*" denied the request|\S+(?: "[^"]*")? is forbidden: (?!User ")')
WRITES = ("patch", "create", "delete")
# How the API server words that a field cannot be changed, whoever has set what beside it.
UNCHANGEABLE = re.compile(r"immutable|updates to .* are forbidden")
# What an apply is answered, with a 500, where the object itself cannot be merged, such as a key given twice.
UNMERGEABLE = re.compile(r"failed to create typed (?:patch|live) object")


@dataclass(frozen=True)
class Ask:
    """One request, as far as a message about it needs to know it. `verb` is the right that it takes."""

    verb: str
    resource: Resource
    namespace: str | None
    name: str | None = None
    repeat: Repeat = Repeat.READ
    subresource: str = ""
    path: str = ""
    """Of a document of the server's about its kinds, which is read in place of an object."""

    @property
    def place(self) -> str:
        return f"namespace {self.namespace}" if self.namespace else "all namespaces"

    def __str__(self) -> str:
        if self.path:
            return f"{self.verb} /{self.path}"
        if self.name is None:
            return f"{self.verb} {self.resource.full_plural} in {self.place}"
        what = f"{self.subresource} of {self.resource.kind}" if self.subresource else self.resource.kind
        return f"{self.verb} {what} {self.namespace}/{self.name}"


def status_of(response: httpx2.Response) -> Status | None:
    """The Kubernetes Status that an answer carries; None where it is anything else."""
    if not is_json(response):
        return None
    try:
        status = _STATUS.decode(response.content)
    except (msgspec.DecodeError, ValueError, RecursionError):
        return None
    return status if status.kind == "Status" else None


def is_json(response: httpx2.Response) -> bool:
    return media_type(response) == "application/json"


def media_type(response: httpx2.Response) -> str:
    """The answer's Content-Type without its parameters; empty where there is none."""
    value: str = response.headers.get("Content-Type", "")
    return value.partition(";")[0].strip().lower()


def says_gone(ask: Ask, response: httpx2.Response) -> bool:
    """Whether the server itself says that this very object is not there; no other 404 proves it."""
    status = status_of(response) if response.status_code == httpx2.codes.NOT_FOUND else None
    if status is None or status.reason != "NotFound" or status.details is None:
        return False
    return status.details.name == ask.name and status.details.kind in (ask.resource.plural, ask.resource.kind)


def error_of(ask: Ask, response: httpx2.Response) -> ReconcileError:
    """What an answer with an unexpected status code means."""
    return _rejection(ask, response) or _by_code(ask, response)


def _by_code(ask: Ask, response: httpx2.Response) -> ReconcileError:
    match response.status_code:
        case 401:
            return Unauthorized(
                f"{ask}: the API server does not know who we are (401); log in again, or give --context"
            )
        case 403:
            return _forbidden(ask, response)
        case 404:
            return _not_found(ask, response)
        case 409:
            return Conflict(f"{ask}: {excerpt(response)} (409)")
        case 422:  # about another uid, for else it is a rejection
            return Conflict(f"{ask}: {excerpt(response)} (422)")
        case 502 | 503 | 504 as code if ask.repeat is Repeat.NEVER:
            return AnswerLost(f"{ask}: it may have been done, or not ({code}): {excerpt(response)}")
        case 500 if ask.subresource and UNDECLARED in excerpt(response):
            found = no_subresource(ask, f": {excerpt(response)}")
            fields = frozenset(UNDECLARED_FIELD.findall(excerpt(response)))
            return UnknownFields(str(found), fields) if fields else found
        case _:
            return trouble(ask, response)


def no_logs(ask: Ask, response: httpx2.Response) -> ReconcileError:
    """What it means that a container's logs are not the answer."""
    if response.status_code == httpx2.codes.NOT_FOUND:
        return trouble(ask, response)  # the pod is gone, or its node keeps no logs: no word about kinds
    status = status_of(response)
    waiting = NOT_STARTED.fullmatch(status.message or "") if status else None
    if waiting is None or response.status_code != httpx2.codes.BAD_REQUEST:
        return error_of(ask, response)
    reason = waiting["reason"] or ""
    return NotStarted(f"{ask}: the container has not started{reason and f' ({reason})'}", reason)


def no_subresource(ask: Ask, said: str = "") -> NotInstalled:
    """The CRD that is installed does not know the subresource, or not as we write it."""
    return NotInstalled(
        f"{ask}: the CRD that is installed has no such {ask.subresource}; "
        f"upgrade it with `{names_of(ask.resource.group).install_crd}`{said}"
    )


def trouble(ask: Ask, response: httpx2.Response) -> ServerTrouble:
    """An answer that is none, whatever its status code."""
    if response.is_redirect:
        return ServerTrouble(
            f"{ask}: the answer is a redirect ({response.status_code}), which is not followed; "
            "the kubeconfig's server may be that of a web page"
        )
    return ServerTrouble(f"{ask}: the API server is in trouble ({response.status_code}): {excerpt(response)}")


def unreadable(ask: Ask, response: httpx2.Response, why: str) -> ClusterError:
    """A success whose body is not what it should be. To a write it means that nobody knows what was done."""
    kind = media_type(response) or "no Content-Type"
    message = f"{ask}: the answer ({response.status_code}, {kind}) cannot be used: {why}"
    return ServerTrouble(message) if ask.repeat is Repeat.READ else AnswerLost(message)


def excerpt(response: httpx2.Response) -> str:
    """The server's own words, or the beginning of what came instead, on one line of 200 characters.

    Of JSON that is no Status nothing is told: it may be objects, whose fields may be secrets.
    """
    status = status_of(response)
    text = (status and status.message) or response.content[: 4 * LONGEST_EXCERPT].decode("utf-8", "replace")
    if status is None and text.lstrip().startswith(("{", "[")):
        return "it is JSON, and no Status"
    return _one_line(text) or "nothing was said"


def _one_line(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= LONGEST_EXCERPT else line[: LONGEST_EXCERPT - 1] + "…"


def failure_of(
    ask: Ask, error: httpx2.RequestError, way: str, *, answered: bool, timed_out: str | None
) -> ReconcileError:
    """What a request means that has no answer.

    `way`: the server's address, and the proxy's where there is one.
    `answered`: the server has answered something before. Until then it is a server that cannot be reached;
    afterwards a connection that cannot be made is `Unreachable` still, and everything else `AnswerLost`.
    `timed_out`: that the run's deadline has passed, in words, where it has.
    """
    reason = _reason(error)
    if timed_out is not None:
        reason = timed_out
    elif isinstance(error, httpx2.ConnectError | httpx2.ConnectTimeout | httpx2.ProxyError):
        return Unreachable(f"{ask}: no connection to the API server {way}: {reason}")
    if not answered and ask.repeat is Repeat.READ:
        return Unreachable(f"{ask}: no answer from the API server {way}: {reason}")
    return AnswerLost(f"{ask}: no whole answer from the API server: {reason}")


def _reason(error: httpx2.RequestError) -> str:
    for cause in causes(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return (
                f"its certificate is not trusted ({cause.verify_message}); "
                "check certificate-authority and tls-server-name in the kubeconfig"
            )
    return str(error) or type(error).__name__


def _is_about_another_uid(response: httpx2.Response) -> bool:
    """Whether a write with a uid met an object of another one: to the server, a change of a field."""
    return any(cause.field == "metadata.uid" for cause in _causes(response))


def _rejection(ask: Ask, response: httpx2.Response) -> Rejected | None:
    """What it means that the server does not take this very object; None where the answer is about more."""
    code, said = response.status_code, _said(response)
    denied = ask.verb in WRITES and DENIED.match(said) and not _is_going(response)
    invalid = code in (400, 413) or (code == 422 and not _is_about_another_uid(response))
    unmergeable = code == 500 and not ask.subresource and UNMERGEABLE.match(said)
    if not (denied or invalid or unmergeable):
        return None
    remedy = "; correct its preview, or the policy that refuses it" if ask.verb == "patch" else ""
    kind = Invalid if code == 422 and not denied and not UNCHANGEABLE.search(said) else Rejected
    return kind(f"{ask}: {NOT_TAKEN} ({code}): {excerpt(response)}{remedy}")


def _is_going(response: httpx2.Response) -> bool:
    return any(cause.reason == "NamespaceTerminating" for cause in _causes(response))


def _causes(response: httpx2.Response) -> Sequence[StatusCause]:
    status = status_of(response)
    return (status and status.details and status.details.causes) or ()


def _said(response: httpx2.Response) -> str:
    """The server's own words, however many: a name in front may be long."""
    status = status_of(response)
    return (status and status.message) or ""


def _forbidden(ask: Ask, response: httpx2.Response) -> Forbidden:
    if _is_going(response):
        return NamespaceTerminating(f"{ask}: namespace {ask.namespace} is being deleted")
    status, said = status_of(response), excerpt(response)
    if ask.path:
        return Forbidden(f"{ask}: no right to read it (403); bind the ClusterRole system:discovery: {said}")
    right = MISSING_RIGHT.search(_said(response))
    if status is not None and not right:
        return Forbidden(f"{ask}: the API server does not allow it (403): {said}")
    user = (right and right["user"]) or response.request.headers.get("Impersonate-User", "")
    verb, added = (right["verb"], right["reason"]) if right else (ask.verb, said)
    asked = f"{ask.resource.plural}/{ask.subresource}".rstrip("/")
    if right and right["resource"] != asked:  # such as the users of --as
        other = f"{right['resource']}.{right['group'] or ''}".rstrip(".")
        return Forbidden(f"{ask}: user {user} has no right to {verb} {other} (403); grant it: {said}")
    what = f"{ask.subresource} of {ask.resource.full_plural}" if ask.subresource else ask.resource.full_plural
    about = f"{ask}: " if ask.name else ""
    who = f"user {user} has" if user else "there is"
    more = f": {_one_line(added)}" if added else ""
    return Forbidden(
        f"{about}{who} no right to {verb} {what} in {ask.place} (403); {_role_of(ask, verb)}{more}"
    )


def _role_of(ask: Ask, verb: str) -> str:
    """What to do about a right that is missing: which of our roles has the rule."""
    resource = f"{ask.resource.full_plural}/{ask.subresource}".rstrip("/")
    if resource not in IN_RUN_ROLE or verb not in (ask.verb, "create"):  # what --as takes is in none of them
        return "grant it"
    plan = resource in IN_PLAN_ROLE and verb in ("get", "list")
    alone = f", or {PLAN_ROLE} for --dry-run alone" if plan else ""
    return f"bind the ClusterRole {RUN_ROLE}, which has it{alone}"


def _not_found(ask: Ask, response: httpx2.Response) -> ClusterError:
    status = status_of(response)
    details = status.details if status else None
    if details and details.kind == "namespaces" and details.name == ask.namespace:
        return Rejected(f"{ask}: there is no namespace {ask.namespace}; make it first")
    if ask.name is not None and says_gone(ask, response):
        return Conflict(f"{ask}: it is not there any more (404)")
    if status is None and media_type(response) != "text/plain":
        return trouble(ask, response)  # a web page's 404 says nothing about kinds
    return NotInstalled(
        f"{ask}: the API server does not serve {ask.resource.full_plural} of {ask.resource.version} (404); "
        "install its CustomResourceDefinition"
    )
