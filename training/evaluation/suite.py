"""The figures that the project reports of itself, on the public sets and on its own corpus."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from stance.classifier import StanceClassifier
from stance.labelled import LabelledDocument
from training.data.readers import read_gum, read_jsonl, read_newsmtsc
from training.data.readers.dse import read_dse_test
from training.evaluation.metrics import evaluation
from training.evaluation.rawtext import RawText, evaluate_raw
from training.evaluation.results import Results
from training.evaluation.run import add_set, add_stance, add_swaps
from training.evaluation.tasks import DSE_LABELS, evaluate_dse, evaluate_sentiment

log = logging.getLogger(__name__)

Split = Literal["dev", "test"]
_DSE_FILES: dict[Split, str] = {"dev": "valid.txt", "test": "test.txt"}
NEWSMTSC = ("rw", "mt")


@dataclass(frozen=True)
class SuiteData:
    """One split of every set; `corpus` is the project's own. DSE: all published rows, and those not in training."""

    newsmtsc: dict[str, list[LabelledDocument]]
    dse: list[LabelledDocument]
    dse_clean: list[LabelledDocument]
    gum: list[LabelledDocument]
    gum_news: list[LabelledDocument]
    corpus: list[LabelledDocument]


def read_suite(data: Path, corpus: Path, split: Split) -> SuiteData:
    """Read a split from the folder of the public sets (`newsmtsc/`, `dse/`, `gum/`) and that of the corpus.

    Raises `DataError` for a file that is missing or cannot be read.
    """
    published, clean = read_dse_test(data / "dse" / _DSE_FILES[split], data / "dse" / "train.txt")
    return SuiteData(
        newsmtsc={name: list(read_newsmtsc(data / "newsmtsc" / f"{name}_{split}.jsonl")) for name in NEWSMTSC},
        dse=published,
        dse_clean=clean,
        gum=list(read_gum(data / "gum", split)),
        gum_news=list(read_gum(data / "gum", split, genres=["news"])),
        corpus=list(read_jsonl(corpus / f"{split}.jsonl")),
    )


def run_suite(classifier: StanceClassifier, data: SuiteData, swap_limit: int | None = None) -> Results:
    """Everything the project reports; the name swaps are made on at most `swap_limit` documents of each set."""
    results = Results.of(classifier.manifest)
    for name, documents in data.newsmtsc.items():
        log.info("NewsMTSC %s", name)
        results.evaluations.append(evaluate_sentiment(classifier, documents, f"newsmtsc_{name}"))
    log.info("DSE")
    published = evaluate_dse(classifier, data.dse, "dse_published")
    kept = {d.id for d in data.dse_clean}
    clean = [i for i in published.items if i.document in kept]
    results.evaluations += [published, evaluation("dse_clean", "", DSE_LABELS, clean)]
    add_stance(results, classifier, "dse_clean.stance", data.dse_clean)
    log.info("our corpus")
    add_set(results, classifier, "corpus", data.corpus)
    log.info("GUM")
    results.raw.append(evaluate_raw(classifier, data.gum, "gum"))
    results.raw.append(evaluate_raw(classifier, data.gum_news, "gum_news"))
    log.info("name swaps")
    news = [d for name in NEWSMTSC for d in data.newsmtsc[name]]
    sets = {"newsmtsc": news, "dse_clean": data.dse_clean, "corpus": data.corpus}
    add_swaps(results, classifier, sets, swap_limit)
    return results


@dataclass(frozen=True)
class Goal:
    """A row of the figures' table: what was published, what the project wants, and how ours is read off."""

    title: str
    published: str
    least: float
    aim: float
    value: Callable[[Results], float | None]
    digits: int = 1


def _metric(task: str, key: str, factor: float = 100.0) -> Callable[[Results], float | None]:
    def value(results: Results) -> float | None:
        found = next((e.metrics.get(key) for e in results.evaluations if e.name == task), None)
        return None if found is None else factor * found

    return value


def _raw(name: str, of: Callable[[RawText], float | None]) -> Callable[[Results], float | None]:
    def value(results: Results) -> float | None:
        found = next((of(r) for r in results.raw if r.name == name), None)
        return None if found is None else 100 * found

    return value


