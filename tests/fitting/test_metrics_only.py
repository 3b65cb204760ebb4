"""Without a log: scrapes, answers of Prometheus and dumps of runtime/metrics stand for one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from sim.advice.prediction import predict
from sim.advice.settings import grid
from sim.errors import UserError
from sim.fitting.evidence import Evidence, read_evidence
from sim.fitting.fit_log import fit_log
from sim.fitting.gctrace_log import GCTraceLog, read_gctrace
from sim.fitting.metrics_log import KnownProcess, log_of
from sim.fitting.observe import Observed, observe
from sim.formats import prometheus
from sim.replay.program import Load
from sim.units import SECOND, MiB

REAL = Path(__file__).parents[1] / "golden" / "real"
RUN = REAL / "hbsteady.p2.gogc100.limnone.r0"
LOG = RUN.with_name(RUN.name + ".gctrace.gz")
SETTING = {"/sched/gomaxprocs:threads": 2, "/gc/gogc:percent": 100}
OLD = (
    "go_memstats_alloc_bytes_total",
    "go_memstats_next_gc_bytes",
    "go_memstats_heap_alloc_bytes",
    "go_memstats_heap_idle_bytes",
    "go_memstats_heap_released_bytes",
    "go_memstats_sys_bytes",
)


def recorded() -> tuple[dict[str, Any], dict[str, Any], float]:
    """What the metrics of a real program were at the start and at the end of a run."""
    facts = json.loads(RUN.with_name(RUN.name + ".json").read_text())
    return facts["start"], facts["end"], facts["wall_s"]


def dumps(folder: Path, setting: Mapping[str, int] = SETTING) -> Path:
    start, end, wall = recorded()
    rows = [{**start, **setting, "at_ns": SECOND}, {**end, **setting, "at_ns": (1 + wall) * SECOND}]
    file = folder / "metrics.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return file


def exposition(values: Mapping[str, Any], at: float, *, old: bool) -> list[str]:
    lines = list(prometheus.format_lines(values))
    if old:
        cycles = values["/gc/cycles/total:gc-cycles"]
        lines = [line for line in lines if line.startswith(OLD)]
        lines += [
            f"go_gc_duration_seconds_count {cycles}",
            f"go_gc_duration_seconds_sum {cycles * 1e-4}",
            'go_info{version="go1.22.3"} 1',
            f"process_cpu_seconds_total {1.2 * at}",
            'go_gc_duration_seconds{quantile="0.5"} 0.0001',
            "process_resident_memory_bytes 190054400",
        ]
    return [line if line.startswith("#") else f"{line} {round(1000 * at)}" for line in lines]


def scrapes(folder: Path, *, old: bool, setting: Mapping[str, int] = SETTING) -> list[Path]:
    start, end, wall = recorded()
    files = []
    for name, values, at in (("a", start, 1.7e9), ("b", end, 1.7e9 + wall)):
        files.append(folder / f"{name}.prom")
        numbers = {**values, **setting}
        files[-1].write_text("\n".join(exposition(numbers, at, old=old)) + "\n# EOF\n")
    return files


def query_range(folder: Path, instances: tuple[str, ...] = ("app:8080",)) -> Path:
    start, end, wall = recorded()
    result = []
    for rank, instance in enumerate(instances):
        for line_a, line_b in zip(
            exposition({**start, **SETTING}, 0, old=False),
            exposition({**end, **SETTING}, wall, old=False),
            strict=True,
        ):
            if line_a.startswith("#"):
                continue
            name, value, _ = line_a.split(" ")
            last = line_b.split(" ")[1] if rank == 0 else value
            result.append(
                {
                    "metric": {"__name__": name, "instance": instance, "job": "app"},
                    "values": [[1.7e9, value], [1.7e9 + wall, last]],
                }
            )
    file = folder / "range.json"
    answer = {"status": "success", "data": {"resultType": "matrix", "result": result}}
    file.write_text(json.dumps(answer))
    return file


def seen(log: GCTraceLog) -> Observed:
    return observe(log.lines, log.segment.gogc, Load.WAITING, log.measured)


def assert_like_its_log(
    evidence: Evidence, cost: float, live: float = 0.1, procs: int | None = None
) -> GCTraceLog:
    """The program of the log of the same run, within what two snapshots of a start-up tell."""
    found, log = log_of(evidence.snapshots, KnownProcess(procs=procs)), read_gctrace(LOG)
    ours, true = seen(found), seen(log)
    assert found.measured.stop - found.measured.start == log.measured.stop - log.measured.start
    assert ours.allocated[found.measured].mean() == pytest.approx(
        true.allocated[log.measured].mean(), rel=0.03
    )
    assert ours.live[found.measured].mean() == pytest.approx(
        true.live[log.measured].mean(), rel=live
    )
    assert ours.mark_cost == pytest.approx(true.mark_cost, rel=cost)
    return found


def test_dumps_of_runtime_metrics_stand_for_a_log(tmp_path: Path) -> None:
    assert_like_its_log(read_evidence(dumps(tmp_path)), cost=0.35)


def test_scrapes_of_a_new_collector_stand_for_a_log(tmp_path: Path) -> None:
    assert_like_its_log(read_evidence(expositions=scrapes(tmp_path, old=False)), cost=0.35)


def test_scrapes_of_an_old_collector_leave_the_cost_of_marking_open(tmp_path: Path) -> None:
    """Of GC CPU there is nothing, of GOMAXPROCS neither: a user says it."""
    files = scrapes(tmp_path, old=True)
    evidence = read_evidence(expositions=files)
    assert evidence.resident is not None
    assert evidence.resident.size == 190054400
    log = assert_like_its_log(evidence, cost=1.0, live=0.35, procs=2)
    assert log.unsure_cost > 0.5
    assert log.go == (22, 22)
    assert any("CPU time of marking" in doubt for doubt in log.warnings)
    with pytest.raises(UserError, match=r"GOMAXPROCS .* --logged-gomaxprocs"):
        fit_log(prometheus=files)


def test_the_answer_to_a_query_range_stands_for_a_log(tmp_path: Path) -> None:
    assert_like_its_log(read_evidence(expositions=[query_range(tmp_path)]), cost=0.35)


def test_answers_to_a_query_a_family_are_put_together(tmp_path: Path) -> None:
    """Whether each is a file, or all of them were appended to one."""
    answer = json.loads(query_range(tmp_path).read_text())
    answers = [
        json.dumps({"status": "success", "data": {"result": [series]}})
        for series in answer["data"]["result"]
    ]
    (tmp_path / "all.json").write_text("\n".join(answers))
    files = [tmp_path / f"{n}.json" for n in range(len(answers))]
    for file, text in zip(files, answers, strict=True):
        file.write_text(text)
    assert_like_its_log(read_evidence(expositions=[tmp_path / "all.json"]), cost=0.35)
    assert_like_its_log(read_evidence(expositions=files), cost=0.35)


@pytest.mark.parametrize("layout", ["a list", "indented", "one after the other"])
def test_dumps_are_read_in_any_layout(tmp_path: Path, layout: str) -> None:
    file = dumps(tmp_path)
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    text = {
        "a list": json.dumps(rows),
        "indented": json.dumps(rows, indent=2),
        "one after the other": "".join(json.dumps(row, indent=1) for row in rows),
    }
    file.write_text(text[layout])
    assert_like_its_log(read_evidence(file), cost=0.35)


def test_of_several_instances_one_is_taken_and_can_be_chosen(tmp_path: Path) -> None:
    file = query_range(tmp_path, ("app-1:80", "app-2:80"))
    evidence = read_evidence(expositions=[file])
    assert any("app-1:80 is used" in doubt for doubt in evidence.doubts)
    with pytest.raises(UserError, match="only 0 GC cycles"):
        fit_log(prometheus=file, process="app-2")
    with pytest.raises(UserError, match="expected one of app-1:80, app-2:80, got 'web'"):
        read_evidence(expositions=[file], process="web")


def test_after_a_restart_counters_begin_anew(tmp_path: Path) -> None:
    first, second = scrapes(tmp_path, old=False)
    later = tmp_path / "c.prom"
    later.write_text(first.read_text().replace(" 1700000000000", " 1700000900000"))
    evidence = read_evidence(expositions=[second, first, later])
    assert len(evidence.snapshots) == 1
    assert any("restarts" in doubt for doubt in evidence.doubts)


BAD = {
    "one scrape": ("go_memstats_alloc_bytes_total 5 1700000000000\n", "two or more"),
    "other metrics": ("http_requests_total 3\n", "no metric of a Go process"),
    "damaged json": ('{"status": "success"', "expected a scrape, or the JSON"),
    "an error": ('{"status": "error", "error": "query timed out"}', "query timed out"),
}


@pytest.mark.parametrize("kind", BAD)
def test_metrics_that_say_nothing_are_refused_in_a_sentence(tmp_path: Path, kind: str) -> None:
    text, why = BAD[kind]
    file = tmp_path / "x.prom"
    file.write_text(text)
    with pytest.raises(UserError, match=why):
        fit_log(prometheus=file)


def test_nothing_at_all_says_what_is_wanted() -> None:
    with pytest.raises(UserError, match=r"expected a log.*--prometheus"):
        fit_log(None)


CONTRADICTIONS = {
    "/sched/gomaxprocs:threads": (8, "GOMAXPROCS is 2 in the log and 8 in the metrics"),
    "/gc/gogc:percent": (400, "GOGC=100, and the metrics say GOGC=400"),
    "/gc/gomemlimit:bytes": (100 * MiB, "GOMEMLIMIT is 100MiB in the metrics"),
    "/gc/heap/goal:bytes": (9000 * MiB, "8.79GiB in the metrics"),
}


@pytest.mark.parametrize("name", CONTRADICTIONS)
def test_metrics_of_another_process_are_refused_with_both_values(tmp_path: Path, name: str) -> None:
    value, sentence = CONTRADICTIONS[name]
    metrics = dumps(tmp_path, {**SETTING, name: value})
    with pytest.raises(UserError, match=sentence):
        fit_log(LOG, metrics=metrics)


@pytest.mark.slow
def test_a_program_of_metrics_is_predicted_as_that_of_its_log(tmp_path: Path) -> None:
    settings = grid("50,400", "none", "2")
    by_metrics = predict(fit_log(metrics=dumps(tmp_path)), settings, draws=4)
    by_log = predict(fit_log(LOG), settings, draws=4)
    for ours, true in zip(by_metrics, by_log, strict=True):
        assert ours.middle.gc_cycles == pytest.approx(true.middle.gc_cycles, rel=0.15)
        assert ours.middle.peak_heap_bytes == pytest.approx(true.middle.peak_heap_bytes, rel=0.15)


@pytest.mark.slow
def test_metrics_of_the_same_process_are_taken_beside_a_log(tmp_path: Path) -> None:
    assert fit_log(LOG, metrics=dumps(tmp_path)).overheads.measured


@pytest.mark.parametrize("kind", ["renamed", "victoriametrics", "native histogram", "stale"])
def test_answers_in_other_forms_are_read_as_the_same(tmp_path: Path, kind: str) -> None:
    """Names rewritten, an export of VictoriaMetrics, series that hold no numbers, or none once."""
    answer = json.loads((plain := query_range(tmp_path)).read_text())
    result = answer["data"]["result"]
    as_it_is = read_evidence(expositions=[plain]).snapshots
    text = json.dumps(answer)
    if kind == "renamed":
        text = text.replace('"__name__": "', '"__name__": "prod:')
    elif kind == "victoriametrics":
        text = "\n".join(json.dumps(_exported(**series)) for series in result)
    elif kind == "native histogram":
        result.append({"metric": {"__name__": "go_gc_pauses_seconds"}, "histograms": []})
        text = json.dumps(answer)
    else:
        for series in result:
            series["values"].insert(1, [(at := series["values"][0][0] + 1), "1"])
            if "alloc" in series["metric"]["__name__"]:
                series["values"][1] = [at, "NaN"]
        text = json.dumps(answer)
    (tmp_path / "other.json").write_text(text)
    found = read_evidence(expositions=[tmp_path / "other.json"]).snapshots
    assert [one.values for one in found] == [one.values for one in as_it_is]


def _exported(metric: Mapping[str, str], values: list[tuple[float, str]]) -> dict[str, Any]:
    return {
        "metric": metric,
        "values": [float(value) for _, value in values],
        "timestamps": [round(at * 1000) for at, _ in values],
    }


def test_an_answer_that_is_an_error_names_its_file(tmp_path: Path) -> None:
    (file := tmp_path / "app.json").write_text('{"status": "error", "error": "too many points"}')
    with pytest.raises(UserError, match=r"app\.json: Prometheus answered: too many points"):
        read_evidence(expositions=[file])
