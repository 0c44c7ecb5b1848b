"""`stance evaluate`: labelled documents in, figures and a report out, by the code path that serves."""

from __future__ import annotations

import json
import logging
import random
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

from stance.artifact import digest
from stance.classifier import StanceClassifier
from stance.labelled import LabelledDocument
from training.data.errors import DataError
from training.data.readers import read_jsonl
from training.evaluation.compare import paired_bootstrap
from training.evaluation.neutrality import MODES, name_gaps, swap_benchmark
from training.evaluation.rawtext import evaluate_raw
from training.evaluation.report import write_report
from training.evaluation.results import Results
from training.evaluation.tasks import evaluate_sentiment, evaluate_stance

log = logging.getLogger(__name__)

Sets = Mapping[str, Sequence[LabelledDocument]]


class ReportError(ValueError):
    """A report that cannot be written; the message names the folder and the mend."""


def evaluate(
    model: str | Path | None,
    data: Path,
    report: Path | None = None,
    against: str | Path | None = None,
    history: Path | None = None,
    threads: int | None = None,
    swaps: int = 0,
) -> dict[str, Any]:
    """Measure a model on a JSONL file, or on each file of a folder, of labelled documents; returns all figures.

    Writes the report into the folder `report`. `against` is a second model, which is asked the same and compared
    by a paired bootstrap; `history` is the `history.json` that training left, for the learning curve. With `swaps`,
    the actors' names of that many documents of each set are swapped, and what changes is reported. Raises
    `ArtifactError` for a model and `DataError` for data or a history that cannot be used, and `ReportError`; where it
    can, before anything is measured.
    """
    logged = read_history(history) if history is not None else []
    sets = labelled_sets(data)
    hashes = {name: digest(file) for name, file in labelled_files(data).items()}
    if report is not None:
        _try_out(report)
    classifier = StanceClassifier.load(model, threads)
    results = measure(classifier, sets)
    if swaps:
        log.info("name swaps")
        add_swaps(results, classifier, sets, swaps)
    if against is not None:
        compare(results, measure(StanceClassifier.load(against, threads), sets))
    results.history, results.data = logged, hashes
    if report is not None:
        with _writing(report):
            write_report(report, results)
    return results.metrics()


def read_history(path: Path) -> list[dict[str, Any]]:
    """What training logged (`history.json`): its step with each loss and figure. Raises `DataError`."""
    mend = "give --history the history.json that training left"
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DataError.single(path, 0, "", f"cannot be read ({error.strerror}); {mend}") from None
    except (ValueError, RecursionError) as error:
        raise DataError.single(path, 0, "", f"not JSON ({error}); {mend}") from None
    if not isinstance(rows, list) or not all(map(_drawable, rows)):
        raise DataError.single(path, 0, "", f"must be a list of objects with a step and figures; {mend}")
    return rows


def _drawable(row: object) -> bool:
    if not isinstance(row, dict) or "step" not in row:
        return False
    drawn = [value for key, value in row.items() if key in ("step", "loss") or key.endswith("_f1")]
    return all(isinstance(value, int | float) for value in drawn)


def _try_out(folder: Path) -> None:
    """Make the report's folders and a file there. Raises `ReportError`, which is better known before hours of work."""
    with _writing(folder):
        (folder / "figures").mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=folder):
            pass


@contextmanager
def _writing(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        reason = error.strerror or error
        raise ReportError(f"--report: {folder} cannot be written ({reason}); name another folder") from None


def labelled_sets(data: Path) -> dict[str, list[LabelledDocument]]:
    """The documents of a `.jsonl` or `.jsonl.gz` file, or of every such file of a folder, by the file's name."""
    sets = {name: list(read_jsonl(file)) for name, file in labelled_files(data).items()}
    if not any(sets.values()):
        raise DataError.single(data, 0, "", "has no labelled documents; give a .jsonl file or a folder of such files")
    return sets


def labelled_files(data: Path) -> dict[str, Path]:
    """The files of `labelled_sets`. Raises `DataError` where two have one name, for neither may be passed over."""
    found: dict[str, Path] = {}
    for file in sorted(p for p in data.iterdir() if _is_labelled(p)) if data.is_dir() else [data]:
        name = file.name.partition(".jsonl")[0]
        if (other := found.setdefault(name, file)) != file:
            both = f"{other.name} and {file.name} are both the set {name!r}"
            raise DataError.single(data, 0, "", f"{both}; rename one, or take it out")
    return found


def _is_labelled(path: Path) -> bool:
    return path.is_file() and path.name.endswith((".jsonl", ".jsonl.gz"))


def measure(classifier: StanceClassifier, sets: Sets) -> Results:
    """Whatever each set has labels for: sentiment, stance, and what is found in the bare text."""
    results = Results.of(classifier.manifest)
    for name, documents in sets.items():
        log.info("%s: %d documents", name, len(documents))
        add_set(results, classifier, name, documents)
    return results


def add_set(results: Results, classifier: StanceClassifier, name: str, documents: Sequence[LabelledDocument]) -> None:
    """Add one set's figures to the results."""
    if any(d.sentiment for d in documents):
        results.evaluations.append(evaluate_sentiment(classifier, documents, f"{name}.sentiment"))
    if any(d.stances for d in documents):
        add_stance(results, classifier, f"{name}.stance", documents)
    complete = [d for d in documents if d.mentions_complete]
    if complete:
        results.raw.append(evaluate_raw(classifier, complete, name))
        results.raw.append(evaluate_raw(classifier, complete, f"{name}, actors listed", with_actors=True))


def add_swaps(results: Results, classifier: StanceClassifier, sets: Sets, limit: int | None) -> None:
    """Add the name swaps on at most `limit` documents of every set, and the gaps between names over all of them."""
    chosen = {name: sample(documents, limit) for name, documents in sets.items()}
    for mode in MODES:
        for name, documents in chosen.items():
            results.swaps[f"{name}, {mode} given"] = swap_benchmark(classifier, documents, mode)
        results.gaps += name_gaps(classifier, [d for documents in chosen.values() for d in documents], mode)


def sample(documents: Sequence[LabelledDocument], limit: int | None) -> list[LabelledDocument]:
    """All documents, or `limit` of them, always the same ones."""
    if limit is None or len(documents) <= limit:
        return list(documents)
    return random.Random(0).sample(list(documents), limit)


def add_stance(
    results: Results, classifier: StanceClassifier, name: str, documents: Sequence[LabelledDocument]
) -> None:
    """Add stance with its parts and holder accuracies."""
    found = evaluate_stance(classifier, documents, name)
    results.evaluations += found.evaluations
    if found.unnamed_holders.items:
        results.holders[f"{name}.earlier_holder"] = found.holders
        results.holders[f"{name}.unnamed_holder"] = found.unnamed_holders


def compare(results: Results, other: Results) -> None:
    """Add the comparison with another model's results on the same sets."""
    theirs = {e.name: e for e in other.evaluations}
    for mine in results.evaluations:
        if mine.items and mine.name in theirs:
            results.comparisons.append(paired_bootstrap(mine, theirs[mine.name], results.model, other.model))
