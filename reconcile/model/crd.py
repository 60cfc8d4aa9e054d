"""The CustomResourceDefinition, made to measure for an API group."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import yaml

from reconcile.errors import UsageError
from reconcile.model import rules
from reconcile.model.names import DEFAULT_GROUP, KIND, PLURAL, SHORT_NAMES, SINGULAR, VERSION
from reconcile.model.rules import Text

Schema = dict[str, Any]

_HEADER = """\
# What a PreviewEnvironment is, for the API group {group}.
# Written by `reconcile --print-crd`, which makes it for a group of your own with --api-group.
"""


def check_group(group: str) -> str:
    """The group itself, where it can be the API group of a CRD; else UsageError."""
    if problem := rules.GROUP.problem(group):
        raise UsageError(f"API group {group!r} {problem}")
    return group


def render(group: str = DEFAULT_GROUP) -> str:
    """The CRD as YAML text, as `--print-crd` prints it."""
    text = yaml.dump(crd(group), Dumper=_Plain, sort_keys=False, allow_unicode=True, width=110)
    return _HEADER.format(group=group) + text


class _Plain(yaml.SafeDumper):
    """No anchors: what is there twice is written twice."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def crd(group: str = DEFAULT_GROUP) -> dict[str, Any]:
    """The CRD as a manifest; UsageError where the group can be none."""
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{PLURAL}.{check_group(group)}"},
        "spec": {
            "group": group,
            "scope": "Namespaced",
            "names": {
                "kind": KIND,
                "listKind": f"{KIND}List",
                "plural": PLURAL,
                "singular": SINGULAR,
                "shortNames": list(SHORT_NAMES),
            },
            "versions": [
                {
                    "name": VERSION,
                    "served": True,
                    "storage": True,
                    "subresources": {"status": {}},
                    "additionalPrinterColumns": _columns(),
                    "schema": {"openAPIV3Schema": _preview()},
                }
            ],
        },
    }


def _columns() -> list[dict[str, Any]]:
    ready = '.status.conditions[?(@.type=="Ready")]'
    return [
        {"name": "URL", "type": "string", "jsonPath": ".status.url"},
        {"name": "Ready", "type": "string", "jsonPath": f"{ready}.status"},
        {"name": "Reason", "type": "string", "jsonPath": f"{ready}.reason"},
        # kubectl shows <invalid> for a date to come, so this one is a string.
        {"name": "Expires", "type": "string", "jsonPath": ".status.expiresAt"},
        {"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"},
    ]


def _preview() -> Schema:
    schema = _object(
        "A running, reachable copy of an application: an image and a hostname.",
        {"spec": _spec(), "status": _status()},
        required=("spec",),
    )
    says = f"the name, which its Service has too, {rules.NAME.says}; of at most {rules.NAME.max_length}"
    return schema | _validations((_keeps("self.metadata.name", rules.NAME), says))


def _spec() -> Schema:
    secrets = _list("Secrets to pull the image with.", _named("A Secret."), rules.MAX_PULL_SECRETS, by="name")
    return _object(
        f"What the preview asks for. Names and values of env, command, args and setup have {rules.MAX_TEXT} "
        "characters together at the most.",
        {
            "image": _text(rules.IMAGE, "The container image: REGISTRY:PORT/PATH:TAG@DIGEST."),
            "fqdn": _text(rules.FQDN, "The hostname, in lower case, without scheme, port or wildcard."),
            "port": _number(rules.PORT, "The container's port. The Service always listens on 80.")
            | {"default": rules.DEFAULT_PORT},
            "replicas": _number(rules.REPLICAS, "How many pods. Leave it out where an autoscaler decides."),
            "env": _list("Environment variables.", _env(), rules.MAX_ENV, by="name"),
            "envFrom": _list(
                "Secrets and ConfigMaps whose keys become environment variables.",
                _env_from(),
                rules.MAX_ENV_FROM,
            ),
            "imagePullSecrets": secrets,
            "imagePullPolicy": _pull_policy(),
            "resources": _resources(),
            "command": _arguments("Instead of the image's entrypoint. It is not run in a shell."),
            "args": _arguments("Arguments of the command, instead of the image's own."),
            "setup": _setup(),
            "healthPath": _text(
                rules.HEALTH_PATH, "The path that a readiness probe asks for over HTTP; without it, over TCP."
            ),
            "revision": _text(
                rules.REVISION, "A commit. Change it to roll the pods though the tag is the same."
            ),
            "ttl": _ttl(),
            "suspend": {
                "type": "boolean",
                "description": "Run no pods, but keep the Service and the route.",
                "default": False,
            },
        },
        required=("image", "fqdn"),
    ) | _validations((f"{_length_of_text()} <= {rules.MAX_TEXT}", rules.TOO_MUCH_TEXT))


