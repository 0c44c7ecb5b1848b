"""The record of traffic of a real service: what it holds, its bounds, and drift told from it by the command line."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest

from serving.aside.traffic import RotatedFiles, _append
from serving.config import TrafficConfig
from stance.cli.app import run
from stance.schema import DocumentResult
from stance.traffic import Observed, observe, opened_traffic, traffic_files
from tests.serving.conftest import ROOT, Service, run_service
from training.drift import read_window

TEXT = "Canada condemned the raid. Norway thanked Canada."
OBSERVED = observe(DocumentResult(id="a", model="m"), datetime.now(UTC), texts=False)


@pytest.fixture(scope="module")
def recorded(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service that keeps a record, without texts."""

    def command(config: Path, port: int) -> list[str]:
        start = "import sys, pathlib; from serving.run import serve; serve(pathlib.Path(sys.argv[1]))"
        return [sys.executable, "-c", start, str(config)]

    folder = tmp_path_factory.mktemp("recorded")
    yield from run_service(folder, tiny_model, command, {}, threads=1, traffic={"record": True})


def lines(folder: Path, number: int) -> list[str]:
    """The record's lines, once there are so many."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        found = [line for path in traffic_files(folder) for line in path.read_text().splitlines()]
        if len(found) >= number:
            return found
        time.sleep(0.1)
    raise AssertionError(f"only {len(found)} lines")


def test_drift_is_told_from_the_record(
    recorded: Service,
    tiny_model: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    home = recorded.network.parent / "home"
    monkeypatch.setenv("STANCE_HOME", str(home))
    monkeypatch.chdir(ROOT)
    documents = tmp_path / "documents.jsonl"
    documents.write_text("".join(json.dumps({"id": str(i), "text": TEXT}) + "\n" for i in range(110)))
    asked = ["models", "drift", "--model", str(tiny_model), "--report", str(tmp_path / "drift.html")]

    assert run(asked) == 2
    assert "no reference of stance:tiny-mpnet-0" in capsys.readouterr().err
    assert run(["models", "reference", str(documents), "--model", str(tiny_model)]) == 0
    assert capsys.readouterr().out == f"{home / 'reference' / 'stance-tiny-mpnet-0.jsonl'}\n"

    assert run(asked) == 2
    assert "no record of traffic" in capsys.readouterr().err
    recorded.classify([{"id": "secret", "text": TEXT}])
    (kept,) = lines(home / "traffic", 1)
    assert "Canada condemned" not in kept
    assert "secret" not in kept
    assert run(asked) == 2
    assert "the window has 2 sentences" in capsys.readouterr().err

    recorded.classify([{"id": str(i), "text": TEXT} for i in range(110)], include_neutral=True, author=True)
    lines(home / "traffic", 111)
    assert run(asked) == 0
    steady = capsys.readouterr()
    assert [line.split("\t")[3] for line in steady.out.splitlines()] == ["steady"] * 6
    assert "kept no sentences" in steady.err

    others = TEXT.replace("Canada", "Denmark").replace("Norway", "Iceland")
    recorded.classify([{"id": str(i), "text": others} for i in range(250)])
    lines(home / "traffic", 361)
    assert run(asked) == 1
    shown = {line.split("\t")[0]: line.split("\t")[3] for line in capsys.readouterr().out.splitlines()}
    assert shown["unseen actors"] == "drift"
    assert 'class="drifted"' in (tmp_path / "drift.html").read_text()
    assert run([*asked, "--hours", "0"]) == 2
    assert (traffic_files(home / "traffic")[0].stat().st_mode & 0o777) == 0o600


def test_the_record_is_bounded_and_shared_by_processes(tmp_path: Path) -> None:
    config = TrafficConfig(folder=str(tmp_path), file_bytes=1024, files=3)
    length = len(OBSERVED.model_dump_json(exclude_none=True)) + 1
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: RotatedFiles(config).add(OBSERVED), range(50)))
    files = traffic_files(tmp_path)
    assert len(files) == 3
    assert files[-1].name == "traffic.jsonl"
    for path in files:
        assert path.stat().st_size <= 1024
        assert [Observed.model_validate_json(line) for line in path.read_text().splitlines()]
    assert sum(path.stat().st_size for path in files[:-1]) == 2 * (1024 // length) * length


@pytest.mark.parametrize("files", [1, 2])
def test_a_record_of_few_files_keeps_the_latest(tmp_path: Path, files: int) -> None:
    writer = RotatedFiles(TrafficConfig(folder=str(tmp_path), file_bytes=1024, files=files))
    for number in range(40):
        writer.add(OBSERVED.model_copy(update={"model": str(number)}))
    found = [Observed.model_validate_json(line) for line in lines(tmp_path, 1)]
    assert found[-1].model == "39"
    assert len(traffic_files(tmp_path)) == files


def test_a_full_disk_leaves_no_half_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "traffic.jsonl"
    path.write_bytes(b"whole\n")
    import os

    real = os.write
    monkeypatch.setattr("os.write", lambda descriptor, data: real(descriptor, data[:3]))
    with path.open("ab") as file, pytest.raises(OSError, match="No space left"):
        _append(file.fileno(), b"another\n")
    assert path.read_bytes() == b"whole\n"


def test_files_that_rotate_while_they_are_read_lose_and_double_no_line(tmp_path: Path) -> None:
    config = TrafficConfig(folder=str(tmp_path), file_bytes=1024, files=3)
    writer = RotatedFiles(config)
    for number in range(20):
        writer.add(OBSERVED.model_copy(update={"model": str(number)}))
    before = [line for path in traffic_files(tmp_path) for line in path.read_text().splitlines()]
    with opened_traffic(tmp_path) as files:
        assert len(files) == 3
        for number in range(100, 140):  # every file that was opened is renamed and then removed
            writer.add(OBSERVED.model_copy(update={"model": str(number)}))
        assert not any(path.exists() and path.name != "traffic.jsonl" for path, _, _ in files)
        assert [line for _, file, size in files for line in file.read(size).decode().splitlines()] == before


def test_drift_reads_whole_windows_while_a_service_writes(tmp_path: Path) -> None:
    config = TrafficConfig(folder=str(tmp_path), file_bytes=4096, files=4)
    writer = RotatedFiles(config)
    number = 400
    writer.add(OBSERVED)
    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(lambda: [writer.add(OBSERVED) for _ in range(number)])
        seen = []
        while not writing.done():
            window = read_window(tmp_path, "m")
            assert window.problems == []
            seen.append(window.side.documents)
    writing.result()
    length = len(OBSERVED.model_dump_json(exclude_none=True)) + 1
    assert 0 < max(seen) <= 4 * (4096 // length)
    # Full files go one at a time: a window that saw fewer lines than the full files hold would have lost some.
    full = seen[next((at for at, found in enumerate(seen) if found > 3 * (4096 // length)), len(seen)) :]
    assert all(found > 3 * (4096 // length) for found in full)
