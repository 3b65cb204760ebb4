"""`gomemsim sensitivity` as typed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from sim.cli import main
from sim.experiment import sensitivity


@pytest.fixture(autouse=True)
def known(monkeypatch: pytest.MonkeyPatch) -> None:
    """Elasticities that cost nothing."""

    def found(*_: Any) -> pd.DataFrame:
        row = {"parameter": "machine.x", "figure": "gc_cpu", "elasticity": 0.9}
        frame = pd.DataFrame([{**row, "low": 0.8, "high": 1.0}])
        frame.attrs["remarks"] = ["json-api: 3 GC cycles are no distribution."]
        return frame

    monkeypatch.setattr(sensitivity, "elasticities", found)


def test_quiet_leaves_out_progress_and_no_result(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(["sensitivity", "json-api", "-q"])
    printed = capsys.readouterr()
    assert not end.value.code
    assert "GC CPU on machine.x (+0.90)" in printed.out
    assert "json-api: 3 GC cycles are no distribution." in printed.out
    assert "| machine.x" in printed.out
    assert not printed.err


def test_a_config_that_comes_twice_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a.yaml").write_text("workload: json-api\n", encoding="utf-8")
    for twice in (["json-api", "json-api"], ["a.yaml", "./a.yaml"]):
        with pytest.raises(SystemExit) as end:
            main(["sensitivity", *twice])
        assert end.value.code == 2
        assert capsys.readouterr().err == f"gomemsim: {twice[1]}: is given twice\n"
