"""Spark's jars: brought by checksum, refused without."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from drls import jars
from drls.errors import DrlsError

if TYPE_CHECKING:
    from pathlib import Path

SQLITE = "sqlite-jdbc-3.54.1.0.jar"


def test_brings_a_jar_once_and_again_where_it_was_damaged(tmp_path: Path) -> None:
    wanted = {SQLITE: jars.checksums()[SQLITE]}
    assert jars.bring(tmp_path, wanted) == [tmp_path / SQLITE]
    first = (tmp_path / SQLITE).stat().st_mtime_ns
    jars.bring(tmp_path, wanted)
    assert (tmp_path / SQLITE).stat().st_mtime_ns == first
    (tmp_path / SQLITE).write_bytes(b"damaged")
    assert jars.missing(tmp_path, wanted) == [SQLITE]
    jars.bring(tmp_path, wanted)
    assert jars.missing(tmp_path, wanted) == []
    assert [file.name for file in tmp_path.iterdir()] == [SQLITE]


def test_refuses_a_jar_of_another_checksum(tmp_path: Path) -> None:
    with pytest.raises(DrlsError) as told:
        jars.bring(tmp_path, {SQLITE: "0" * 64})
    assert told.value.code == "spark-unavailable"
    assert "checksum" in told.value.detail
    assert list(tmp_path.iterdir()) == []


def test_says_what_to_install_where_there_is_no_java(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(DrlsError) as told:
        jars.bring(tmp_path / "jars")
    assert told.value.code == "java-not-found"
    assert "apt install" in told.value.detail
    old = tmp_path / "java"
    old.write_text("#!/bin/sh\necho 'openjdk version \"1.8.0_402\"' >&2\n")
    old.chmod(0o755)
    with pytest.raises(DrlsError) as told:
        jars.bring(tmp_path / "jars")
    assert "Java 8" in told.value.detail
