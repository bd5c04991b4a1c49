"""The embedded PostgreSQL, for real."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from hemkurva.embedded import postgres, unprivileged
from hemkurva.embedded.postgres import SOCKET_PATH_BYTES, WHEEL, EmbeddedPostgres, find_binaries, stage
from hemkurva.embedded.process import RunAs
from hemkurva.errors import CannotStart, DataUnusable, DiskFull, MissingTool

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="about what root has to do")


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory of a stopped server, made once."""
    directory = tmp_path_factory.mktemp("cluster") / "pg"
    with EmbeddedPostgres(directory, fast=True):
        pass
    return directory


@pytest.fixture
def directory(cluster: Path, tmp_path: Path) -> Path:
    """A copy of it, the test's own."""
    copy = tmp_path / "pg"
    subprocess.run(["cp", "-a", str(cluster), str(copy)], check=True)
    return copy


@pytest.fixture
def server(directory: Path) -> Iterator[EmbeddedPostgres]:
    server = EmbeddedPostgres(directory, fast=True)
    yield server
    server.stop()


def query(dsn: str, text: str) -> object:
    with psycopg.connect(dsn, autocommit=True) as connection:
        cursor = connection.execute(text.encode())
        row = cursor.fetchone() if cursor.description else None
        return row[0] if row else None


def test_a_second_start_keeps_the_data_and_is_durable_by_default(tmp_path: Path) -> None:
    server = EmbeddedPostgres(tmp_path / "a b" / "pg")
    with server:
        dsn = server.ensure_database("kept data")
        assert server.ensure_database("kept data") == dsn
        query(dsn, "CREATE TABLE kept AS SELECT 'Åsa' AS name")
        assert query(dsn, "SHOW fsync") == "on"
        assert query(dsn, "SHOW listen_addresses") == ""
        assert query(dsn, "SELECT lower('ÅÄÖ')") == "åäö"
        assert query(dsn, "SHOW server_encoding") == "UTF8"
    with server:
        assert query(server.dsn("kept data"), "SELECT name FROM kept") == "Åsa"


def test_after_a_crash_the_data_are_there_and_the_stale_lock_is_no_hindrance(tmp_path: Path) -> None:
    server = EmbeddedPostgres(tmp_path / "pg")
    server.start()
    query(server.dsn(), "CREATE TABLE kept AS SELECT 7 AS n")
    server.kill()
    assert (server.data / "postmaster.pid").exists()
    with server:
        assert query(server.dsn(), "SELECT n FROM kept") == 7


def test_a_lock_whose_number_another_process_has_now_is_stale(server: EmbeddedPostgres) -> None:
    (server.data / "postmaster.pid").write_text(f"{os.getpid()}\n{server.data}\n0\n5432\n")
    server.start()
    assert query(server.dsn(), "SELECT 1") == 1


def test_a_second_server_on_the_same_data_is_refused(
    server: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.start()
    monkeypatch.setattr(postgres, "SHUTDOWN_WAIT", 0.1)
    with pytest.raises(DataUnusable, match=rf"already runs on .* as process {server.pid}; stop it"):
        EmbeddedPostgres(server.directory).start()
    assert query(server.dsn(), "SELECT 1") == 1


def test_data_of_another_version_are_refused_in_one_sentence(server: EmbeddedPostgres) -> None:
    (server.data / "PG_VERSION").write_text("15\n")
    with pytest.raises(
        DataUnusable, match="written by PostgreSQL 15 and this is 16; start over with FRESH=1"
    ):
        server.start()


def test_foreign_files_in_place_of_the_data_are_not_touched(tmp_path: Path) -> None:
    server = EmbeddedPostgres(tmp_path / "pg")
    server.data.mkdir(parents=True)
    (server.data / "letter.txt").write_text("mine")
    with pytest.raises(DataUnusable, match="holds no PostgreSQL data"):
        server.start()
    assert (server.data / "letter.txt").read_text() == "mine"


def test_a_path_too_long_for_a_socket_works_and_leaves_nothing(tmp_path: Path, cluster: Path) -> None:
    directory = tmp_path / ("long" * 30) / "pg"
    assert len(str(directory)) > SOCKET_PATH_BYTES
    directory.parent.mkdir()
    subprocess.run(["cp", "-a", str(cluster), str(directory)], check=True)
    server = EmbeddedPostgres(directory, fast=True)
    with server:
        assert query(server.dsn(), "SELECT 1") == 1
        sockets = Path(psycopg.conninfo.conninfo_to_dict(server.dsn())["host"] or "")
        assert sockets.stat().st_mode & 0o077 == 0
    assert not sockets.exists()


def test_the_socket_directory_of_a_killed_server_is_removed_at_the_next_start(
    tmp_path: Path, cluster: Path
) -> None:
    directory = tmp_path / ("long" * 30) / "pg"
    directory.parent.mkdir()
    subprocess.run(["cp", "-a", str(cluster), str(directory)], check=True)
    first = EmbeddedPostgres(directory, fast=True)
    first.start()
    left = Path(psycopg.conninfo.conninfo_to_dict(first.dsn())["host"] or "")
    first.kill()
    with EmbeddedPostgres(directory, fast=True) as second:
        assert query(second.dsn(), "SELECT 1") == 1
        assert not left.exists()


def test_without_room_on_the_disk_nothing_is_begun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres, "INITDB_BYTES", 1 << 60)
    with pytest.raises(DiskFull, match="make room, or choose another directory with --data DIR"):
        EmbeddedPostgres(tmp_path / "pg").start()
    assert list((tmp_path / "pg").iterdir()) == []


