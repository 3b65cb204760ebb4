"""Requests for memory and what serves them: the language of a scenario of allocators."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Final, Literal, NamedTuple

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from sim.mechanisms.script import Model, Size, Story
from sim.streams import Streams

MOST_REQUESTS: Final = 20_000
AllocatorName = Literal["bump", "first-fit", "next-fit", "best-fit", "segregated", "tcmalloc", "go"]


class Malloc(Model):
    """Ask for a block."""

    name: str
    size: Size = Field(default=64, gt=0, le=1 << 20)
    thread: int = Field(default=0, ge=0, lt=64)


class Free(Model):
    """Give a block back."""

    name: str


class Random(Model):
    """Requests drawn at random: blocks of these sizes, each as often, that live for a while."""

    count: int = Field(ge=1, le=MOST_REQUESTS)
    sizes: Annotated[list[Annotated[Size, Field(gt=0, le=1 << 20)]], Field(min_length=1)]
    live: int = Field(default=20, ge=1, le=5000)
    """Blocks that are held at the same time; then one at random is freed for each new one."""
    threads: int = Field(default=1, ge=1, le=64)
    seed: int = Field(default=0, ge=0, lt=1 << 63)


class RequestStatement(Model):
    """One of these keys."""

    malloc: Malloc | None = None
    free: Free | None = None
    random: Random | None = None

    @model_validator(mode="after")
    def _one(self) -> RequestStatement:
        if sum(part is not None for part in (self.malloc, self.free, self.random)) != 1:
            raise PydanticCustomError(
                "own_words", "expected one of the keys malloc, free, random", {}
            )
        return self


class AllocatorSettings(Model):
    """The allocator that serves the requests."""

    allocator: AllocatorName = "first-fit"
    grow: Size = Field(default=4096, ge=1024, le=1 << 26)
    """Bytes that a free-list allocator asks the system for at a time."""


DEFAULTS: Final = AllocatorSettings()


class Requests(Story):
    """A trace of requests under different allocators."""

    requests: Annotated[list[RequestStatement], Field(min_length=1, max_length=MOST_REQUESTS)]
    settings: AllocatorSettings = DEFAULTS

    @model_validator(mode="after")
    def _bounded(self) -> Requests:
        drawn = sum(request.random.count for request in self.requests if request.random)
        if drawn > MOST_REQUESTS:
            context = {"most": MOST_REQUESTS, "got": drawn}
            message = "expected at most {most} requests in all, got {got}"
            raise PydanticCustomError("own_words", message, context)
        return self


class Operation(NamedTuple):
    """One request: a size, or None to give the block back."""

    name: str
    size: int | None
    thread: int
    path: tuple[str, ...]
    """Where it was written."""


def operations(requests: list[RequestStatement]) -> Iterator[Operation]:
    """The requests one by one."""
    for index, request in enumerate(requests):
        path = ("requests", str(index))
        if request.malloc is not None:
            malloc = request.malloc
            yield Operation(malloc.name, malloc.size, malloc.thread, (*path, "malloc"))
        elif request.free is not None:
            yield Operation(request.free.name, None, 0, (*path, "free"))
        elif request.random is not None:
            yield from _drawn(request.random, (*path, "random"))


def _drawn(random: Random, path: tuple[str, ...]) -> Iterator[Operation]:
    draw = Streams(random.seed)["requests"]
    held: list[Operation] = []
    for number in range(random.count):
        if len(held) >= random.live:
            gone = held.pop(int(draw.integers(len(held))))
            yield Operation(gone.name, None, gone.thread, path)
        size = random.sizes[int(draw.integers(len(random.sizes)))]
        thread = int(draw.integers(random.threads))
        held.append(Operation(f"r{number + 1}", size, thread, path))
        yield held[-1]