def _length_of_text() -> str:
    """The names and values of env, and what is run, in CEL."""
    env = "self.env.map(e, size(e.name) + (has(e.value) ? size(e.value) : 0))"
    lengths = [f"(has(self.env) ? {env} : [])"]
    for of, there in (("self", ""), ("self.setup", "has(self.setup) && ")):
        for name in ("command", "args"):
            lengths.append(f"({there}has({of}.{name}) ? {of}.{name}.map(text, size(text)) : [])")
    return f"({' + '.join(lengths)}).sum()"


def _env() -> Schema:
    schema = _object(
        "An environment variable.",
        {
            "name": _text(rules.ENV_NAME, "Its name."),
            "value": _text(rules.ENV_VALUE, "Its value. $(NAME) of an earlier one is expanded."),
            "valueFrom": _value_from(),
        },
        required=("name",),
    )
    both = "!(has(self.value) && has(self.valueFrom))"
    return schema | _validations((both, "has both value and valueFrom; one of them must go"))


def _value_from() -> Schema:
    field = _object(
        "A field of the pod.",
        {
            "fieldPath": _text(rules.FIELD_PATH, "Such as metadata.name or status.podIP."),
            "apiVersion": {"type": "string", "enum": [rules.FIELD_API_VERSION], "description": "Always v1."},
        },
        required=("fieldPath",),
    )
    sources = (_key_ref("Secret"), _key_ref("ConfigMap"), field)
    return _one_of("Where the value is taken from.", dict(zip(rules.SOURCES, sources, strict=True)))


def _key_ref(kind: str) -> Schema:
    return _object(
        f"A key of a {kind} in the preview's namespace.",
        {
            "name": _text(rules.OBJECT_NAME, f"The {kind}."),
            "key": _text(rules.DATA_KEY, "The key."),
            "optional": {"type": "boolean", "description": "Whether it may be missing."},
        },
        required=("name", "key"),
    )


def _env_from() -> Schema:
    prefix = _text(rules.ENV_NAME, "Put before each key.")
    return _one_of(
        "A Secret or a ConfigMap.",
        {"configMapRef": _object_ref("ConfigMap"), "secretRef": _object_ref("Secret")},
        beside={"prefix": prefix},
    )


def _object_ref(kind: str) -> Schema:
    schema = _named(f"A {kind} in the preview's namespace.")
    schema["properties"]["optional"] = {"type": "boolean", "description": "Whether it may be missing."}
    return schema


def _named(description: str) -> Schema:
    return _object(description, {"name": _text(rules.OBJECT_NAME, "Its name.")}, required=("name",))


def _pull_policy() -> Schema:
    return {
        "type": "string",
        "enum": list(rules.PULL_POLICIES),
        "description": "When a node pulls the image, and the setup's: IfNotPresent or Never for one that was "
        "loaded into it. Without it, Always for a tag and IfNotPresent for a digest, where the operator "
        "allows these.",
    }


def _resources() -> Schema:
    known = f"self.all(name, {_keeps('name', rules.RESOURCE_NAME)})"
    says = "has a name that is no resource of a container, such as cpu, memory or example.com/gpu"
    rule = _validations((known, says))
    return _object(
        "What the container needs, and may use at most.",
        {
            "limits": rules.quantities_schema() | {"description": "What it may use at most."} | rule,
            "requests": rules.quantities_schema() | {"description": "What it is given for certain."} | rule,
        },
    ) | _validations(*_resource_rules())


_EXCLUSIVE = f"(n.startsWith('{rules.HUGE_PAGES}') || (n.contains('/') && !n.contains('{rules.NATIVE}')))"
"""Whether Kubernetes lets nobody have more than was requested: extended resources and huge pages."""


