"""Checkpoints on a disk that fills, and those that a kill left half written."""

from __future__ import annotations

import json
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from stance.artifact import TOKENIZER
from tests.training.test_pipeline import configured, setting  # noqa: F401
from training import train
from training.checkpoints import StorageError, last_checkpoint, needing_room
from training.trainer import StanceTrainer, WeightAverage


@contextmanager
def files_up_to(size: int) -> Iterator[None]:
    """The system refuses to write a file beyond `size` bytes, as it does on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("size", [1_000, 150_000], ids=["weights", "optimiser"])
def test_a_disk_that_fills_loses_no_finished_checkpoint(
    size: int,
    setting: Path,  # noqa: F811
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    config = configured(setting, f"output={tmp_path}", "optim.epochs=2", "optim.average_from=0")
    save = StanceTrainer._save_checkpoint

    def fills(self: StanceTrainer, *args: object, **kwargs: object) -> None:
        if self.state.global_step < 4:
            return save(self, *args, **kwargs)
        with files_up_to(size):
            return save(self, *args, **kwargs)

    with monkeypatch.context() as patch:
        patch.setattr(StanceTrainer, "_save_checkpoint", fills)
        with pytest.raises(StorageError, match=r"make room \(.* GB free\).* goes on from checkpoint-2"):
            train.fit(config)
    assert [path.name for path in (tmp_path / "checkpoints").glob("checkpoint-*")] == ["checkpoint-2"]
    assert (train.fit(config) / TOKENIZER).exists()


def checkpoint(folder: Path, step: int, state: str | None) -> Path:
    path = folder / f"checkpoint-{step}"
    path.mkdir(parents=True)
    if state is not None:
        (path / "trainer_state.json").write_text(state)
    return path


def test_a_checkpoint_that_was_never_finished_is_removed(tmp_path: Path) -> None:
    whole = checkpoint(tmp_path, 90, json.dumps({"global_step": 90}))
    checkpoint(tmp_path, 100, None)
    checkpoint(tmp_path, 110, '{"global_st')
    assert last_checkpoint(tmp_path) == whole
    assert list(tmp_path.iterdir()) == [whole]


def test_a_run_without_checkpoints_begins_anew(tmp_path: Path) -> None:
    assert last_checkpoint(tmp_path / "none") is None


def test_the_average_is_whole_before_the_checkpoint_is(setting: Path, tmp_path: Path) -> None:  # noqa: F811
    config = configured(
        setting, f"output={tmp_path}", "optim.epochs=5", "optim.average_from=0", "optim.checkpoint_steps=10"
    )
    train.fit(config)
    last = last_checkpoint(tmp_path / "checkpoints")
    assert last is not None
    average = WeightAverage(0.0)
    average.restore(last)
    assert average.count > 0


@pytest.mark.parametrize(("number", "raised"), [(28, StorageError), (2, FileNotFoundError)])
def test_only_a_full_disk_is_told_as_one(number: int, raised: type[OSError], tmp_path: Path) -> None:
    with pytest.raises(raised) as caught, needing_room(tmp_path):
        raise OSError(number, "told by the system")
    assert isinstance(caught.value, StorageError) == (raised is StorageError)
