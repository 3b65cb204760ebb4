"""The language of scenarios: what stands in a file, as models that check it and make its schema."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Annotated, Any, Final, Literal, TypeAlias

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from sim.errors import UserError, nearest
from sim.units import SECOND, parse_bytes, parse_duration


def _quantity(parse: Callable[[str], int]) -> Callable[[Any], Any]:
    """How pydantic reads a quantity with a unit."""

    def read(value: Any) -> Any:
        try:
            return value if isinstance(value, int) else parse(value)
        except UserError as error:
            raise ValueError(str(error)) from None

    return read


Size: TypeAlias = Annotated[
    int,
    BeforeValidator(_quantity(parse_bytes), json_schema_input_type=str),
    Field(ge=0, le=1 << 40),
]
Duration: TypeAlias = Annotated[
    int,
    BeforeValidator(_quantity(parse_duration), json_schema_input_type=str),
    Field(ge=0, le=SECOND),
]


def _named(value: str) -> str:
    if not value or value == "nil" or re.search(r"[\s.]", value):
        message = "expected a name without dots and spaces other than nil, got {got}"
        raise PydanticCustomError("own_words", message, {"got": repr(value)})
    return value


Name: TypeAlias = Annotated[str, Field(max_length=100), AfterValidator(_named)]
"""Of a variable, a field, a goroutine."""
OptionalName: TypeAlias = Annotated[
    str, Field(max_length=100), AfterValidator(lambda value: value and _named(value))
]
Barrier = Literal[
    "none", "dijkstra", "dijkstra-without-rescan", "yuasa", "yuasa-stack-by-stack", "hybrid"
]
"""See `sim.mechanisms.barrier`."""


MOST_GOROUTINES: Final = 100
"""At the same time."""


class Model(BaseModel):
    """A mapping of known keys; a scalar stands for the value of the first one."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    @model_validator(mode="before")
    @classmethod
    def _short(cls, value: Any) -> Any:
        names = [field.alias or name for name, field in cls.model_fields.items()]
        if value is None:
            return {}
        if not isinstance(value, dict):
            return {names[0]: value} if names else value
        for key in value:
            if key not in names:
                context = {"key": key, "shown": f"{key!r}{nearest(key, names)}"}
                raise PydanticCustomError("unknown_key", "unknown key {shown}", context)
        return value


class AllocateStatement(Model):
    """A new object, to which a variable of the running function points."""

    name: Name
    """The variable, and the object's name; a number is added where the name is taken."""
    of: str = ""
    """Its type; the first one if left out."""
    count: int = Field(default=1, ge=1, le=100_000)
    """So many of them, one after the other; the variable holds the last."""
    chain: str = ""
    """A field of each new object that points to the one that the variable held before."""


class PointStatement(Model):
    """`from` = `to`: a field such as `a.next`, a global or a local variable gets a pointer."""

    at: str = Field(alias="from")
    to: str


class UnpointStatement(Model):
    """A field, global or local variable becomes nil."""

    at: str = Field(alias="from")


class CallStatement(Model):
    """Call a function: its frame lies on the stack until it returns."""

    function: str
    arguments: list[str] = Field(default=[], alias="with")
    into: OptionalName = ""
    """The variable that gets what it returns."""


class ReturnStatement(Model):
    """Return from a function, before its last step or with a value."""

    value: str = ""


class SpawnStatement(Model):
    """Start a goroutine."""

    function: str
    arguments: list[str] = Field(default=[], alias="with")
    name: OptionalName = ""
    """The goroutine's name; its function's if left out."""


class FinalizerStatement(Model):
    """runtime.SetFinalizer on an object."""

    of: str


class CollectStatement(Model):
    """runtime.GC: the goroutine waits until a collection has marked and swept."""


class TriggerStatement(Model):
    """A collection starts, as if heap_live had reached the trigger; the goroutine goes on."""


class ScavengeStatement(Model):
    """The scavenger returns free pages to the operating system."""

    size: Size


class WaitStatement(Model):
    """The goroutine does nothing for so many of its turns."""

    turns: int = Field(default=1, ge=1, le=100_000)


class ComputeStatement(Model):
    """The goroutine computes for so much CPU time, without touching the heap."""

    time: Duration


class RepeatStatement(Model):
    """Steps that are done several times."""

    times: int = Field(ge=1, le=100_000)
    steps: list[Statement]


