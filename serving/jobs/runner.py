"""The runner: one process behind the service that scores jobs, with DBOS, and ends when there is nothing to do.

    python -m serving.jobs '{"folder": ..., "roots": [...], ...}'     # a JobsConfig

It stands back behind requests by its nice value. (Not by the idle scheduling class: on a busy machine that would let
it starve. And it stays in the session of the service, for Linux may share the processor between sessions first, and
weigh nice values only within one.)
"""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
import time
from datetime import timedelta
from typing import Any

from serving.batch.errors import Stopped
from serving.batch.local import cores
from serving.config import JobsConfig
from serving.jobs.folder import JobsFolder
from serving.jobs.store import EXECUTOR, SCHEMA, WORKFLOW, JobStore, Names, database_url, serializer
from serving.jobs.sweep import Sweeper
from serving.jobs.work import opened

#: Seconds between two looks at whether there is a job, at how all jobs are, and without a job before the runner ends.
POLL = 0.5
SWEEP = 2.0
IDLE = 30.0
#: A job that took down this many runners is given up.
ATTEMPTS = 1_000

logger = logging.getLogger("stance.jobs")


class Runner:
    """Jobs of one folder, worked at in this process's threads and their worker processes."""

    def __init__(self, config: JobsConfig) -> None:
        """Start nothing yet."""
        self._config = config
        self._jobs = JobsFolder.of(config)
        self._store = JobStore(self._jobs)
        self._sweeper = Sweeper(self._jobs, self._store, timedelta(hours=config.keep_hours))
        # Jobs that run beside each other share the cores.
        self._threads = config.threads or max(1, cores() // config.running)
        self._at_work: set[str] = set()

    def run(self) -> None:
        """Work until there has been nothing to do for a while."""
        self._launch()
        quiet = time.monotonic()
        while True:
            if self._sweeper.sweep(frozenset(self._at_work)) or self._at_work:
                quiet = time.monotonic()
            elif time.monotonic() - quiet > IDLE:
                # An order is written down before it wakes anybody, so one of the two looks sees it.
                self._jobs.sleep()
                if not self._store.unfinished():
                    return
                self._jobs.wake()
            time.sleep(SWEEP)

    def _launch(self) -> None:
        from dbos import DBOS

        names = Names.of(self._jobs)
        settings: Any = {
            "name": names.application,
            "system_database_url": database_url(self._jobs),
            "dbos_system_schema": SCHEMA,
            "serializer": serializer(),
            "application_version": names.version,
            "executor_id": EXECUTOR,
            "log_level": "WARNING",
            "enable_otlp": False,
        }
        DBOS(config=settings)
        logging.getLogger("dbos").addFilter(_not_of_a_cancelled_job)
        DBOS.workflow(name=WORKFLOW, max_recovery_attempts=ATTEMPTS)(self._score_job_function())
        DBOS.launch()
        DBOS.register_queue(
            names.queue,
            worker_concurrency=self._config.running,
            polling_interval_sec=POLL,
            on_conflict="always_update",
        )

    def _score_job_function(self) -> Any:
        def score_job() -> dict[str, Any]:
            from dbos import DBOS

            return self._score_job(str(DBOS.workflow_id))

        return score_job

    def _score_job(self, job: str) -> dict[str, Any]:
        """The workflow: every shard is a step. What the journal of steps has is not done again after a restart.

        The manifest of the run decides all the same. A shard that was written before its step was noted is not
        written again; and where the model or the code changed since, shards that the journal holds for done are
        missing, and get steps of their own behind the others.
        """
        from dbos import DBOS

        folder = self._jobs.job(job)
        assert folder is not None
        self._at_work.add(job)
        try:
            with opened(folder, self._config.roots, self._threads) as work:
                for index in range(work.shards):
                    DBOS.run_step({"name": "score_shard"}, work.score, index)
                while missing := work.missing():
                    for index in missing:
                        DBOS.run_step({"name": "score_shard"}, work.score, index)
                return work.finish()
        except Stopped:
            logger.info("job %s was cancelled", job)
            raise
        finally:
            self._at_work.discard(job)


def _not_of_a_cancelled_job(record: logging.LogRecord) -> bool:
    """Whether a log record of DBOS says more than that a job was cancelled, which DBOS takes for an error."""
    error = record.exc_info[1] if record.exc_info else None
    return "Cancelled" not in type(error).__name__ and "no longer owned" not in str(record.msg)


def main(argument: str) -> None:
    """Run the runner that `argument`, JSON, describes, until there is nothing to do or the service has ended."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s", stream=sys.stderr)
    config = JobsConfig.model_validate_json(argument)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C means the service, which then ends the runner
    threading.Thread(target=_end_with_service, daemon=True).start()
    os.nice(config.nice)
    Runner(config).run()
    # Threads of DBOS may wait for their next look for seconds; nothing is in work, and all is on the disk.
    os._exit(0)


def _end_with_service() -> None:
    """End this process as soon as the one that started it has ended, however it did."""
    while os.read(sys.stdin.fileno(), 1):
        pass
    os._exit(1)
