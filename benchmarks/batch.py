"""Batch scoring, measured: rate, scaling, memory, the cost of resuming, and kills.

    python -m benchmarks.batch rate    [--sentences 4000] [--grid 1x1,1x2,2x1] [--rounds 3] [--encoder HUB_ID]
    python -m benchmarks.batch resume  [--sentences 4000]
    python -m benchmarks.batch flat    [--sizes 10000,300000]
    python -m benchmarks.batch million [--sentences 1000000]
    python -m benchmarks.batch kills   [--sentences 2000] [--kills 51] [--engines local,ray,http]

Each takes `--model M` and `--data F` (labelled sentences to repeat; the corpus's training part without it), prints
JSON on stdout and, with --out FOLDER, keeps it there as batch_NAME.json with a plot, batch_NAME.png. `--grid` lists
WORKERSxTHREADS. With `--encoder` the rate of a `transformers` pipeline over (sentence, actor) pairs stands beside.
The engine ray needs the extra `ray`.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import tempfile
from pathlib import Path

from benchmarks.batch_input import DATA
from benchmarks.batch_kills import kills, resume
from benchmarks.batch_memory import flat, million
from benchmarks.batch_plots import draw
from benchmarks.batch_rate import rate
from serving.batch.local import cores

MEASUREMENTS = {"rate": rate, "resume": resume, "flat": flat, "million": million, "kills": kills}
SENTENCES = {"million": 1_000_000, "kills": 2_000}


def main() -> None:
    """Run one measurement."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=MEASUREMENTS)
    parser.add_argument("--model")
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--sentences", type=int)
    parser.add_argument("--sizes", default="10000,300000")
    parser.add_argument("--grid", default="1x1,1x2,2x1")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--encoder")
    parser.add_argument("--kills", type=int, default=51)
    parser.add_argument("--engines", default="local,ray,http")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    options.sentences = options.sentences or SENTENCES.get(options.what, 4_000)
    machine = {"cores": cores(), "processor": platform.processor() or platform.machine(), "load": os.getloadavg()[0]}
    with tempfile.TemporaryDirectory() as folder:
        found = {**MEASUREMENTS[options.what](options, Path(folder)), "machine": machine}
    text = json.dumps(found, indent=1)
    if options.out:
        options.out.mkdir(parents=True, exist_ok=True)
        (options.out / f"batch_{options.what}.json").write_text(text + "\n", encoding="utf-8")
        draw(options.what, found, options.out / f"batch_{options.what}.png")
    sys.stdout.write(text + "\n")


if __name__ == "__main__":
    main()
