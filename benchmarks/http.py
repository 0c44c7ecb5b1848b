"""HTTP against the in-process call, on the same documents, in one run; and how soon and how large the service is.

    python -m benchmarks.http [--model M] [--clients 1 2 4] [--requests 8] [--rounds 5] [--out http.json]

Every request carries 32 documents of a few sentences of `data/examples/article.txt`. Rounds alternate between the
in-process call and each number of clients, so that a drift of the machine's speed meets all of them.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import psutil
import yaml
from rich.console import Console
from rich.table import Table

from stance import Document, StanceClassifier
from stance.text import split_sentences

ROOT = Path(__file__).resolve().parent.parent
DOCUMENTS = 32
SENTENCES = 5
MEGABYTE = 1_000_000
LEAST, AIM = 0.8, 0.95


def payload() -> dict[str, Any]:
    """A request body: documents of a few sentences each, beginning at different ones, with the example's actors."""
    text = (ROOT / "data" / "examples" / "article.txt").read_text(encoding="utf-8")
    actors = yaml.safe_load((ROOT / "data" / "examples" / "actors.yaml").read_text(encoding="utf-8"))["actors"]
    sentences = [text[s.start : s.end].strip() for s in split_sentences(text)]
    documents = []
    for number in range(DOCUMENTS):
        chosen = [sentences[(number + k) % len(sentences)] for k in range(SENTENCES)]
        documents.append({"id": f"d{number}", "text": " ".join(chosen)})
    return {"documents": documents, "actors": actors}


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def service(model: str | None, settings: dict[str, Any]) -> Iterator[tuple[str, psutil.Process, float]]:
    """A service in a process of its own: its URL, its process, and the seconds until it was ready."""
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "serving.yaml"
        config.write_text(yaml.safe_dump({"model": model, "port": port, **settings}), encoding="utf-8")
        start = "import pathlib, sys; from serving.run import serve; serve(pathlib.Path(sys.argv[1]))"
        with (Path(folder) / "log.txt").open("w") as log:
            began = time.perf_counter()
            process = subprocess.Popen(
                [sys.executable, "-c", start, str(config)], cwd=ROOT, stdout=log, stderr=subprocess.STDOUT
            )
        url = f"http://127.0.0.1:{port}"
        try:
            await_ready(url, process, Path(folder) / "log.txt")
            yield url, psutil.Process(process.pid), time.perf_counter() - began
        finally:
            process.terminate()
            process.wait(60)


def await_ready(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    """Return once the service is ready; raises `RuntimeError` with its log when it ends instead."""
    while process.poll() is None:
        try:
            if httpx.get(f"{url}/readyz").status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.01)
    raise RuntimeError(log.read_text(encoding="utf-8"))


def timed(call: Callable[[], object], requests: int, clients: int) -> tuple[float, list[float]]:
    """Documents a second over `requests` calls by `clients` threads, and the seconds that each call took."""

    def one(_: int) -> float:
        began = time.perf_counter()
        call()
        return time.perf_counter() - began

    began = time.perf_counter()
    with ThreadPoolExecutor(clients) as pool:
        latencies = list(pool.map(one, range(requests)))
    return DOCUMENTS * requests / (time.perf_counter() - began), latencies


def measure(
    contestants: dict[str, tuple[Callable[[], object], int]], requests: int, rounds: int
) -> dict[str, dict[str, Any]]:
    """For each contestant its throughput (median of the rounds, least and most) and its latencies."""
    speeds: dict[str, list[float]] = {name: [] for name in contestants}
    latencies: dict[str, list[float]] = {name: [] for name in contestants}
    for _ in range(rounds):
        for name, (call, clients) in contestants.items():
            speed, seconds = timed(call, max(requests, clients), clients)
            speeds[name].append(speed)
            latencies[name] += seconds
    return {name: summary(speeds[name], latencies[name]) for name in contestants}


def summary(speeds: Sequence[float], latencies: Sequence[float]) -> dict[str, Any]:
    """Documents a second, and milliseconds a request."""
    cuts = statistics.quantiles(latencies, n=100, method="inclusive")
    return {
        "documents_per_second": round(statistics.median(speeds), 2),
        "least": round(min(speeds), 2),
        "most": round(max(speeds), 2),
        "p50_ms": round(1000 * statistics.median(latencies), 1),
        "p95_ms": round(1000 * cuts[94], 1),
        "p99_ms": round(1000 * cuts[98], 1),
    }