def _resource_rules() -> Iterator[tuple[str, str]]:
    """The rules of `container_resources` in CEL."""
    limited = "has(self.limits) && n in self.limits"
    compared = "quantity(string(self.requests[n])).compareTo(quantity(string(self.limits[n])))"
    yield (
        f"!has(self.requests) || self.requests.all(n, !({limited}) || {_EXCLUSIVE} || {compared} <= 0)",
        "has a request that is above its limit; lower the request or raise the limit",
    )
    yield (
        f"!has(self.requests) || self.requests.all(n, !{_EXCLUSIVE} || ({limited} && {compared} == 0))",
        "has a request of an extended resource or of huge pages without an equal limit; set both alike",
    )
    yield from _amount_rules("limits")
    yield from _amount_rules("requests")
    given = " + ".join(f"(has(self.{side}) ? self.{side}.map(n, n) : [])" for side in ("limits", "requests"))
    yield (
        f"!({given}).exists(n, n.startsWith('{rules.HUGE_PAGES}')) "
        f"|| ({given}).exists(n, n in ['cpu', 'memory'])",
        f"has a size of huge pages that {rules.ALONE}",
    )


def _amount_rules(side: str) -> Iterator[tuple[str, str]]:
    whole = f"string(self.{side}[n]).matches('^(?:{rules.WHOLE_AMOUNT})$')"
    amount = f"quantity(string(self.{side}[n])).asInteger()"
    page = f"quantity(n.substring({len(rules.HUGE_PAGES)})).asInteger()"
    yield (
        f"!has(self.{side}) || self.{side}.all(n, !{_EXCLUSIVE} || {whole})",
        f"has an amount of an extended resource or of huge pages that is {rules.NOT_WHOLE}",
    )
    yield (
        f"!has(self.{side}) || self.{side}.all(n, !n.startsWith('{rules.HUGE_PAGES}') || !{whole} "
        f"|| {amount} % {page} == 0)",
        "has an amount of huge pages that is not a multiple of their size",
    )


def _setup() -> Schema:
    schema = _object(
        "A Job that runs once for each image and revision, such as a migration: until it is complete the "
        "preview is not Ready. It has the preview's env, envFrom, imagePullSecrets, imagePullPolicy and "
        "resources. To run it again, change revision.",
        {
            "image": _text(rules.IMAGE, "Its image; without it, the preview's."),
            "command": _arguments("Instead of the image's entrypoint. It is not run in a shell."),
            "args": _arguments("Arguments of the command, instead of the image's own."),
        },
    )
    something = " || ".join(
        (
            "has(self.image)",
            *(f"(has(self.{name}) && self.{name}.size() > 0)" for name in ("command", "args")),
        )
    )
    return schema | _validations((something, rules.NO_SETUP))


def _arguments(description: str) -> Schema:
    return _list(description, rules.ARGUMENT.schema(), rules.MAX_ARGUMENTS)


def _ttl() -> Schema:
    # A unit that is not there is found as '', and counts as 0.
    seconds = " + ".join(
        f"int(('0' + self.find('[0-9]+{unit}')).replace('{unit}', '')) * {length}"
        for unit, length in rules.DURATION_UNITS.items()
    )
    most = rules.MAX_DURATION_DAYS * rules.DURATION_UNITS["d"]
    return _text(
        rules.DURATION,
        "How long the preview is kept after the last change of its spec: 72h, 7d, 1d12h. 0 is never expired.",
    ) | _validations((f"{seconds} <= {most}", f"the value {rules.TOO_LONG}"))


def _status() -> Schema:
    """Without bounds: only we write it, and a status that is refused tells nobody anything."""
    return _object(
        "What became of it; written by reconcile.",
        {
            "observedGeneration": _generation("The generation of the spec that this status is about."),
            "conditions": _conditions(),
            "url": {"type": "string", "description": "Where the preview is reached."},
            "expiresAt": _time("When the preview loses what was made for it, unless its spec changes."),
            "ttl": {"type": "string", "description": "The ttl in force, the operator's default included."},
            "ttlCountsFrom": _time("When the ttl began: at the last change of the spec."),
            "setup": _setup_record(),
            "hostname": _hostname_record(),
            "kept": _kept(),
            "fingerprint": {
                "type": "string",
                "description": "A digest of the preview, its children and this status as they were when a "
                "run compared them and found nothing to do: where it is the same, the next need not.",
            },
        },
    )