def _holders(part: str) -> Callable[[Results], float | None]:
    def value(results: Results) -> float | None:
        found = results.holders.get(f"corpus.stance.{part}")
        return None if found is None or found.share is None else 100 * found.share

    return value


def _unchanged(mode: str) -> Callable[[Results], float | None]:
    """Labels that a swap left alone, over all sets and heads."""

    def value(results: Results) -> float | None:
        shifts = [s for swap in results.swaps.values() if swap.mode == mode for s in swap.heads.values()]
        return (
            100 * float(np.average([s.unchanged for s in shifts], weights=[s.items for s in shifts]))
            if shifts
            else None
        )

    return value


def _gap(mode: str) -> Callable[[Results], float | None]:
    def value(results: Results) -> float | None:
        return max((g.gap for g in results.gaps if g.mode == mode), default=None)

    return value


GOALS = (
    Goal("NewsMTSC rw, macro-F1", "83.1–83.7", 84.5, 86, _metric("newsmtsc_rw", "macro_f1")),
    Goal("NewsMTSC mt, macro-F1", "82.5", 85.0, 87, _metric("newsmtsc_mt", "macro_f1")),
    Goal("DSE without leaked rows, micro-F1", "–", 82, 86, _metric("dse_clean", "micro_f1")),
    Goal("DSE without leaked rows, macro-F1", "–", 62, 70, _metric("dse_clean", "macro_f1")),
    Goal("DSE as published (leaky), micro-F1", "85.2", 82, 86, _metric("dse_published", "micro_f1")),
    Goal("DSE as published (leaky), macro-F1", "72.5", 62, 70, _metric("dse_published", "macro_f1")),
    Goal("ECE of sentiment, NewsMTSC rw", "–", 0.03, 0.03, _metric("newsmtsc_rw", "ece", 1.0), 3),
    Goal("ECE of sentiment, NewsMTSC mt", "–", 0.03, 0.03, _metric("newsmtsc_mt", "ece", 1.0), 3),
    Goal("ECE of stance, DSE without leaked rows", "–", 0.03, 0.03, _metric("dse_clean.stance", "ece", 1.0), 3),
    Goal("ECE of stance, our corpus", "–", 0.03, 0.03, _metric("corpus.stance", "ece", 1.0), 3),
    Goal("Our corpus: stance, macro-F1", "–", 75, 85, _metric("corpus.stance", "macro_f1")),
    Goal(
        "Our corpus, text alone: relations, F1 a document", "–", 60, 75, _raw("corpus", lambda r: r.relations.mean_f1)
    ),
    Goal("Our corpus: holder in an earlier sentence, right", "–", 70, 90, _holders("earlier_holder")),
    Goal("Our corpus: holder not named in the sentence, right", "–", 70, 90, _holders("unnamed_holder")),
    Goal("Our corpus, text alone: named actors, F1", "–", 88, 94, _raw("corpus", lambda r: r.names.f1)),
    Goal("GUM news, text alone: named actors, F1", "–", 80, 88, _raw("gum_news", lambda r: r.names.f1)),
    Goal("GUM, text alone: named actors, F1", "–", 80, 88, _raw("gum", lambda r: r.names.f1)),
    Goal("Labels unchanged under a swap of names, mentions given", "–", 97, 99, _unchanged("mentions")),
    Goal("Labels unchanged under a swap of names, actors given", "–", 97, 99, _unchanged("actors")),
    Goal("Largest gap between two names, mentions given, points", "–", 3, 1, _gap("mentions")),
    Goal("Largest gap between two names, actors given, points", "–", 3, 1, _gap("actors")),
)


def figures(results: Results) -> list[dict[str, Any]]:
    """The rows of the figures' table; `ours` is None where nothing was measured."""
    rows = []
    for goal in GOALS:
        value = goal.value(results)
        rows.append(
            {
                "figure": goal.title,
                "published": goal.published,
                "least": goal.least,
                "aim": goal.aim,
                "ours": None if value is None else round(value, goal.digits),
            }
        )
    return rows