def check(body: dict[str, Any], classifier: StanceClassifier, documents: Sequence[Document], url: str) -> None:
    """Both ways must give the same answers, or their speeds compare nothing."""
    over_http = httpx.post(f"{url}/v1/classify", json=body, timeout=None).json()["results"]
    here = [result.model_dump(mode="json") for result in classifier.classify(documents)]
    if over_http != here:
        raise RuntimeError("the service's answers differ from the in-process call's")


def mixed(client: httpx.Client, headers: dict[str, str]) -> None:
    """Requests of few and many documents of all lengths: memory must not grow with the variety of what was asked."""
    sentence = "Tamoria condemned Qarvan and praised Norway. "
    for documents in (1, 2, 4, 8, 16, 32):
        for sentences in range(1, 26):
            texts = [{"id": str(number), "text": sentence * sentences} for number in range(documents)]
            if documents * sentences <= 64:
                client.post("/v1/classify", json={"documents": texts}, headers=headers).raise_for_status()


def run(asked: argparse.Namespace) -> dict[str, Any]:
    """All figures of one run."""
    body = payload()
    documents = [Document.model_validate({**d, "actors": body["actors"]}) for d in body["documents"]]
    encoded = json.dumps(body).encode()
    settings = {key: value for key in ("threads", "running") if (value := getattr(asked, key)) is not None}
    with service(asked.model, settings) as (url, process, ready), httpx.Client(base_url=url, timeout=None) as client:
        fresh = process.memory_info().rss / MEGABYTE
        classifier = StanceClassifier.load(asked.model, asked.threads)
        check(body, classifier, documents, url)
        headers = {"content-type": "application/json"}

        def over_http() -> object:
            return client.post("/v1/classify", content=encoded, headers=headers).raise_for_status().json()

        contestants: dict[str, tuple[Callable[[], object], int]] = {
            "in process": (lambda: classifier.classify(documents), 1)
        }
        contestants |= {f"HTTP, {count} clients": (over_http, count) for count in asked.clients}
        figures = measure(contestants, asked.requests, asked.rounds)
        used = process.memory_info().rss / MEGABYTE
        mixed(client, headers)
        most = process.memory_info().rss / MEGABYTE
    base = figures["in process"]["documents_per_second"]
    for row in figures.values():
        row["of_in_process"] = round(row["documents_per_second"] / base, 3)
    return {
        "model": classifier.tag,
        "machine": {"processor": platform.processor() or platform.machine(), "cores": os.cpu_count()},
        "request": {"documents": DOCUMENTS, "bytes": len(encoded)},
        "service": {
            "ready_s": round(ready, 2),
            "memory_fresh_mb": round(fresh),
            "memory_used_mb": round(used),
            "memory_mixed_mb": round(most),
        },
        "figures": figures,
    }


def show(result: dict[str, Any], console: Console) -> None:
    """Print the figures beside the goals."""
    table = Table(title=f"{result['model']}: requests of {DOCUMENTS} documents (goal {LEAST:g}, aim {AIM:g})")
    for column in ("", "documents/s", "of in-process", "p50 ms", "p95 ms", "p99 ms"):
        table.add_column(column, justify="right" if column else "left")
    for name, row in result["figures"].items():
        speed = f"{row['documents_per_second']:g} ({row['least']:g}–{row['most']:g})"
        times = [f"{row[f'p{part}_ms']:g}" for part in (50, 95, 99)]
        table.add_row(name, speed, f"{row['of_in_process']:.2f}", *times)
    console.print(table)
    about = result["service"]
    console.print(
        f"ready {about['ready_s']} s after its start (goal 4, aim 2.5); resident memory {about['memory_fresh_mb']} MB, "
        f"{about['memory_used_mb']} MB after the run, {about['memory_mixed_mb']} MB after requests of all sizes "
        "(goal 600, aim 400)"
    )


def main() -> None:
    """Parse arguments, measure, print, and write JSON where asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default=None, help="a folder or tag; the shipped model by default")
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 2, 4])
    parser.add_argument("--requests", type=int, default=8, help="requests a round and contestant")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=None, help="cores a call uses, here and in the service")
    parser.add_argument("--running", type=int, default=None, help="calls the service classifies at the same time")
    parser.add_argument("--out", type=Path, default=None, help="JSON file for all figures")
    asked = parser.parse_args()
    result = run(asked)
    show(result, Console())
    if asked.out:
        asked.out.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
