"""Who gives a command what another one takes, or a value without its unit, is told so."""

from __future__ import annotations

from pathlib import Path

import pytest

from sim.cli import main

LOG = "gc 1 @0.006s 2%: 0.01+0.5+0.02 ms clock, 0.02+0.1/0.4/0+0.04 ms cpu, 4->4->2 MB, 4 MB goal"


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (("run", "app.yaml"), "`gomemsim fit` makes"),
        (("check", "app.yaml"), "`gomemsim fit` makes"),
        (("whatif", "workload.yaml"), "`gomemsim run` simulates"),
        (("fit", "workload.yaml", "-o", "out.yaml"), "`gomemsim run` simulates"),
        (("tune", "workload.yaml", "--max-gc-cpu", "10"), "(did you mean 10%?)"),
        (("run", "quickstart", "--set", "gogc=50"), "(did you mean 'GOGC'?)"),
        (("compare", "quickstart", "--gogc", "50", "100"), "one word with commas, such as 50,100"),
    ],
)
def test_the_sentence_says_what_was_meant(
    arguments: tuple[str, ...],
    hint: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("app.yaml").write_text(f"app: starting\n{LOG}\n", encoding="utf-8")
    Path("workload.yaml").write_text("load:\n  api: {}\n", encoding="utf-8")
    with pytest.raises(SystemExit) as end:
        main(arguments)
    assert end.value.code == 2
    assert hint in capsys.readouterr().err
