"""The spec of a preview, as frozen models that accept exactly what the CRD accepts.

The CRD is generated from them: `kubectl explain` shows the docstrings and descriptions of this module.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated, Any, Final, Literal, Protocol, Self, TypeVar, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    model_validator,
)
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from reconcile.model import cel, rules
from reconcile.model.container_resources import problem_of
from reconcile.model.duration import parse_duration
from reconcile.model.problems import SHOWN, WHOLE


class _Named(Protocol):
    @property
    def name(self) -> str: ...


T = TypeVar("T", bound=_Named)

LIKELY_AGAIN = 256
"""So many texts of each rule are remembered: most previews give the same names, keys and amounts."""


@dataclass(frozen=True)
class _Keeps:
    """A string that keeps a rule."""

    rule: rules.Text

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        problem_of = lru_cache(maxsize=LIKELY_AGAIN)(self.rule.problem)

        def check(text: str) -> str:
            if problem := problem_of(text):
                raise PydanticCustomError(SHOWN, _literally(problem))
            return text

        return core_schema.no_info_after_validator_function(check, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> Any:
        return self.rule.schema()


def _literally(sentence: str) -> Any:
    """pydantic wants a literal as template; it fills in nothing where no context is given."""
    return sentence


def _listed(value: Any) -> Any:
    """JSON has lists, strict tuples do not take them; an API server drops null."""
    if value is None:
        return ()
    if isinstance(value, list | tuple):
        return tuple(value)
    raise PydanticCustomError(WHOLE, "is not a list")


def _whole_number(value: Any) -> Any:
    """An API server takes 80.0 for 80."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _default(default: object) -> BeforeValidator:
    """An API server takes null for the default."""
    return BeforeValidator(lambda value: default if value is None else value)


def _quantity_text(value: Any) -> Any:
    """A whole number is a quantity too."""
    value = _whole_number(value)
    if not isinstance(value, int) or isinstance(value, bool):
        return value
    least, most = rules.QUANTITY_NUMBER
    if not least <= value <= most:
        raise PydanticCustomError(SHOWN, _literally(f"is not from {least} to {most}"))
    return str(value)


def _ttl(text: str) -> str:
    try:
        parse_duration(text)
    except ValueError as error:
        raise PydanticCustomError(SHOWN, _literally(str(error))) from None
    return text


class _Quantities:
    """Pairs of a resource's name and its quantity, sorted; written as a mapping."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        written = handler.generate_schema(Annotated[dict[_ResourceName, _Quantity], _LIMITED])
        return core_schema.chain_schema(
            [
                core_schema.no_info_plain_validator_function(self._without_nulls),
                written,
                core_schema.no_info_plain_validator_function(lambda pairs: tuple(sorted(pairs.items()))),
            ]
        )

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> Any:
        return rules.quantities_schema() | cel.validations(cel.names_resources())

    @staticmethod
    def _without_nulls(value: Any) -> Any:
        if isinstance(value, Mapping):
            return {name: quantity for name, quantity in value.items() if quantity is not None}
        return {} if value is None else value


_LIMITED: Final = Field(max_length=rules.MAX_RESOURCES)
_ResourceName = Annotated[str, _Keeps(rules.RESOURCE_NAME)]
_Quantity = Annotated[str, _Keeps(rules.QUANTITY), BeforeValidator(_quantity_text)]
Quantities = Annotated[tuple[tuple[str, str], ...], _Quantities()]

_ObjectName = Annotated[str, _Keeps(rules.OBJECT_NAME)]
_Image = Annotated[str, _Keeps(rules.IMAGE)]
_Argument = Annotated[str, _Keeps(rules.ARGUMENT)]
_Arguments = Annotated[tuple[_Argument, ...], Field(max_length=rules.MAX_ARGUMENTS), BeforeValidator(_listed)]
_Command = Annotated[
    _Arguments, Field(repr=False, description="Replaces the image's entrypoint. It is not run in a shell.")
]
_Args = Annotated[_Arguments, Field(repr=False, description="Replaces the image's arguments.")]
_Optional = Annotated[
    bool | None, Field(description="Whether the Secret or ConfigMap, or its key, may be missing.")
]


class _Part(BaseModel):
    """What all parts of a spec have in common: never changed, no coercion."""

    model_config = ConfigDict(frozen=True, strict=True)

    def model_post_init(self, context: Any) -> None:
        """Nobody asks which fields were given, and pydantic's answers are half of what a spec holds."""
        object.__setattr__(self, "__pydantic_fields_set__", _NOT_KEPT)


_NOT_KEPT: set[str] = set()


def _exactly_one(part: BaseModel, *names: str) -> None:
    given = [name for name in names if getattr(part, name) is not None]
    if len(given) != 1:
        among = ", ".join(str(type(part).model_fields[name].alias) for name in names)
        raise PydanticCustomError(WHOLE, _literally(f"has {len(given)} of {among}; it must have exactly one"))