def _kept() -> Schema:
    """Atomic: all of it is of one run."""
    child = _object(
        "One child.",
        {
            "kind": {"type": "string", "description": "Its kind; its name is the preview's."},
            "reason": {"type": "string", "description": "Why it stays as it is."},
        },
    )
    return {
        "type": "array",
        "description": "Children that stay otherwise than the spec asks for.",
        "items": child,
        "x-kubernetes-list-type": "atomic",
    }


def _hostname_record() -> Schema:
    return _object(
        "The hostname that the preview holds; who holds one keeps it.",
        {
            "name": {"type": "string", "description": "The hostname."},
            "heldSince": _time("Since when; of two that hold one, the first counts."),
        },
    )


def _setup_record() -> Schema:
    return _object(
        "The last setup Job, which is not made again once it stands here, also where it was removed. Another "
        "revision runs another one.",
        {
            "job": {
                "type": "string",
                "description": "Its name: the preview's, and a hash of what it ran for.",
            },
            "result": {
                "type": "string",
                "description": "Running, Complete, Failed, or Unknown: removed before its end was seen.",
            },
            "message": {"type": "string", "description": "How it failed."},
        },
    )


def _conditions() -> Schema:
    condition = _object(
        "One condition.",
        {
            "type": {"type": "string", "description": "Ready, Stalled or Expiring."},
            "status": {
                "type": "string",
                "enum": ["True", "False", "Unknown"],
                "description": "Whether it holds.",
            },
            "observedGeneration": _generation("The generation of the spec that it is about."),
            "lastTransitionTime": _time("When status changed last."),
            "reason": {"type": "string", "description": "Why, in one word for programs."},
            "message": {"type": "string", "description": "Why, in a sentence for people."},
        },
        required=("type", "status", "lastTransitionTime", "reason", "message"),
    )
    return {
        "type": "array",
        "description": "Ready; Stalled where only a person can help; Expiring where the ttl is nearly over.",
        "items": condition,
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["type"],
    }


def _generation(description: str) -> Schema:
    return {"type": "integer", "format": "int64", "description": description}


def _time(description: str) -> Schema:
    return {"type": "string", "format": "date-time", "description": description}


def _object(description: str, properties: Mapping[str, Schema], required: Sequence[str] = ()) -> Schema:
    schema: Schema = {"type": "object", "description": description, "properties": dict(properties)}
    return schema | ({"required": list(required)} if required else {})


def _one_of(
    description: str, sources: Mapping[str, Schema], beside: Mapping[str, Schema] | None = None
) -> Schema:
    names = ", ".join(sources)
    given = ", ".join(f"has(self.{name})" for name in sources)
    rule = (f"[{given}].filter(given, given).size() == 1", f"must have exactly one of {names}")
    return _object(description, {**(beside or {}), **sources}) | _validations(rule)


def _list(description: str, items: Schema, most: int, by: str | None = None) -> Schema:
    schema: Schema = {"type": "array", "description": description, "maxItems": most, "items": items}
    keys = {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": [by]}
    return schema | (keys if by else {"x-kubernetes-list-type": "atomic"})


def _number(bounds: tuple[int, int], description: str) -> Schema:
    return {
        "type": "integer",
        "format": "int32",
        "description": description,
        "minimum": bounds[0],
        "maximum": bounds[1],
    }


def _text(rule: Text, description: str) -> Schema:
    schema = rule.schema() | {"description": description}
    return schema | ({"x-kubernetes-validations": rule.validations()} if rule.never else {})


def _keeps(value: str, rule: Text) -> str:
    """A rule for a string in CEL, where JSON schema has no place for it."""
    never = (f" && !{value}.matches(r'{found}')" for found, _ in rule.never)
    return f"size({value}) <= {rule.max_length} && {value}.matches(r'^(?:{rule.pattern})$')" + "".join(never)


def _validations(*rules_and_messages: tuple[str, str]) -> Schema:
    return {
        "x-kubernetes-validations": [{"rule": rule, "message": says} for rule, says in rules_and_messages]
    }
