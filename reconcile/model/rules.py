"""What a preview may say: the patterns and bounds that the CRD and the model share.

The patterns are read by Python and by the API server (Go, RE2), so they keep to what both mean the same
by: no lookahead, no `\\w` or `\\d` (Unicode in Python), no `$` (before a last newline in Python).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, get_args


@dataclass(frozen=True)
class Text:
    """A rule for a string: it matches `pattern` as a whole, and holds none of `never`.

    `never` and `hints` are pairs of a pattern and a sentence that goes on from the value. A hint only says
    better what is wrong with a value that `pattern` refuses already; the first that is found is told.
    """

    max_length: int
    pattern: str = ""
    says: str = ""
    min_length: int = 0
    never: tuple[tuple[str, str], ...] = ()
    hints: tuple[tuple[str, str], ...] = ()

    def problem(self, text: str) -> str | None:
        """What is wrong, as a sentence that goes on from the value; None where nothing is."""
        if len(text) > self.max_length:
            return f"has {len(text)} characters; at most {self.max_length} are allowed"
        if self.pattern and (len(text) < self.min_length or not self._whole.fullmatch(text)):
            return next((hint for found, hint in self.hints if re.search(found, text)), self.says)
        for found, sentence in self.never:
            if re.search(found, text):
                return sentence
        return None

    @cached_property
    def _whole(self) -> re.Pattern[str]:
        return re.compile(self.pattern)

    def schema(self) -> dict[str, Any]:
        """The rule as a schema of the CRD, where CEL says what JSON schema cannot: `never`."""
        schema: dict[str, Any] = {"type": "string", "maxLength": self.max_length}
        if self.min_length:
            schema["minLength"] = self.min_length
        if self.pattern:
            schema["pattern"] = f"^(?:{self.pattern})$"
        if self.never:
            schema["x-kubernetes-validations"] = [
                {"rule": f"!self.matches(r'{found}')", "message": f"the value {sentence}"}
                for found, sentence in self.never
            ]
        return schema


_LABEL = "[a-z0-9](?:[-a-z0-9]*[a-z0-9])?"
_SUBDOMAIN = rf"{_LABEL}(?:\.{_LABEL})*"

# A Service's name is a DNS-1035 label, and children have their preview's name.
# https://kubernetes.io/docs/concepts/overview/working-with-objects/names/
NAME = Text(
    63,
    "[a-z](?:[-a-z0-9]*[a-z0-9])?",
    "is no DNS label: lower-case letters, digits and '-', the first a letter, the last no '-'",
    hints=(
        ("[A-Z]", "has upper-case letters"),
        ("_", "has an underscore; use '-'"),
        (r"\.", "has a dot; use '-'"),
        ("^[0-9]", "starts with a digit; start with a letter, such as pr-1"),
    ),
)

NAMESPACE = Text(63, _LABEL, "is no DNS label")

# The API server asks for a dot in a CRD's group, and takes 128 characters as a field manager; ours is
# `preview-reconcile.GROUP`.
GROUP = Text(
    110,
    rf"{_LABEL}(?:\.{_LABEL})+",
    "is no domain in lower case with at least one dot, such as previews.example.com",
    never=(
        ("[^.]{64}", "has a label of more than 63 characters"),
        (r"(?:^|\.)(?:k8s|kubernetes)\.io$", "is reserved for Kubernetes itself; use a domain that you own"),
    ),
)

# What an Ingress and an HTTPRoute take as a host, without wildcards. Where the last label is a number,
# browsers take the whole for an IPv4 address: https://url.spec.whatwg.org/#ends-in-a-number-checker
FQDN = Text(
    253,
    _SUBDOMAIN,
    "is no DNS name: labels of lower-case letters, digits and '-', joined by dots",
    never=(
        ("[^.]{64}", "has a label of more than 63 characters"),
        (r"(?:^|\.)[0-9]+$", "ends in a number as an IP address does, and is no DNS name"),
    ),
    hints=(
        ("^$", "is empty"),
        ("://", "has a scheme; leave it out, and any path with it"),
        ("/", "has a path; only the hostname goes here"),
        ("@", "has user info; only the hostname goes here"),
        (r"^[0-9a-f:]*:[0-9a-f:]*:[0-9a-f:]*$|^\[", "is an IP address; a DNS name is asked for"),
        (":", "has a port; leave it out"),
        (r"\*", "has a wildcard; a preview has one hostname"),
        ("[A-Z]", "has upper-case letters"),
        ("_", "has an underscore, which no hostname may have"),
        (r"\s", "has white space"),
        (r"\.\Z", "has a trailing dot"),
        (r"^\.|\.\.", "has an empty label"),
        (r"^-|-\.|\.-|-\Z", "has a label that starts or ends with '-'"),
    ),
)

# The grammar of https://github.com/distribution/reference/blob/main/reference.go; of digests those
# that container runtimes can check: https://github.com/opencontainers/image-spec/blob/main/descriptor.md
_HOST_LABEL = "[a-zA-Z0-9](?:[-a-zA-Z0-9]*[a-zA-Z0-9])?"
_REGISTRY = rf"(?:{_HOST_LABEL}(?:\.{_HOST_LABEL})*|\[[a-fA-F0-9:]+\])(?::[0-9]+)?"
_COMPONENT = "[a-z0-9]+(?:(?:[.]|_|__|-+)[a-z0-9]+)*"
_TAG = "[A-Za-z0-9_][-A-Za-z0-9_.]{0,127}"
_DIGEST = "sha256:[a-f0-9]{64}|sha384:[a-f0-9]{96}|sha512:[a-f0-9]{128}"
IMAGE = Text(
    512,
    rf"(?:{_REGISTRY}/)?{_COMPONENT}(?:/{_COMPONENT})*(?::{_TAG})?(?:@(?:{_DIGEST}))?",
    "is no image reference: REGISTRY:PORT/PATH:TAG@DIGEST, of which only the path must be there",
    hints=(
        ("^$", "is empty"),
        (r"\s", "has white space"),
        ("://", "has a scheme; leave it out"),
        ("@(?!sha[0-9]+:)[^/]*/", "has user info; put credentials into a Secret, named in imagePullSecrets"),
        ("@", "has an '@' without a whole digest: sha256: and 64 hexadecimal digits in lower case"),
        (r"/[^:@]*[A-Z]|^[^/:@]*[A-Z][^/]*\Z", "has upper-case letters in its path"),
        (r":(?:[^/]{129,}|)\Z", "has a tag that is empty or of more than 128 characters"),
    ),
)

# `.`, `..` and what starts with `..` are refused by Kubernetes too (IsEnvVarName, IsConfigMapKey).
ENV_NAME = Text(
    256,
    r"[-_a-zA-Z][-._a-zA-Z0-9]*|\.[-_a-zA-Z0-9][-._a-zA-Z0-9]*",
    "is no name of an environment variable: letters, digits, '-', '_' and '.', the first no digit",
    hints=(("^$", "is empty"), ("=", "has a '='; the value goes into `value`")),
)
ENV_VALUE = Text(32768)
ARGUMENT = Text(32768)
DATA_KEY = Text(
    253,
    r"[-_a-zA-Z0-9][-._a-zA-Z0-9]*|\.[-_a-zA-Z0-9][-._a-zA-Z0-9]*",
    "is no key of a Secret or ConfigMap: letters, digits, '-', '_' and '.'",
    hints=(("^$", "is empty"),),
)
OBJECT_NAME = Text(
    253,
    _SUBDOMAIN,
    "is no name of an object: lower-case letters, digits, '-' and '.'",
    hints=(("^$", "is empty"), ("[A-Z]", "has upper-case letters"), ("_", "has an underscore; use '-'")),
)
# https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#syntax-and-character-set
_WORD = "[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?"
LABEL_VALUE = Text(63, f"(?:{_WORD})?", "is not a valid label value")
LABEL_KEY = Text(
    317,
    f"(?:{_SUBDOMAIN}/)?{_WORD}",
    "is not a valid key of a label or an annotation",
    never=(("^[^/]{254}", "is not a valid key of a label or an annotation"),),
)
FIELD_PATH = Text(
    341,
    r"metadata\.(?:name|namespace|uid)|spec\.(?:nodeName|serviceAccountName)"
    r"|status\.(?:hostIP|hostIPs|podIP|podIPs)"
    rf"|metadata\.(?:labels|annotations)\['{LABEL_KEY.pattern}'\]",
    "is no field that Kubernetes gives to an environment variable, such as metadata.name or status.podIP",
)

# https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/ without a sign, and so
# bounded that no value reaches 10^21: from there on Kubernetes drops the suffix (`1000E` is kept as `1`).
_FRACTION = r"(?:\.[0-9]{0,9})?"
QUANTITY = Text(
    32,
    rf"[0-9]{{1,15}}{_FRACTION}[num]?|\.[0-9]{{1,9}}[num]?"
    rf"|(?:[0-9]{{1,9}}{_FRACTION}|\.[0-9]{{1,9}})(?:[kMGT]|[KMGT]i|[eE][-+]?[0-9])",
    "is not a valid quantity, such as 500m, 0.5 or 256Mi",
    hints=(("^$", "is empty"), ("^-", "is negative")),
)
QUANTITY_NUMBER = (0, 10**15 - 1)
RESOURCE_NAME = Text(
    253,
    rf"cpu|memory|ephemeral-storage|hugepages-[1-9][0-9]{{0,3}}[KMGT]i|{_LABEL}(?:\.{_LABEL})*"
    "/[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?",
    "is no resource of a container, such as cpu, memory or example.com/gpu",
    never=(
        (r"^requests\.", "begins with 'requests.', as in a ResourceQuota; leave that out"),
        ("^hugepages-.*/", "has a '/', which no size of huge pages has"),
        ("^[^/]{245}", "has more than 244 characters before the '/'"),
    ),
)
# What a container's limits and requests must be together: see `container_resources`.
HUGE_PAGES = "hugepages-"
NATIVE = "kubernetes.io/"
WHOLE_AMOUNT = "[0-9]{1,15}|[0-9]{1,6}(?:[kMG]|[KMG]i)"
NOT_WHOLE = "not a whole number; write it as 1, or as 512Ki where it is counted in bytes"
ALONE = "is alone; set cpu or memory too, which huge pages require"

HEALTH_PATH = Text(
    1024,
    "/[!-~]*",
    "is no path of an HTTP request: '/' first, then no spaces, control characters or letters beyond ASCII",
    hints=(("^[^/]|^$", "does not start with '/'"), (r"\s", "has white space; write it as %20")),
)
REVISION = Text(
    128,
    "[A-Za-z0-9][-+A-Za-z0-9._/]*",
    "is no revision: letters, digits, '.', '_', '/', '+' and '-', a letter or digit first",
    hints=(("^$", "is empty"),),
)

# Months and years are left out: they have no one length.
DURATION = Text(
    40,
    "0|(?:[0-9]{1,9}d)?(?:[0-9]{1,9}h)?(?:[0-9]{1,9}m)?(?:[0-9]{1,9}s)?",
    "is no duration, such as 30m, 72h, 7d or 1d12h (d, h, m and s in this order; 0 is never)",
    min_length=1,
    hints=(
        ("^$", "is empty"),
        ("^-", "is negative"),
        (r"[.,]", "has a fraction; use the next smaller unit"),
        (r"^[1-9][0-9]*\Z", "has no unit; write d, h, m or s after the number"),
    ),
)
DURATION_UNITS: Mapping[str, int] = {"d": 86400, "h": 3600, "m": 60, "s": 1}
MAX_DURATION_DAYS = 3650
TOO_LONG = "is more than ten years; 0 is never"

NO_SETUP = "has no command, args or image; one of them must say what to run"

DEFAULT_PORT = 80
PORT = (1, 65535)
REPLICAS = (0, 100)
MAX_ENV = 200
MAX_ENV_FROM = 50
MAX_PULL_SECRETS = 20
MAX_ARGUMENTS = 100
MAX_RESOURCES = 16

# All free text of a spec together: a run holds every preview, its children and what is wanted of them.
MAX_TEXT = 65_536
TOO_MUCH_TEXT = (
    f"has more than {MAX_TEXT} characters in env, command, args and setup together; "
    "put long values into a ConfigMap or a Secret"
)

SOURCES = ("secretKeyRef", "configMapKeyRef", "fieldRef")

# https://kubernetes.io/docs/concepts/containers/images/#image-pull-policy
PullPolicy = Literal["Always", "IfNotPresent", "Never"]
PULL_POLICIES: tuple[PullPolicy, ...] = get_args(PullPolicy)


def quantities_schema() -> dict[str, Any]:
    """Quantities by name as JSON schema; each a string or a whole number, as in a Pod."""
    least, most = QUANTITY_NUMBER
    quantity = {
        "x-kubernetes-int-or-string": True,
        "anyOf": [{"type": "integer"}, {"type": "string"}],
        "minimum": least,
        "maximum": most,
        "maxLength": QUANTITY.max_length,
        "pattern": QUANTITY.schema()["pattern"],
    }
    return {"type": "object", "maxProperties": MAX_RESOURCES, "additionalProperties": quantity}