class KeyRef(_Part):
    """A key of a Secret or a ConfigMap in the preview's namespace."""

    name: _ObjectName
    key: Annotated[str, _Keeps(rules.DATA_KEY)] = Field(description="The key.")
    optional: _Optional = None


class SecretKeyRef(KeyRef):
    """A key of a Secret in the preview's namespace."""

    name: _ObjectName = Field(description="The Secret.")


class ConfigMapKeyRef(KeyRef):
    """A key of a ConfigMap in the preview's namespace."""

    name: _ObjectName = Field(description="The ConfigMap.")


class FieldRef(_Part):
    """A field of the pod."""

    field_path: Annotated[str, _Keeps(rules.FIELD_PATH)] = Field(
        alias="fieldPath", description="Such as metadata.name or status.podIP."
    )
    api_version: Literal["v1"] | None = Field(default=None, alias="apiVersion", description="Always v1.")


class EnvVarSource(_Part, json_schema_extra=cel.validations(cel.exactly_one(*rules.SOURCES))):
    """Source of the value."""

    secret_key_ref: SecretKeyRef | None = Field(default=None, alias="secretKeyRef")
    config_map_key_ref: ConfigMapKeyRef | None = Field(default=None, alias="configMapKeyRef")
    field_ref: FieldRef | None = Field(default=None, alias="fieldRef")

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        _exactly_one(self, "secret_key_ref", "config_map_key_ref", "field_ref")
        return self


class EnvVar(_Part, json_schema_extra=cel.validations(cel.not_both("value", "valueFrom"))):
    """An environment variable."""

    name: Annotated[str, _Keeps(rules.ENV_NAME)] = Field(description="Its name.")
    value: Annotated[str, _Keeps(rules.ENV_VALUE)] | None = Field(
        default=None,
        repr=False,  # it may be a secret
        description="Its value. $(NAME) of an earlier one is expanded.",
    )
    value_from: EnvVarSource | None = Field(default=None, alias="valueFrom")

    @model_validator(mode="after")
    def _not_both(self) -> Self:
        if self.value is not None and self.value_from is not None:
            raise PydanticCustomError(WHOLE, "has both value and valueFrom; one of them must go")
        return self


class ObjectRef(_Part):
    """A Secret or ConfigMap in the preview's namespace, whole."""

    name: _ObjectName = Field(description="Its name.")
    optional: _Optional = None


class EnvFromSource(_Part, json_schema_extra=cel.validations(cel.exactly_one("configMapRef", "secretRef"))):
    """A Secret or a ConfigMap."""

    prefix: Annotated[str, _Keeps(rules.ENV_NAME)] | None = Field(
        default=None, description="Put before each key."
    )
    config_map_ref: ObjectRef | None = Field(
        default=None, alias="configMapRef", description="A ConfigMap in the preview's namespace."
    )
    secret_ref: ObjectRef | None = Field(
        default=None, alias="secretRef", description="A Secret in the preview's namespace."
    )

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        _exactly_one(self, "config_map_ref", "secret_ref")
        return self


class LocalObjectReference(_Part):
    """A Secret."""

    name: _ObjectName = Field(description="Its name.")


class ResourceRequirements(_Part, json_schema_extra=cel.validations(*cel.resources_go_together())):
    """Requests and limits of the container."""

    limits: Quantities = Field(default=(), description="Maximum resources allowed.")
    requests: Quantities = Field(default=(), description="Minimum resources required.")

    @model_validator(mode="after")
    def _go_together(self) -> Self:
        if problem := problem_of(self.limits, self.requests):
            raise PydanticCustomError(WHOLE, _literally(problem))
        return self


