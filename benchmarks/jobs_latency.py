"""What a job costs requests: their latency with nothing beside them, and beside a job, in turn in one run.

    python -m benchmarks.jobs_latency [--model M] [--requests 60] [--rounds 5] [--sentences 3] [--pause 0.1] [--out F]

Each round asks with nothing beside, then starts a job, waits until it scores, asks again, and cancels the job; so a
drift of the machine's speed meets both. One caller asks for one document of `--sentences` sentences at a time and waits
`--pause` seconds between two requests. The p95 of all requests beside a job is to be at most 1.5 times that of the
others. `--nice` and `--threads` are those of the job's process.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import httpx

from benchmarks.batch_input import rows
from benchmarks.http import service

GOAL = 1.5
#: Rows of a job: more than any round needs, for each is cancelled.
JOB_ROWS = 20_000


def latencies(client: httpx.Client, texts: list[str], pause: float) -> list[float]:
    """Seconds that each request took."""
    found = []
    for number, text in enumerate(texts):
        body = {"documents": [{"id": str(number), "text": text}]}
        began = time.perf_counter()
        client.post("/v1/classify", json=body).raise_for_status()
        found.append(time.perf_counter() - began)
        time.sleep(pause)
    return found


def progress(client: httpx.Client, job: str) -> dict[str, Any]:
    """How far a job is; raises `RuntimeError` once it no longer runs."""
    view = client.get(f"/v1/jobs/{job}").json()
    if view["state"] not in ("queued", "running"):
        raise RuntimeError(f"the job ended before the requests did: {view}")
    return dict(view.get("progress", {}))


def beside_a_job(client: httpx.Client, lines: bytes, texts: list[str], pause: float) -> tuple[list[float], float]:
    """Latencies while a job is scored, and the rows a second that it made meanwhile."""
    headers = {"content-type": "application/x-ndjson"}
    job = client.post("/v1/jobs", content=lines, headers=headers).raise_for_status().json()["id"]
    while progress(client, job).get("rows_total") is None or progress(client, job)["rows"] == 0:
        time.sleep(0.2)
    begun, first = time.perf_counter(), progress(client, job)["rows"]
    found = latencies(client, texts, pause)
    rate = (progress(client, job)["rows"] - first) / (time.perf_counter() - begun)
    client.delete(f"/v1/jobs/{job}").raise_for_status()
    client.delete(f"/v1/jobs/{job}")
    time.sleep(2)  # its worker ends
    return found, rate


def summary(seconds: list[float]) -> dict[str, float]:
    """Milliseconds."""
    cuts = statistics.quantiles(seconds, n=100, method="inclusive")
    return {name: round(1000 * cuts[at], 1) for name, at in (("p50_ms", 49), ("p95_ms", 94), ("p99_ms", 98))}


def run(asked: argparse.Namespace) -> dict[str, Any]:
    """All figures of one run."""
    needed = asked.requests * asked.sentences
    sentences = [row["text"] for row in rows(max(needed, JOB_ROWS))]
    texts = [" ".join(sentences[at : at + asked.sentences]) for at in range(0, needed, asked.sentences)]
    lines = "".join(json.dumps({"id": str(at), "text": text}) + "\n" for at, text in enumerate(sentences)).encode()
    idle: list[float] = []
    beside: list[float] = []
    rates: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        jobs = {"folder": folder, "nice": asked.nice, "threads": asked.threads}
        with service(asked.model, {"jobs": jobs}) as (url, _, _), httpx.Client(base_url=url, timeout=None) as client:
            latencies(client, texts[:10], 0)
            for _ in range(asked.rounds):
                idle += latencies(client, texts, asked.pause)
                found, rate = beside_a_job(client, lines, texts, asked.pause)
                beside += found
                rates.append(rate)
    figures = {"idle": summary(idle), "beside_a_job": summary(beside)}
    return {
        "cores": os.cpu_count(),
        "load": os.getloadavg()[0],
        "asked": {k: v for k, v in vars(asked).items() if k != "out"},
        "requests": len(idle),
        **figures,
        "p95_ratio": round(figures["beside_a_job"]["p95_ms"] / figures["idle"]["p95_ms"], 2),
        "goal": GOAL,
        "job_rows_per_second": round(statistics.median(rates), 1),
    }


def main() -> None:
    """Measure and print JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model")
    parser.add_argument("--requests", type=int, default=60, help="requests of half a round")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--sentences", type=int, default=3)
    parser.add_argument("--pause", type=float, default=0.1)
    parser.add_argument("--nice", type=int, default=15)
    parser.add_argument("--threads", type=int)
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args()
    text = json.dumps(run(asked), indent=1)
    if asked.out:
        asked.out.write_text(text + "\n", encoding="utf-8")
    sys.stdout.write(text + "\n")


if __name__ == "__main__":
    main()
