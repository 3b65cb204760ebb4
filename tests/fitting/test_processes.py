"""Whose lines are whose, in logs that several processes wrote."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from sim.errors import UserError
from sim.fitting.gctrace_log import read_gctrace
from sim.fitting.processes import chosen, separate
from sim.formats.gctrace import parse
from sim.streams import Streams

LINE = (
    "gc {n} @{t:.3f}s 5%: 0.05+10+0.05 ms clock, 0.1+1.0/{cpu:.1f}/0+0.1 ms cpu, "
    "{start}->{end}->{marked} MB, {goal} MB goal, 0 MB stacks, 0 MB globals, {procs} P"
)


def of_process(
    cycles: int, every: float = 0.1, first: int = 1, mib: int = 20, cpu: float = 5
) -> list[str]:
    return [
        LINE.format(
            n=n,
            t=0.01 + every * n,
            start=2 * mib - 2,
            end=2 * mib - 1,
            marked=mib,
            goal=2 * mib,
            procs=2,
            cpu=cpu,
        )
        for n in range(first, first + cycles)
    ]


def by_turns(*logs: list[str], seed: int = 1) -> list[str]:
    """Lines of several logs in an order by chance that keeps the order of each."""
    turns = Streams(seed)["turns"].permutation([k for k, log in enumerate(logs) for _ in log])
    sources = [iter(log) for log in logs]
    return [next(sources[k]) for k in turns]


def found(lines: list[str]) -> dict[str, list[int]]:
    return {
        process.label: [one.line.number for one in process.found]
        for process in separate(list(parse(lines)))
    }


STYLES: dict[str, Callable[[str, str, int], str]] = {
    "compose": lambda name, line, k: f"{name}  | {line}",
    "coloured compose": lambda name, line, k: f"\x1b[36m{name}  |\x1b[0m {line}",
    "kubectl": lambda name, line, k: f"[pod/{name}/app] {line}",
    "stern": lambda name, line, k: f"{name} app {line}",
    "journald": lambda name, line, k: f"Nov 30 11:{k // 60:02}:{k % 60:02} host {name}[77]: {line}",
    "iso journald": lambda name, line, k: (
        f"2026-11-30T11:{k // 60:02}:{k % 60:02}.123456+0100 host {name}[77]: {line}"
    ),
    "cri": lambda name, line, k: (
        f"{name} 2026-11-30T11:{k // 60:02}:{k % 60:02}.123456789Z stderr F {line}"
    ),
    "docker json": lambda name, line, k: (
        f'{{"log":"{line}\\n","stream":"stderr","time":"2026-11-30T11:00:{k % 60:02}.1Z",'
        f'"kubernetes":{{"pod_name":"{name}","namespace":"x"}}}}'
    ),
    "html": lambda name, line, k: f"{name} | {line.replace('>', '&gt;')}",
    "json logger": lambda name, line, k: f'{{"pod":"{name}","at":{k},"msg":"{line}"}}',
}


@pytest.mark.parametrize("style", STYLES)
def test_prefixes_tell_replicas_apart_however_their_lines_mix(style: str) -> None:
    """The same numbers at the same times: only the prefix differs."""
    wrapped = by_turns(
        *(
            [STYLES[style](name, line, k) for k, line in enumerate(of_process(40))]
            for name in ("web-1", "web-2", "worker-1")
        )
    )
    processes = found(wrapped)
    assert len(processes) == 3
    for name, numbers in zip(("web-1", "web-2", "worker-1"), sorted(processes), strict=True):
        assert name in numbers
    assert all(numbers == list(range(1, 41)) for numbers in processes.values())


@pytest.mark.parametrize("seed", range(8))
def test_numbers_tell_processes_apart_that_have_no_prefix(seed: int) -> None:
    logs = of_process(60), of_process(50, first=300, every=0.1, mib=200), of_process(30, first=1000)
    processes = found(by_turns(*logs, seed=seed))
    assert sorted(map(len, processes.values())) == [30, 50, 60]


def test_lines_of_one_process_that_came_out_of_order_are_put_right() -> None:
    lines = of_process(30)
    swapped = [line for a, b in zip(lines[::2], lines[1::2], strict=True) for line in (b, a)]
    shuffled = by_turns(*([line] for line in lines))
    for order in (swapped, shuffled):
        assert found(order) == {"#1": list(range(1, 31))}


def test_a_restart_begins_another_process() -> None:
    assert found([*of_process(20), *of_process(12), *of_process(5)]) == {
        "#1": list(range(1, 21)),
        "#2": list(range(1, 13)),
        "#3": list(range(1, 6)),
    }


def test_a_restarted_container_keeps_its_name() -> None:
    lines = [f"web-1  | {line}" for line in (*of_process(20), *of_process(12))]
    assert list(found(lines)) == ["web-1", "web-1 (2)"]


def test_text_that_runs_into_a_line_makes_no_process() -> None:
    lines = [f"request {k} done" * (k % 3 == 0) + line for k, line in enumerate(of_process(40))]
    assert list(found(lines).values()) == [list(range(1, 41))]


def test_the_newest_line_first_is_turned_around() -> None:
    assert found(of_process(30, first=500)[::-1]) == {"#1": list(range(500, 530))}


def test_the_newest_line_first_of_two_pods_is_turned_around() -> None:
    logs = ([f"{name}  | {line}" for line in of_process(30)] for name in ("web-1", "web-2"))
    assert found(by_turns(*logs)[::-1]) == {name: list(range(1, 31)) for name in ("web-1", "web-2")}


def test_a_line_delivered_twice_counts_once() -> None:
    lines = [line for line in of_process(10) for _ in range(2)]
    assert found(lines) == {"#1": list(range(1, 11))}


def test_a_clock_that_runs_backwards_is_no_restart() -> None:
    lines = of_process(10)
    lines[4] = lines[4].replace("@0.510s", "@9.510s")
    assert found(lines) == {"#1": list(range(1, 11))}


def test_the_process_with_most_gc_cpu_is_taken_and_the_others_are_listed(tmp_path: Path) -> None:
    log = tmp_path / "app.log"
    names = {"idle": of_process(60), "busy": of_process(40, cpu=90)}
    log.write_text(
        "\n".join(f"{name}  | {line}" for name, lines in names.items() for line in lines)
    )
    read = read_gctrace(log)
    assert len(read.lines) == 40
    (told,) = read.warnings
    assert "busy (40 cycles" in told
    assert "idle (60 cycles" in told
    assert len(read_gctrace(log, process="idle").lines) == 60
    with pytest.raises(UserError, match=r"no process .* 'bussy': busy, idle; did you mean 'busy'"):
        read_gctrace(log, process="bussy")


def test_a_part_of_a_name_is_enough_if_it_is_of_one_process() -> None:
    lines = [f"[pod/{name}/app] {line}" for name in ("web-1", "web-2") for line in of_process(5)]
    processes = separate(list(parse(lines)))
    assert chosen(processes, "web-2", "log").label == "[pod/web-2/app]"
    with pytest.raises(UserError, match="several processes match 'web'"):
        chosen(processes, "web", "log")
