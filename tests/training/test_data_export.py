import errno
import fcntl
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from stance.labelled import LabelledDocument
from tests.training.test_data_label_studio import DOCUMENT
from training.data.export import write_csv, write_jsonl, write_parquet
from training.data.files import replacing
from training.data.readers import read_csv, read_jsonl, read_parquet


@pytest.mark.parametrize(("write", "read"), [(write_jsonl, read_jsonl), (write_parquet, read_parquet)])
def test_everything_comes_back(tmp_path: Path, write, read, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("training.data.export.BATCH", 2)
    bare = LabelledDocument(id="bare", text="Nothing here.")
    documents = [DOCUMENT, bare, *(DOCUMENT.model_copy(update={"id": f"c{i}"}) for i in range(3))]
    assert write(documents, tmp_path / "out") == 5
    assert list(read(tmp_path / "out")) == documents


KILLED = """
import os, pathlib, sys
from training.data.files import replacing
with replacing(pathlib.Path(sys.argv[1])) as temporary:
    temporary.write_text("half")
    os.kill(os.getpid(), 9)
"""


def test_csv_holds_one_table_and_names_what_it_cannot_hold(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    rows, left_out = write_csv([DOCUMENT], path, "stances")
    assert (rows, left_out) == (3, [])
    (document,) = read_csv(path)
    names = {a.id: a.name for a in document.actors} | {"author": "author"}
    found = {(names[s.holder], names[s.target], s.label) for s in document.stances}
    assert found == {("It", "Talvia", "against"), ("It", "Brel", "favor"), ("author", "Brel", "neutral")}
    away = DOCUMENT.model_copy(update={"mentions": [m for m in DOCUMENT.mentions if m.start != 15]})
    rows, left_out = write_csv([away], path, "stances")
    assert rows == 1
    assert ["'orsan' is not mentioned" in problem.message for problem in left_out] == [True, True]


@pytest.mark.parametrize("write", [write_jsonl, write_parquet])
def test_a_full_disk_leaves_the_old_labels(tmp_path: Path, write) -> None:
    def documents() -> Iterator[LabelledDocument]:
        yield DOCUMENT
        raise OSError(errno.ENOSPC, "No space left on device")

    path = tmp_path / "labels"
    write_jsonl([DOCUMENT], path)
    before = path.read_bytes()
    with pytest.raises(OSError, match="No space left"):
        write(documents(), path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_replacement_is_whole_or_not_there(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "file"
    with replacing(path) as temporary:
        temporary.write_text("new")
        assert not path.exists()
    assert path.read_text() == "new"


@pytest.mark.parametrize("folder", [Path(), Path("/")])
def test_no_file_takes_a_folders_place(folder: Path) -> None:
    with pytest.raises(IsADirectoryError), replacing(folder):
        pytest.fail("wrote")


def _killed_while_writing(path: Path) -> int:
    """Have a process killed that was replacing `path`; its number."""
    process = subprocess.Popen([sys.executable, "-c", KILLED, str(path)], cwd=Path(__file__).parents[2])
    assert process.wait(60) == -signal.SIGKILL
    return process.pid


def test_what_a_killed_process_left_goes_at_the_next_write(tmp_path: Path) -> None:
    path = tmp_path / "file[1].json"
    left = path.with_name(f".{path.name}.{_killed_while_writing(path)}.part")
    assert left.read_text() == "half"
    others = [path.with_name(f".{path.name}.{os.getppid()}.part"), tmp_path / f".other.{left.suffixes[-2]}.part"]
    for other in others:
        other.write_text("of a process that lives, or of another file")
    with replacing(path) as temporary:
        temporary.write_text("new")
    assert path.read_text() == "new"
    assert sorted(tmp_path.iterdir()) == sorted([path, *others])


def test_a_locked_file_of_a_process_that_is_not_seen_stays(tmp_path: Path) -> None:
    path = tmp_path / "file"
    left = path.with_name(f".{path.name}.{_killed_while_writing(path)}.part")
    with left.open() as held:
        fcntl.flock(held, fcntl.LOCK_SH)  # as a writer in another container holds it
        with replacing(path) as temporary:
            temporary.write_text("new")
        assert left.exists()
    with replacing(path) as temporary:
        temporary.write_text("newer")
    assert list(tmp_path.iterdir()) == [path]
