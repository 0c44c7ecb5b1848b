"""A worker process of the local engine: loads the model once, then scores what it is given.

Started as `python -m serving.batch.worker DESCRIPTOR`, a program of its own: a process of `multiprocessing` first runs
the caller's main module again, so a script without `if __name__ == "__main__":` would score anew in every worker.

    descriptor    one end of a pipe: in come the settings, then tasks; out go `begun POSITION ROWS`, `done RECORD`,
                  `error MESSAGE`
    stdin         a pipe that nothing is written to; it ends with the process that holds the other end
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from multiprocessing.connection import Connection

from serving.batch.errors import BatchError
from serving.batch.unit import ShardScorer, ShardTask, UnitSettings, settle_memory


def main(descriptor: int) -> None:
    """Work until nobody gives any more."""
    from stance.runtime import share_arena

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    share_arena()
    threading.Thread(target=_die_with_parent, daemon=True).start()
    pipe = Connection(descriptor)

    def begin(position: int, rows: int) -> None:
        pipe.send_bytes(f"begun {position} {rows}".encode())

    try:
        scorer = ShardScorer(UnitSettings.model_validate_json(pipe.recv_bytes()))
        settle_memory()
        while True:
            task = ShardTask.model_validate_json(pipe.recv_bytes())
            pipe.send_bytes(b"done " + scorer.score(task, begin).model_dump_json().encode())
    except EOFError:
        return
    except (BatchError, ValueError) as error:
        pipe.send_bytes(f"error {error}".encode())


def _die_with_parent() -> None:
    """End this process as soon as the one that started it has ended, however it did."""
    while os.read(0, 1):
        pass
    os._exit(1)


if __name__ == "__main__":
    main(int(sys.argv[1]))
