"""JSON of every command: names that stay, and a schema that holds."""

from __future__ import annotations

import inspect
import json
from pathlib import Path

import jsonschema
import pytest

from sim.cli import main
from sim.cli.app import GROUPS
from sim.cli.schema import SchemaKind
from sim.report.documents import of_result
from sim.report.schemas import DOCUMENTS, schema
from sim.results import Result

ROOT = Path(__file__).parents[2]
LOG = str(ROOT / "tests/golden/real/garbage64.p2.gogc100.limnone.r0.gctrace.gz")


def typed(*arguments: str) -> int:
    with pytest.raises(SystemExit) as end:
        main(arguments)
    return int(end.value.code or 0)


def test_every_document_has_a_schema_that_the_command_line_knows() -> None:
    assert {kind.value for kind in SchemaKind} - {"config", "workload", "scenario"} == set(
        DOCUMENTS
    )
    for command in DOCUMENTS:
        jsonschema.Draft202012Validator.check_schema(schema(command))


def test_every_command_writes_json_unless_a_file_or_page_is_its_result() -> None:
    names = {
        command.__name__.replace("_", "-"): inspect.signature(command).parameters
        for commands in GROUPS.values()
        for command in commands
    }
    without = {name for name, options in names.items() if "json" not in options}
    assert without == {"init", "plot", "report", "export", "explore", "schema"}
    assert names.keys() - without == set(DOCUMENTS)


def test_a_run_has_its_figures_under_the_names_of_the_summary(run: Result) -> None:
    document = of_result(run)
    jsonschema.validate(document, schema("run"))
    assert document["figures"] == run.summary().numbers()
    assert document["units"]["peak_rss"] == "bytes"
    assert document["settings"] == {"GOGC": "100", "GOMEMLIMIT": "off", "GOMAXPROCS": "2"}


@pytest.mark.parametrize(
    "command",
    [
        ("whatif", LOG, "--gogc", "100"),
        ("sizeclasses",),
        ("examples",),
        ("check", "quickstart"),
        ("where", "1000B", "0B", "lognormal: [200B, 4KiB]", "--pointers"),
        ("watch",),
        ("watch", "tricolour", "--kind", "scan"),
        ("policies",),
        (
            "compare",
            "quickstart",
            "--gogc",
            "50,200",
            "--seeds",
            "2",
            "-q",
            "--set",
            "duration=300ms",
            "--set",
            "model.detail=fluid",
        ),
        ("contention", "quickstart", "--gomaxprocs", "1,2", "-q", "--set", "duration=20ms"),
        ("run", "quickstart", "--set", "duration=20ms", "--set", "model.detail=fluid"),
    ],
    ids=lambda command: command[0],
)
def test_what_a_command_prints_as_json_is_nothing_else_and_fits_its_schema(
    command: tuple[str, ...],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert typed(*command, "--json", "-") == 0
    document = json.loads(capsys.readouterr().out)
    jsonschema.validate(document, schema(command[0]))
    if isinstance(document, dict) and "rows" in document:
        assert 0 < len(document["verdict"]) <= 5


def test_what_finds_something_out_says_it_in_words_too() -> None:
    listed = {"whatif", "sizeclasses", "policies", "examples"}
    without = {"watch", "where", "check", "calibrate"}
    for command in DOCUMENTS.keys() - listed - without:
        assert "verdict" in schema(command)["required"], command


def test_a_fit_is_written_to_a_file_beside_the_text(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "fit.json"
    assert typed("fit", LOG, "-o", str(tmp_path / "w.yaml"), "--json", str(file)) == 0
    document = json.loads(file.read_text())
    jsonschema.validate(document, schema("fit"))
    assert document["gomaxprocs"] == 2
    assert "workload: " in capsys.readouterr().out


@pytest.mark.slow
def test_a_recommendation_fits_its_schema(capsys: pytest.CaptureFixture[str]) -> None:
    assert typed("tune", LOG, "--memory", "256MiB", "--json", "-") == 0
    document = json.loads(capsys.readouterr().out)
    jsonschema.validate(document, schema("tune"))
    assert document["environment"]["GOGC"] == str(document["recommended"]["gogc"])
