"""The figures of the README in one command, from the shipped model, through `StanceClassifier`.

    python -m benchmarks.accuracy --data ../shared/data [--split dev|test] [--model M] [--out a.json] [--report DIR]

`--data` has the public sets in the folders `newsmtsc`, `dse` and `gum`; `data/README.md` says where to get them. The
dev split is the default, so that nobody sees the test splits by accident; `--split test` is for the final figures.
"""

from __future__ import annotations

import argparse
import json
import logging
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from stance.classifier import StanceClassifier
from training.evaluation.report import write_report
from training.evaluation.suite import figures, read_suite, run_suite

ROOT = Path(__file__).resolve().parent.parent


def show(rows: list[dict[str, Any]], title: str, console: Console) -> None:
    """Print the figures beside the published ones and the goals."""
    table = Table(title=title)
    for column in ("", "published best", "at least", "aim", "ours"):
        table.add_column(column, justify="right" if column else "left")
    for row in rows:
        ours = "–" if row["ours"] is None else str(row["ours"])
        table.add_row(row["figure"], row["published"], f"{row['least']:g}", f"{row['aim']:g}", ours)
    console.print(table)


def main() -> None:
    """Parse arguments, measure, print, and write JSON and the report where asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder of the public sets")
    parser.add_argument("--corpus", type=Path, default=ROOT / "data" / "corpus", help="folder of the project's corpus")
    parser.add_argument("--split", choices=("dev", "test"), default="dev")
    parser.add_argument("--model", default=None, help="a folder or tag; the shipped model by default")
    parser.add_argument(
        "--swap-limit", type=int, default=None, help="documents of each set for the name swaps; all by default"
    )
    parser.add_argument("--threads", type=int, default=None)
    parser.add_argument("--out", type=Path, default=None, help="JSON file for the table and all figures")
    parser.add_argument("--report", type=Path, default=None, help="folder for the report")
    asked = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    classifier = StanceClassifier.load(asked.model, asked.threads)
    results = run_suite(classifier, read_suite(asked.data, asked.corpus, asked.split), asked.swap_limit)
    rows = figures(results)
    show(rows, f"{results.model}, {asked.split}", Console())
    if asked.out:
        whole = {"split": asked.split, "figures": rows, **results.metrics()}
        asked.out.write_text(json.dumps(whole, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    if asked.report:
        write_report(asked.report, results)


if __name__ == "__main__":
    main()
