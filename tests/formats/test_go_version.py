"""Which Go built a program: as services print it when they start, and as linkers write it."""

from __future__ import annotations

from pathlib import Path

import pytest

from sim.errors import UserError
from sim.formats.go_version import in_text, of_binary

TOLD = {
    "2026-11-30 etcdmain: Go Version: go1.19.8": 19,
    'level=info build_context="(go=go1.21.3, platform=linux/amd64, user=root)"': 21,
    'lvl=info msg="Go runtime" log_id=0x version=go1.19.8 maxprocs=2': 19,
    'Go runtime {"log_id": "x", "version": "go1.22.1", "maxprocs": 2}': 22,
    "app 2.1 (go version go1.23.0 linux/amd64)": 23,
    '{"msg":"started","goVersion":"go1.20"}': 20,
    "Built with go1.24rc1": 24,
    '"GET / HTTP/1.1" 200 "Go-http-client/1.1" go1.19': None,
    "downloading go1.21.0.src.tar.gz": None,
    "go 1.21 modules are listed below": None,
}


@pytest.mark.parametrize("line", TOLD)
def test_a_line_tells_the_version_or_does_not(line: str) -> None:
    assert in_text(line) == TOLD[line]


def built_by(version: str, flags: int = 2) -> bytes:
    name = version.encode()
    header = b"\xff Go buildinf:" + bytes([8, flags]) + bytes(16)
    return b"\x7fELF" + bytes(100) + header + bytes([len(name)]) + name + bytes(100)


def test_the_file_of_a_program_tells_it(tmp_path: Path) -> None:
    file = tmp_path / "app"
    for content, version in (
        (built_by("go1.22.5"), 22),
        (built_by("go1.17.5", flags=0), None),  # a pointer to it
        (built_by("devel +abc"), None),
        (b"\xff Go buildinf:\x08", None),
    ):
        file.write_bytes(content)
        assert of_binary(file) == version
    for content in (b"#!/bin/sh\n", b""):
        file.write_bytes(content)
        with pytest.raises(UserError, match="expected a program of Go"):
            of_binary(file)
    with pytest.raises(UserError, match=r"--binary: .*missing: "):
        of_binary(tmp_path / "missing")
