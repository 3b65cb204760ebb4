"""What tests of all rooms use, and how long a test may take: in CPU time, not by the clock.

On a busy machine the clock says nothing about a test. A timer of the process's own CPU time
(setitimer(2), ITIMER_PROF) ends a test that computes too long; the time of its child processes is
added when it has ended. `--cpu N` lists the N dearest tests and the sum of all. What waits without
computing is ended by pytest-timeout.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any, Final

import pytest
from hypothesis import settings

from sim.record.facts import Fact
from sim.record.schema import schema
from sim.registry import REGISTRIES


def _blank(fact: type[Fact], **values: Any) -> Any:
    empty = {"int64": 0, "double": 0.0, "string": "", "bool": False}
    row = fact(*(empty[str(field.type)] for field in schema(fact)))
    return row._replace(**values)  # type: ignore[attr-defined]


@pytest.fixture
def blank() -> Callable[..., Any]:
    """`blank(Cycle, number=3)`: a fact with nothing in it but what is given."""
    return _blank


@pytest.fixture(scope="session", autouse=True)
def fits_made_once() -> Iterator[None]:
    """What a fit makes of a log hangs on nothing else: whoever fits it again, gets it at once."""
    from sim.fitting import fit_log
    from tests.fits import made_once

    with pytest.MonkeyPatch.context() as patch:
        for name in ("fit_program", "reproduce"):
            patch.setattr(fit_log, name, made_once(getattr(fit_log, name)))
        yield


@pytest.fixture(autouse=True)
def plug_ins_of_one_test() -> Iterator[None]:
    """What a test registers is gone when it ends: schemas name all policies that there are."""
    before = {kind: {name for name, _ in found.outside()} for kind, found in REGISTRIES.items()}
    yield
    for kind, found in REGISTRIES.items():
        for name, _ in found.outside():
            if name not in before.get(kind, ()):
                del found._classes[name]


settings.register_profile("suite", max_examples=50, derandomize=True, deadline=None)
settings.load_profile("suite")

FAST_LIMIT: Final = 10.0
"""CPU s of a test that is not marked slow: twice what the rule (5) allows, as caches are shared."""
SLOW_LIMIT: Final = 900.0
_SINCE: Final = pytest.StashKey[float]()
"""CPU s of this process and its children when the last phase of a test ended."""
_TOTALS: Final[dict[str, float]] = {}
"""CPU s by test, of all phases and processes."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--cpu", type=int, metavar="N", help="list the N tests that took most CPU")


def _cpu_seconds() -> float:
    used = os.times()
    return used.user + used.system + used.children_user + used.children_system


def _traced(item: pytest.Item) -> bool:
    return item.config.pluginmanager.hasplugin("_cov")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    item.stash[_SINCE] = _cpu_seconds()
    if item.get_closest_marker("untraced") and _traced(item):
        pytest.skip("what the code costs is not seen while its lines are traced")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """Run a test until it has used up its CPU time."""
    slow = any(item.get_closest_marker(name) for name in ("slow", "realgo", "bench"))
    limit = SLOW_LIMIT if slow or _traced(item) else FAST_LIMIT

    def too_long(number: int, frame: FrameType | None) -> None:
        del number, frame
        pytest.fail(f"more than {limit:g} CPU seconds")

    before, usual = _cpu_seconds(), signal.signal(signal.SIGPROF, too_long)
    signal.setitimer(signal.ITIMER_PROF, limit)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, usual)
    if _cpu_seconds() - before > limit:
        pytest.fail(f"more than {limit:g} CPU seconds with its child processes")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """Note what each phase of a test took; reports travel from worker processes to the first."""
    report: Any = yield
    now = _cpu_seconds()
    report.cpu = now - item.stash.get(_SINCE, now)
    item.stash[_SINCE] = now
    return report


def pytest_runtest_logreport(report: Any) -> None:
    _TOTALS[report.nodeid] = _TOTALS.get(report.nodeid, 0.0) + report.cpu


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    if config.getoption("cpu") is None:
        return
    terminalreporter.section(f"{sum(_TOTALS.values()):.1f} CPU seconds in {len(_TOTALS)} tests")
    dearest = sorted(_TOTALS.items(), key=lambda pair: -pair[1])[: config.getoption("cpu")]
    for name, seconds in dearest:
        terminalreporter.line(f"{seconds:8.2f}  {name}")
