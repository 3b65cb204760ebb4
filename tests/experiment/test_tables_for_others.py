"""DuckDB, polars and pandas read a sweep without this package: settings are columns."""

from __future__ import annotations

import json
from pathlib import Path

import duckdb
import pandas as pd
import polars as pl
import pyarrow.parquet as pq
import pytest

import sim
from sim.cli import main
from sim.results import Results

ALL = {(gogc, rate, 1) for gogc in ("50", "off") for rate in ("200", "300")}


@pytest.fixture(scope="module")
def swept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sweep over two keys, one of them with values that no file system takes as they are."""
    root = tmp_path_factory.mktemp("swept")
    workload = Path(__file__).parents[2] / "workloads" / "hbsteady.yaml"
    config = root / "tiny.yaml"
    config.write_text(f"workload: {workload}\nGOMAXPROCS: 2\nduration: 5ms\n", encoding="utf-8")
    slow, fast = (f"{{goroutine: job, arrivals: {{poisson: {n}/s}}}}" for n in (200, 300))
    arguments = [
        "compare",
        str(config),
        "--gogc",
        "50,off",
        "--vary",
        f"workload.load.jobs={slow},{fast}",
        "--seeds",
        "1",
        "--out",
        str(root / "sweep"),
        "--quiet",
        "--table",
        str(root / "table.json"),
    ]
    with pytest.raises(SystemExit) as end:
        main(arguments)
    assert not end.value.code
    return root / "sweep"


def chosen(frame: pd.DataFrame) -> set[tuple[str, str, int]]:
    rows = frame[["GOGC", "workload.load.jobs", "seed"]].drop_duplicates()
    return {(str(gogc), jobs[-7:-4], seed) for gogc, jobs, seed in rows.itertuples(index=False)}


@pytest.mark.parametrize("table", ["samples", "run"])
def test_other_readers_see_settings_and_seed(swept: Path, table: str) -> None:
    pattern = f"{swept}/**/{table}.parquet"
    by_duckdb = duckdb.sql(f"from read_parquet('{pattern}', hive_partitioning=true)").df()
    by_polars = pl.read_parquet(pattern, hive_partitioning=True)
    by_sim = sim.load(swept)
    assert isinstance(by_sim, Results)
    assert chosen(by_duckdb) == ALL
    assert chosen(pd.DataFrame(by_polars.to_dict(as_series=False))) == ALL
    if table == "samples":  # pandas takes no column that is in the files as well, as seed in `run`
        files = list(map(str, swept.rglob(f"{table}.parquet")))
        by_pandas = pd.read_parquet(files, partitioning="hive")
        assert chosen(by_pandas) == ALL
        assert len(by_duckdb) == len(by_polars) == len(by_sim.table(table))


def test_duckdb_reads_all_tables_of_all_runs_as_one(swept: Path) -> None:
    pattern = f"{swept}/**/run=*/*.parquet"
    options = "hive_partitioning=true, union_by_name=true, filename=true"
    frame = duckdb.sql(f"from read_parquet('{pattern}', {options})").df()
    by_sim = sim.load(swept)
    assert isinstance(by_sim, Results)
    assert chosen(frame) == ALL
    assert frame["filename"].str.endswith("samples.parquet").sum() == len(by_sim.table("samples"))


def test_a_sweep_has_one_summary_with_units(swept: Path) -> None:
    frame = pd.read_parquet(swept / "summary.parquet")
    assert chosen(frame) == chosen(pd.read_csv(swept / "summary.csv")) == ALL
    schema = pq.read_schema(swept / "summary.parquet")
    assert schema.field("peak_rss").metadata[b"unit"] == b"bytes"
    assert not list(swept.glob(".*"))


def test_the_comparison_is_a_file_with_a_row_per_figure(swept: Path) -> None:
    rows = json.loads((swept.parent / "table.json").read_text(encoding="utf-8"))
    assert {row["GOGC"] for row in rows} == {"50", "off"}
    assert {row["figure"] for row in rows} >= {"peak_rss"}
    assert rows[0]["unit"] == "bytes"
    assert rows[0]["baseline"]


def test_a_file_of_no_known_format_is_a_sentence_before_anything_runs(
    swept: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        main(["compare", str(swept.parent / "tiny.yaml"), "--table", "x.xlsx"])
    assert end.value.code == 2
    assert "expected a name that ends in .csv, .parquet, .json" in capsys.readouterr().err


def test_runs_show_themselves_in_a_notebook(swept: Path) -> None:
    runs = sim.load(swept)
    assert isinstance(runs, Results)
    assert "MiB" in runs._repr_html_()
    run = next(iter(runs.values()))
    assert "peak RSS" in run._repr_html_()