class Statement(Model):
    """One step of a function: exactly one of these keys, or its name where it needs no value."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, json_schema_extra={"minProperties": 1, "maxProperties": 1}
    )

    allocate: AllocateStatement | None = None
    point: PointStatement | None = None
    unpoint: UnpointStatement | None = None
    call: CallStatement | None = None
    return_: ReturnStatement | None = Field(default=None, alias="return")
    spawn: SpawnStatement | None = None
    finalizer: FinalizerStatement | None = None
    collect: CollectStatement | None = None
    trigger: TriggerStatement | None = None
    scavenge: ScavengeStatement | None = None
    wait: WaitStatement | None = None
    compute: ComputeStatement | None = None
    repeat: RepeatStatement | None = None

    @model_validator(mode="before")
    @classmethod
    def _one(cls, value: Any) -> Any:
        if isinstance(value, str):
            value = {value: {}}
        if not isinstance(value, dict) or len(value) != 1:
            got = "several keys" if isinstance(value, dict) and value else "none"
            raise PydanticCustomError(
                "own_words", "expected one step such as `allocate: a`, got {got}", {"got": got}
            )
        return {name: {} if body is None else body for name, body in value.items()}

    @property
    def action(self) -> Action:
        """The step itself."""
        found: Action = next(
            getattr(self, name) for name in type(self).model_fields if getattr(self, name)
        )
        return found


Action: TypeAlias = (
    AllocateStatement
    | PointStatement
    | UnpointStatement
    | CallStatement
    | ReturnStatement
    | SpawnStatement
    | FinalizerStatement
    | CollectStatement
    | TriggerStatement
    | ScavengeStatement
    | WaitStatement
    | ComputeStatement
    | RepeatStatement
)


class Function(Model):
    """A function of the program."""

    steps: list[Statement]
    takes: list[Name] = []
    """Its parameters: pointers."""


class Type(Model):
    """A type of objects."""

    size: Size = Field(gt=0, le=1 << 30)
    pointers: list[Name] = []
    """Fields that hold pointers, 8 bytes each."""

    @model_validator(mode="after")
    def _fits(self) -> Type:
        if 8 * len(self.pointers) > self.size:
            context = {"room": self.size // 8, "number": len(self.pointers)}
            message = "expected at most the {room} pointers that fit, got {number}"
            raise PydanticCustomError("own_words", message, context)
        return self


class Start(Model):
    """A goroutine that runs from the start."""

    function: str
    arguments: list[str] = Field(default=[], alias="with")
    """Variables of `before`, or globals."""


class ScenarioSettings(Model):
    """The runtime under which a program runs."""

    collector: Literal["go", "generational", "regions"] = "go"
    """Go's mark and sweep, or one of the copying collectors of Java virtual machines."""
    go: str = "1.27"
    """Version whose layout of spans is used."""
    gomaxprocs: int = Field(default=1, ge=1, le=64)
    gogc: int = Field(default=100, ge=1, le=100_000, alias="GOGC")
    barrier: Barrier = "hybrid"
    marker: Literal["classic", "greentea"] = "classic"
    """Object by object, or span by span."""
    concurrent: bool = True
    """Mark while the program runs; otherwise with the world stopped."""
    assists: bool = True
    """Who allocates while the collector marks has to help."""
    turns: Literal["alternate", "share", "program-first"] = "alternate"
    """Who goes next: program and runtime in turn; the same, but marking gets a quarter of the CPU
    time, as Go's background workers do; or the same, but the sweeper comes last."""
    schedule: list[str] = []
    """Who goes next, by name: goroutines, `gc`, `sweeper`, `finalizers`; `turns` decides after."""
    machine: str = "default-x86-64"
    """Profile with the costs of steps, where time matters."""
    eden: Size = 4096
    """Generational: where objects are born."""
    survivor: Size = 1024
    """Generational: each of the two halves that survivors are copied between."""
    old: Size = 8192
    """Generational: where survivors of several collections live."""
    region: Size = 1024
    """Regions: size of each."""
    regions: int = Field(default=16, ge=4, le=256)
    tlab: Size = 512
    """Bytes that a goroutine takes from eden at once, to allocate without a lock."""
    tenure: int = Field(default=2, ge=1, le=15)
    """Collections that an object survives before it is promoted."""


SETTINGS: Final = ScenarioSettings()


class Story(Model):
    """What every scenario has."""

    title: str
    about: str = ""
    """What there is to see, in plain language."""
    simplified: list[str] = []
    """What is simpler here than in the real runtime."""
    variants: Annotated[dict[str, dict[str, Any]], Field(max_length=20)] = {}
    """Other settings to run the same under, by name."""


class Scenario(Story):
    """A small program, the runtime it runs under, and what to look at."""

    search: bool = False
    """Search all schedules of program and collector for one that loses an object."""
    types: Annotated[dict[str, Type], Field(min_length=1)] = {
        "object": Type(size=16, pointers=["next"])
    }
    globals: list[Name] = []
    before: list[Statement] = []
    """What the program has done already: steps that are not shown."""
    functions: dict[str, Function]
    start: Annotated[list[Start], Field(min_length=1, max_length=MOST_GOROUTINES)] = [
        Start(function="main")
    ]
    settings: ScenarioSettings = SETTINGS
