"""Where jobs lie on the disk.

jobs.sqlite        the durable queue, unless another database is named
incoming/          uploads that have not ended
identity           tells the jobs of this folder from those of another in the same database
wake               there is work for the runner
runner.lock        held by the one process whose runner works here
ID/job.json        what was asked
ID/input/          the upload
ID/out/            the run, see serving.batch.run
ID/progress.json   how far it is
ID/cancel          somebody asked it to stop
ID/ended           it has ended, and nothing is left that nobody needs; modified when it ended
"""

from __future__ import annotations

import json
import os
import re
import shutil
import time
import uuid
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from serving.config import JobsConfig
from stance.store import pointer_path

if TYPE_CHECKING:
    from serving.jobs.job import JobRecord

# Every process of the service looks into this folder, also where nobody ever sends a job. What batch scoring brings
# with it, some 50 MB, is therefore loaded by those methods alone that an order needs.

#: Seconds after which an upload into which nothing came is given up.
STALE_UPLOAD = 3600.0
_ID = re.compile(r"[0-9a-f]{32}")
_INCOMING = "incoming"
#: Seconds that a time may lose between the queue and a file system.
_SAME_TIME = 0.01


@dataclass(frozen=True)
class JobFolder:
    """One job's folder."""

    path: Path

    @property
    def id(self) -> str:
        """The job's id."""
        return self.path.name

    @property
    def input(self) -> Path:
        """The folder of the upload."""
        return self.path / "input"

    @property
    def out(self) -> Path:
        """The run's output folder."""
        return self.path / "out"

    @property
    def ended(self) -> Path:
        """There once the job has ended and its folder is tidy."""
        return self.path / "ended"

    def settled(self, ended: datetime | None) -> bool:
        """Whether the folder is tidy since the job ended at `ended`; a job that was resumed ends again."""
        try:
            noted = self.ended.stat().st_mtime
        except FileNotFoundError:
            return False
        return ended is None or abs(noted - ended.timestamp()) < _SAME_TIME

    @property
    def cancelled(self) -> bool:
        """Whether somebody asked the job to stop."""
        return (self.path / "cancel").exists()

    def cancel(self) -> None:
        """Ask the job to stop."""
        (self.path / "cancel").touch()

    def uncancel(self) -> None:
        """Let the job go on."""
        (self.path / "cancel").unlink(missing_ok=True)

    def keep(self, record: JobRecord) -> None:
        """Write down what was asked."""
        from serving.batch.files import write_json

        write_json(self.path / "job.json", record.model_dump(mode="json"))

    def record(self) -> JobRecord | None:
        """What was asked; None where the folder is not a job's, or its description is damaged."""
        from pydantic import ValidationError

        from serving.batch.files import read_json
        from serving.jobs.job import JobRecord

        raw = read_json(self.path / "job.json")
        try:
            return None if raw is None else JobRecord.model_validate_json(json.dumps(raw))
        except ValidationError:
            return None

    def tell(self, progress: dict[str, Any]) -> None:
        """Say how far the job is; no more than a sign of life, so nothing is flushed to the disk."""
        partial = self.path / ".progress.json"
        partial.write_text(json.dumps(progress), encoding="utf-8")
        partial.replace(self.path / "progress.json")

    def told(self) -> dict[str, Any]:
        """How far the job was when it last said so; empty where it never did."""
        try:
            raw = json.loads((self.path / "progress.json").read_text(encoding="utf-8"))
        except (FileNotFoundError, ValueError):
            return {}
        return raw if isinstance(raw, dict) else {}


@dataclass(frozen=True)
class JobsFolder:
    """The folder of all jobs."""

    path: Path

    @classmethod
    def of(cls, config: JobsConfig) -> JobsFolder:
        """The folder that is configured, `jobs` under STANCE_HOME without one."""
        return cls(Path(config.folder).absolute() if config.folder else pointer_path().with_name("jobs"))

    @property
    def lock(self) -> Path:
        """Who holds it may run jobs."""
        return self.path / "runner.lock"

    @property
    def incoming(self) -> Path:
        """The folder of uploads that have not ended."""
        return self.path / _INCOMING

    def make(self) -> None:
        """Make the folder, readable for its owner alone, since it holds texts."""
        self.path.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.incoming.mkdir(exist_ok=True)
        if not self._identity.exists():
            new = self.incoming / uuid.uuid4().hex
            new.write_text(uuid.uuid4().hex[:12], encoding="ascii")
            with suppress(FileExistsError):  # another process was first
                os.link(new, self._identity)
            new.unlink()

    @property
    def _identity(self) -> Path:
        return self.path / "identity"

    @property
    def identity(self) -> str:
        """What the folder's jobs are called by in the queue."""
        self.make()
        return self._identity.read_text(encoding="ascii")

    def job(self, name: str) -> JobFolder | None:
        """The folder of the job with this id, whether it exists or not; None for what can be no id."""
        return JobFolder(self.path / name) if _ID.fullmatch(name) else None

    def jobs(self) -> Iterator[JobFolder]:
        """All jobs that have a folder."""
        names = sorted(os.listdir(self.path)) if self.path.exists() else []
        return (JobFolder(self.path / name) for name in names if _ID.fullmatch(name))

    def receive(self) -> JobFolder:
        """A new folder for an upload; `accept` makes it a job's."""
        folder = JobFolder(self.incoming / uuid.uuid4().hex)
        folder.input.mkdir(parents=True)
        return folder

    def accept(self, received: JobFolder, name: str) -> JobFolder | None:
        """Turn what was received into the job `name`, durably; None where there is one of that name already."""
        from serving.batch.files import sync_file, sync_folder

        folder = JobFolder(self.path / name)
        for file in received.input.iterdir():
            sync_file(file)
        for inside in (received.input, received.path):
            sync_folder(inside)
        try:
            received.path.rename(folder.path)
        except OSError:
            if not folder.path.exists():
                raise
            return None
        sync_folder(self.path)
        return folder

    def forget(self, job: JobFolder) -> None:
        """Remove a job's files, first its name, so that nobody finds half of them."""
        gone = self.incoming / uuid.uuid4().hex
        self.incoming.mkdir(exist_ok=True)
        try:
            job.path.replace(gone)
        except FileNotFoundError:
            return
        shutil.rmtree(gone, ignore_errors=True)

    def wake(self) -> None:
        """Say that there is work for the runner."""
        (self.path / "wake").touch()

    def sleep(self) -> None:
        """Say that there is none."""
        (self.path / "wake").unlink(missing_ok=True)

    @property
    def awake(self) -> bool:
        """Whether there is work for the runner."""
        return (self.path / "wake").exists()

    def anything_due(self, keep: timedelta) -> bool:
        """Whether there is something to remove, told from the disk alone: the queue stays closed."""
        now = time.time()
        uploads = self.incoming.iterdir() if self.incoming.exists() else ()
        if any(now - newest(path) > STALE_UPLOAD for path in uploads):
            return True
        for folder in self.jobs():
            try:
                changed = folder.ended.stat().st_mtime
            except FileNotFoundError:
                changed = newest(folder.path)
            if now - changed > keep.total_seconds():
                return True
        return False


def newest(path: Path) -> float:
    """When something in a folder last changed, in seconds since 1970; now for one that is gone."""
    times = []
    for each in (path, *path.rglob("*")):
        try:
            times.append(each.stat().st_mtime)
        except FileNotFoundError:
            continue
    return max(times, default=time.time())