_BY_NAME: Final = {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"]}
"""What an API server makes of a list whose names are there once; other lists are atomic."""


def _names_once(items: tuple[T, ...]) -> tuple[T, ...]:
    seen: set[str] = set()
    for item in items:
        if item.name in seen:
            raise PydanticCustomError(WHOLE, _literally(f'has "{item.name}" twice'))
        seen.add(item.name)
    return items


class Setup(_Part, json_schema_extra=cel.validations(cel.runs_something())):
    """A Job that runs once for each image and revision, such as a migration. The preview is not Ready
    until the Job is complete. The Job has the preview's env, envFrom, imagePullSecrets, imagePullPolicy
    and resources. Change revision to run it again.
    """

    image: _Image | None = Field(default=None, description="Image of the Job. Default: the preview's image.")
    command: _Command = ()
    args: _Args = ()

    @model_validator(mode="after")
    def _runs_something(self) -> Self:
        if not (self.image or self.command or self.args):
            raise PydanticCustomError(WHOLE, _literally(rules.NO_SETUP))
        return self


_ABOUT: Final = (
    f"Desired state of the preview. The names and values of env, and command, args and setup, have at most "
    f"{rules.MAX_TEXT} characters in total."
)


class Spec(_Part, json_schema_extra={"description": _ABOUT, **cel.validations(cel.is_not_too_long())}):
    """The spec of a preview. `()` and None mean "not set"; `replicas` 0 is set."""

    image: _Image = Field(description="The container image: REGISTRY:PORT/PATH:TAG@DIGEST.")
    fqdn: Annotated[str, _Keeps(rules.FQDN)] = Field(
        description="The hostname, in lower case, without scheme, port or wildcard."
    )
    port: Annotated[
        int,
        Field(ge=rules.PORT[0], le=rules.PORT[1]),
        BeforeValidator(_whole_number),
        _default(rules.DEFAULT_PORT),
    ] = Field(
        default=rules.DEFAULT_PORT,
        description="Port that the container listens on. The Service always listens on 80.",
    )
    replicas: (
        Annotated[int, Field(ge=rules.REPLICAS[0], le=rules.REPLICAS[1]), BeforeValidator(_whole_number)]
        | None
    ) = Field(default=None, description="Number of pods. Leave it unset if an autoscaler decides.")
    env: Annotated[
        tuple[EnvVar, ...],
        Field(max_length=rules.MAX_ENV, json_schema_extra=_BY_NAME),
        AfterValidator(_names_once),
        BeforeValidator(_listed),
    ] = Field(default=(), description="Environment variables.")
    env_from: Annotated[
        tuple[EnvFromSource, ...], Field(max_length=rules.MAX_ENV_FROM), BeforeValidator(_listed)
    ] = Field(
        default=(),
        alias="envFrom",
        description="Secrets and ConfigMaps whose keys become environment variables.",
    )
    image_pull_secrets: Annotated[
        tuple[LocalObjectReference, ...],
        Field(max_length=rules.MAX_PULL_SECRETS, json_schema_extra=_BY_NAME),
        AfterValidator(_names_once),
        BeforeValidator(_listed),
    ] = Field(default=(), alias="imagePullSecrets", description="Secrets to pull the image with.")
    image_pull_policy: rules.PullPolicy | None = Field(
        default=None,
        alias="imagePullPolicy",
        description="Pull policy of the image, and of the setup's image. Set IfNotPresent or Never for an "
        "image that was loaded into the nodes. Default: Always for a tag, IfNotPresent for a digest, if the "
        "operator allows these.",
    )
    resources: ResourceRequirements | None = None
    command: _Command = ()
    args: _Args = ()
    setup: Setup | None = None
    health_path: Annotated[str, _Keeps(rules.HEALTH_PATH)] | None = Field(
        default=None,
        alias="healthPath",
        description="HTTP path that the probes request. Without it, they open a TCP connection.",
    )
    revision: Annotated[str, _Keeps(rules.REVISION)] | None = Field(
        default=None, description="A commit. Changing it replaces the pods, even if the image is the same."
    )
    ttl: Annotated[str, AfterValidator(_ttl), _Keeps(rules.DURATION)] | None = Field(
        default=None,
        description="Time from the last change of the spec until the preview expires: 72h, 7d, 1d12h. "
        "0 means never.",
        json_schema_extra=cel.validations(cel.is_no_longer_than_ten_years()),
    )
    suspend: Annotated[bool, _default(False)] = Field(
        default=False, description="Run no pods, but keep the Service and the route."
    )

    @model_validator(mode="after")
    def _is_not_too_long(self) -> Self:
        """Of the names and values of env, and of what is run; the rest has bounds of its own."""
        run = (*self.command, *self.args, *((*self.setup.command, *self.setup.args) if self.setup else ()))
        env = sum(len(variable.name) + len(variable.value or "") for variable in self.env)
        if env + sum(map(len, run)) > rules.MAX_TEXT:
            raise PydanticCustomError(WHOLE, _literally(rules.TOO_MUCH_TEXT))
        return self


def known_fields(location: Sequence[str | int]) -> tuple[str, ...]:
    """The names of all fields beside the one at a location of the spec, such as `("env", 0, "nmae")`."""
    part: type[BaseModel] = Spec
    for step in location[:-1]:
        if isinstance(step, str):
            part = next(_parts_in(_by_name(part)[step]))
    return tuple(_by_name(part))


def _by_name(part: type[BaseModel]) -> Mapping[str, Any]:
    return {field.alias or name: field.annotation for name, field in part.model_fields.items()}


def _parts_in(annotation: Any) -> Iterator[type[BaseModel]]:
    """The parts that a type is made of: `tuple[EnvVar, ...] | None` is of EnvVar."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from _parts_in(inner)