def test_without_the_wheel_the_message_says_what_to_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres, "WHEEL", "no_such_wheel")
    with pytest.raises(MissingTool, match="run `make install`"):
        find_binaries()


def test_the_wheel_is_found_without_running_its_code() -> None:
    script = (
        "import sys; from hemkurva.embedded.postgres import find_binaries; find_binaries(); "
        f"print({WHEEL!r} in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_a_server_that_cannot_start_says_why(server: EmbeddedPostgres) -> None:
    (server.data / "postgresql.conf").write_text("no_such_setting = 1\n")
    with pytest.raises(CannotStart, match=r"ended at its start: .*configuration file"):
        server.start()


@needs_root
@pytest.mark.parametrize("capability", ["dac_read_search", "dac_override"])
def test_below_a_directory_that_only_root_may_enter_it_runs_as_nobody(
    tmp_path: Path, capability: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    copy = stage(find_binaries(), closed / "site-packages")
    monkeypatch.setattr(unprivileged, "CAPABILITIES", (capability,))
    with EmbeddedPostgres(closed / "pg", fast=True, binaries=copy) as server:
        assert Path(f"/proc/{server.pid}").stat().st_uid != 0
        assert query(server.dsn(), "SELECT 1") == 1
        assert not (closed / "pg" / "binaries").exists()


@needs_root
def test_binaries_that_only_root_may_run_need_the_stronger_capability(tmp_path: Path) -> None:
    """A umask of 077 at the installation leaves files that nobody else may execute."""
    copy = stage(find_binaries(), tmp_path / "site-packages")
    subprocess.run(["chmod", "-R", "go-rwx", str(tmp_path / "site-packages")], check=True)
    with EmbeddedPostgres(tmp_path / "pg", fast=True, binaries=copy) as server:
        assert query(server.dsn(), "SELECT 1") == 1


@needs_root
def test_without_any_capability_the_binaries_are_copied_to_where_nobody_can_run_them(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    closed = tmp_path_factory.mktemp("closed")
    copy = stage(find_binaries(), closed / "site-packages")
    closed.chmod(0o700)
    monkeypatch.setattr(unprivileged, "CAPABILITIES", (None,))
    home = Path("/var/tmp") / f"hemkurva-test-{os.getpid()}"
    try:
        with EmbeddedPostgres(home / "pg", fast=True, binaries=copy) as server:
            assert query(server.dsn(), "SELECT 1") == 1
            assert (home / "pg" / "binaries").exists()
    finally:
        shutil.rmtree(home)


@needs_root
def test_with_no_way_in_one_sentence_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unprivileged, "CAPABILITIES", (None,))
    tmp_path.chmod(0o700)
    with pytest.raises(DataUnusable, match="choose a directory that everybody may pass through"):
        EmbeddedPostgres(tmp_path / "pg").start()


@needs_root
def test_data_that_a_user_began_are_run_as_that_user(tmp_path: Path) -> None:
    directory = tmp_path / "pg"
    directory.mkdir()
    os.chown(directory, 54321, 54321)
    run_as = unprivileged.runner(directory)
    assert isinstance(run_as, RunAs)
    assert (run_as.uid, run_as.gid) == (54321, 54321)
