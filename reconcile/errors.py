"""Everything that can go wrong, as one tree.

    ReconcileError
    ├── UsageError            what was asked makes no sense: exit 2
    ├── TemplateRefused       a template cannot be merged into the children of one preview: it is Refused
    ├── UnusableFiles         what -f names cannot be read, or is no preview: exit 1
    ├── NoAnswer              there is nothing to work from: exit 5
    │   ├── BadKubeconfig     no cluster could be made out
    │   ├── Unreachable       no connection, or no answer in time
    │   └── Unauthorized      401
    ├── Stopped               the run was stopped while it was reading
    └── ClusterError          one request did not do what it should
        ├── NotInstalled      the kind is not served (404 that is not a Status of an object)
        │   └── UnknownFields     500: the CRD that is installed does not know some of the status
        ├── Forbidden         403
        │   └── NamespaceTerminating  403 with cause NamespaceTerminating
        ├── Conflict          409
        ├── Rejected          400, 413, 422, a denied admission: the server does not take this object
        │   ├── Invalid           422: it does not take ours beside what others have set there
        │   └── NoChildKind       no object of this kind can be a child of a preview
        ├── NotStarted        400: a container that has not started has no logs
        ├── ServerTrouble     429, 5xx, redirects and whatever else was not expected
        └── AnswerLost        timeout or broken answer: a write may have been done, or not

Transport errors are translated into these once, in `cluster/`; the cause stays chained.
A message names the object and, where there is one, the remedy.
"""

import traceback

NOT_TAKEN = "the API server does not take it"
"""What a rejection says, of which a later run knows it again."""

EXIT_DONE, EXIT_FAILED, EXIT_USAGE, EXIT_PENDING, EXIT_SKIPPED, EXIT_NO_ANSWER = range(6)
"""What the command exits with: known here, so that --help need not import what a run is made of."""


class ReconcileError(Exception):
    """The root; `str()` of it is a sentence for a person."""


class UsageError(ReconcileError):
    """Options or arguments that cannot be combined."""


class TemplateRefused(ReconcileError):
    """A document of `--templates` that cannot be merged into a child of this preview."""


class UnusableFiles(ReconcileError):
    """Files that cannot be planned with; one line for each mistake, with file and line."""


class NoAnswer(ReconcileError):
    """There is no cluster to work from."""


class BadKubeconfig(NoAnswer):
    """The kubeconfig, or the pod's service account, does not lead to a cluster."""


class Unreachable(NoAnswer):
    """No connection to the API server, or none in time."""


class Unauthorized(NoAnswer):
    """The API server does not know who we are (401)."""


class Stopped(ReconcileError):
    """SIGINT or SIGTERM came while nothing was being written: there is nothing to wait for."""


class ClusterError(ReconcileError):
    """One request did not do what it should; the others may."""


class NotInstalled(ClusterError):
    """The API server does not serve this kind."""


class UnknownFields(NotInstalled):
    """The CRD that is installed is older than this version: it lacks these `fields` of the status."""

    def __init__(self, message: str, fields: frozenset[str]) -> None:
        super().__init__(message)
        self.fields = fields


class Forbidden(ClusterError):
    """The API server does not let us (403): a right of the run's own is missing."""


class NamespaceTerminating(Forbidden):
    """The namespace is being deleted, so nothing can be made in it."""


class Conflict(ClusterError):
    """The object is not, or no longer, the one that was decided about (409)."""


class Rejected(ClusterError):
    """The API server does not take this object: it is not valid (400, 413, 422), or a quota, a policy or a
    webhook does not let it in. That concerns its preview alone; the next one may be taken.
    """


class Invalid(Rejected):
    """The object as it would be is not valid (422): ours, or ours beside what others have set in it."""


class NoChildKind(Rejected):
    """No object of this kind can be a child: it is in no namespace, cannot be written, or is no kind."""


class NotStarted(ClusterError):
    """The container whose logs were asked for has not started (400).

    `reason` is what it waits for, such as `ImagePullBackOff`; "" where the server does not tell.
    """

    def __init__(self, message: str, reason: str) -> None:
        super().__init__(message)
        self.reason = reason


class ServerTrouble(ClusterError):
    """The API server answered with something that is no answer (429, 5xx, a redirect, …)."""


class AnswerLost(ClusterError):
    """The answer did not come, or broke off: what was asked may have been done, or not."""


def code_of(error: ReconcileError) -> int:
    """The exit code that says what went wrong."""
    match error:
        case UsageError():
            return EXIT_USAGE
        case NoAnswer():
            return EXIT_NO_ANSWER
        case _:
            return EXIT_FAILED


def with_failure(code: int) -> int:
    """The exit code of a run in whose telling something failed: what went wrong in the run itself stays."""
    return EXIT_FAILED if code in (EXIT_DONE, EXIT_PENDING) else code


def internal_error(error: Exception) -> str:
    """What is told of an exception that nobody foresaw: its type and place, for its text may hold a secret.

    What is thrown while one preview is dealt with is that preview's failure; the others go on.
    """
    where = traceback.extract_tb(error.__traceback__)[-1]
    place = f"{where.filename.rpartition('/')[2]}:{where.lineno}"
    return f"{type(error).__name__} in {place}: a bug in reconcile; please report it"
