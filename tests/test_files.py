"""What a command is to replace is there until its successor is whole."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from sim.errors import UserError
from sim.files import check_writable, reason, replacing, write


def test_a_file_is_replaced_with_its_rights_and_without_leftovers(tmp_path: Path) -> None:
    file = tmp_path / "a.json"
    write(file, "old")
    file.chmod(0o640)
    write(file, "new")
    assert file.read_text() == "new"
    assert stat.S_IMODE(file.stat().st_mode) == 0o640
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize("error", [UserError("refused"), KeyboardInterrupt(), OSError(28, "full")])
def test_whatever_goes_wrong_leaves_what_was_there(tmp_path: Path, error: BaseException) -> None:
    file = tmp_path / "a.json"
    write(file, "old")

    def breaks_off() -> None:
        with replacing(file) as growing:
            growing.write_text("half")
            raise error

    with pytest.raises((UserError, KeyboardInterrupt)):
        breaks_off()
    assert file.read_text() == "old"
    assert list(tmp_path.iterdir()) == [file]


def test_a_full_disk_leaves_what_was_there(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    write(file, "old")
    script = (
        "import resource, sys; from pathlib import Path; from sim.files import write\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "write(Path(sys.argv[1]), 'x' * 100_000)"
    )
    command = [sys.executable, "-c", script, str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=_with_sim())
    assert "cannot be written: File too large" in done.stderr
    assert file.read_text() == "old"
    assert list(tmp_path.iterdir()) == [file]


def test_a_kill_leaves_what_was_there(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    write(file, "old")
    script = (
        "import os, sys; from pathlib import Path; from sim.files import replacing\n"
        "with replacing(Path(sys.argv[1])) as growing:\n"
        "    growing.write_text('half'); os.kill(os.getpid(), 9)"
    )
    done = subprocess.run([sys.executable, "-c", script, str(file)], check=False, env=_with_sim())
    assert done.returncode == -signal.SIGKILL
    assert file.read_text() == "old"


def test_a_link_goes_on_pointing_where_it_did(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    link = tmp_path / "link.txt"
    link.symlink_to(tmp_path / "real" / "a.txt")
    write(link, "new")
    assert link.is_symlink()
    assert (tmp_path / "real" / "a.txt").read_text() == "new"


def test_pipes_are_written_to_and_folders_refused(tmp_path: Path) -> None:
    write(Path(os.devnull), "gone")
    assert stat.S_ISCHR(Path(os.devnull).stat().st_mode)
    with pytest.raises(UserError, match="expected a file to write, got a folder"):
        write(tmp_path, "text")
    with pytest.raises(UserError, match="cannot be written: File name too long"):
        write(tmp_path / ("n" * 300), "text")


def _with_sim() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}


def test_a_place_where_no_file_can_be_is_refused_before_work_begins(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("former", encoding="utf-8")
    check_writable(tmp_path / "file")
    check_writable(tmp_path / "new" / "deep" / "file")
    check_writable(Path("/dev/null"))
    for path in (tmp_path, tmp_path / "file" / "x", tmp_path / ("n" * 300)):
        with pytest.raises(UserError, match=str(tmp_path)):
            check_writable(path)
    assert sorted(tmp_path.iterdir()) == [tmp_path / "file"]


def test_the_reason_is_in_the_words_of_the_operating_system() -> None:
    arrows = OSError(24, "Failed to open local file 'a'. Detail: [errno 24] Too many open files")
    assert reason(arrows) == os.strerror(24)
    assert reason(OSError(28, os.strerror(28))) == os.strerror(28)
