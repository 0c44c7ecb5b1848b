"""What the report says: the results as sections of tables and figures."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass

from training.evaluation import plots
from training.evaluation.metrics import Evaluation, by_slice
from training.evaluation.rawtext import RawText
from training.evaluation.results import Results
from training.evaluation.slices import SLICES, worst_errors

#: Errors shown for each task.
ERRORS = 25


@dataclass(frozen=True)
class Table:
    """Rows of cells below a header; all text."""

    header: list[str]
    rows: list[list[str]]


@dataclass(frozen=True)
class Plot:
    """A PNG image, the name of its file and what it shows."""

    name: str
    title: str
    image: bytes

    @property
    def data(self) -> str:
        """The image in base64."""
        return b64encode(self.image).decode()


@dataclass(frozen=True)
class Section:
    """A heading with its tables and figures."""

    title: str
    tables: list[Table]
    plots: list[Plot]
    note: str = ""


def report_sections(results: Results) -> Iterator[Section]:
    """The report's sections in their order; parts without results are left out."""
    yield _overview(results)
    if results.history:
        plot = plots.learning_plot(results.history)
        yield Section("Training", [], [Plot("learning", "Training loss and dev macro-F1", plot)])
    for evaluation in results.evaluations:
        if evaluation.items:
            yield _task(results, evaluation)
    if results.raw:
        yield _raw(results)
    if results.swaps or results.gaps:
        yield _neutrality(results)
    if results.comparisons:
        yield _comparisons(results)


def percent(value: float | None) -> str:
    """A share as a percentage with one decimal; a dash for None."""
    return "–" if value is None else f"{100 * value:.1f}"


def _overview(results: Results) -> Section:
    header = ["task", "items", "macro-F1", "micro-F1", "ECE", "Brier", "NLL", "abstained", "accuracy of the rest"]
    rows = []
    for evaluation in results.evaluations:
        m = evaluation.metrics
        if m["items"]:
            errors = [f"{m[k]:.3f}" if k in m else "–" for k in ("ece", "brier", "nll")]
            shares = [percent(m["macro_f1"]), percent(m["micro_f1"])]
            rows.append(
                [
                    evaluation.name,
                    str(m["items"]),
                    *shares,
                    *errors,
                    percent(m["abstained"]),
                    percent(m["accuracy_kept"]),
                ]
            )
    tables = [Table(header, rows)]
    if results.holders:
        found = [[name, str(h.items), percent(h.share)] for name, h in results.holders.items()]
        tables.append(Table(["stances whose holder is not named in the sentence", "items", "holder right"], found))
    note = "Macro-F1, micro-F1, shares and accuracies in percent; ECE with 15 bins, Brier summed over the classes."
    return Section("Overview", tables, [], note)


def _task(results: Results, evaluation: Evaluation) -> Section:
    name = re.sub(r"\W+", "-", evaluation.name)
    figures = [Plot(f"{name}-confusion", "Confusion", plots.confusion_plot(evaluation))]
    if any(i.answered for i in evaluation.items):
        temperature = results.temperatures.get(evaluation.head)
        threshold = results.thresholds.get(evaluation.head)
        image = plots.reliability_plot(evaluation, temperature)
        figures.append(Plot(f"{name}-reliability", "Reliability", image))
        image = plots.risk_coverage_plot(evaluation, threshold)
        figures.append(Plot(f"{name}-risk", "Risk and coverage", image))
    tables = [_classes(evaluation), _slices(evaluation), _errors(evaluation)]
    return Section(evaluation.name, [t for t in tables if t.rows], figures)


def _classes(evaluation: Evaluation) -> Table:
    rows = [
        [label, *(percent(c[k]) for k in ("precision", "recall", "f1")), str(c["support"])]
        for label, c in evaluation.metrics["classes"].items()
    ]
    return Table(["label", "precision", "recall", "F1", "gold"], rows)


def _slices(evaluation: Evaluation) -> Table:
    rows = []
    for title, of in SLICES.items():
        groups = by_slice(evaluation.items, evaluation.labels, of)
        # A slice that holds everything says nothing.
        if len(groups) > 1:
            rows += [
                [title, name, str(m["items"]), percent(m["macro_f1"]), percent(m["accuracy"]), percent(m["abstained"])]
                for name, m in groups.items()
            ]
    return Table(["slice", "", "items", "macro-F1", "accuracy", "abstained"], rows)


def _errors(evaluation: Evaluation) -> Table:
    rows = [
        [
            f"{i.holder_name} → {i.target_name}" if i.holder else i.target_name,
            i.gold,
            i.label,
            percent(i.confidence),
            i.text,
        ]
        for i in worst_errors(evaluation.items, ERRORS)
    ]
    return Table(["surest errors: about", "gold", "answer", "confidence", "sentence"], rows)


def _raw(results: Results) -> Section:
    rows = [row for raw in results.raw for row in _raw_rows(raw)]
    errors = [
        [raw.name, e.document, e.holder, e.target, e.gold or "none", e.predicted or "none"]
        for raw in results.raw
        for e in raw.relations.errors[:ERRORS]
    ]
    tables = [
        Table(["data", "from text alone", "precision", "recall", "F1", "gold", "found"], rows),
        Table(["data", "document", "holder", "target", "gold relation", "answer"], errors),
    ]
    return Section("From text alone", [t for t in tables if t.rows], [])


def _raw_rows(raw: RawText) -> Iterator[list[str]]:
    parts = raw.as_dict()
    for label, part in (
        ("named actors", parts["names"]),
        ("named actors, exact spans", parts["names_strict"]),
        ("pronouns and phrases linked", parts["links"]),
        ("relations", parts["relations"]["counts"]),
        ("relations without abstentions", parts["relations_kept"]["counts"]),
    ):
        if part["gold"] or part["predicted"]:
            shares = [percent(part[k]) for k in ("precision", "recall", "f1")]
            yield [raw.name, label, *shares, str(part["gold"]), str(part["predicted"])]
    if raw.links.right is not None:
        yield [raw.name, "right actor, of the phrases found", "", "", percent(raw.links.right), "", ""]
    if raw.relations.documents:
        yield [raw.name, "relations, mean F1 a document", "", "", percent(raw.relations.mean_f1), "", ""]
        yield [raw.name, "relations with the opposite label", "", "", str(raw.relations.wrong_sign), "", ""]


def _neutrality(results: Results) -> Section:
    note = (
        "Unchanged labels and shares in percent, shifts and gaps in points. Shares and gaps are of negative or against."
    )
    return Section("Names", [t for t in (_swaps(results), _gaps(results)) if t.rows], [], note)


def _swaps(results: Results) -> Table:
    rows = []
    for data, swap in results.swaps.items():
        for head, whole in swap.heads.items():
            for kind, s in {"all": whole, **swap.kinds[head]}.items():
                moves = [f"{100 * s.shift:+.2f}", f"{100 * s.absolute_shift:.2f}"]
                rows.append([data, head, kind, str(s.items), percent(s.unchanged), *moves])
    return Table(["swap of all names", "head", "kind", "items", "unchanged", "mean shift", "mean absolute shift"], rows)


def _gaps(results: Results) -> Table:
    rows = []
    for gap in results.gaps:
        low, high = min(gap.shares, key=gap.shares.__getitem__), max(gap.shares, key=gap.shares.__getitem__)
        ends = [f"{name} {percent(gap.shares[name])}" for name in (low, high)]
        pairs = "; ".join(f"{pair} {points:+.1f}" for pair, points in gap.pairs.items())
        rows.append([gap.mode, gap.head, gap.kind, str(gap.items), f"{gap.gap:.1f}", *ends, pairs])
    return Table(
        ["same sentences, other name", "head", "kind", "items", "gap", "least often", "most often", "pairs"], rows
    )


def _comparisons(results: Results) -> Section:
    rows = [
        [
            c.name,
            c.other,
            str(c.items),
            f"{100 * c.difference:+.1f}",
            f"{100 * c.low:+.1f} to {100 * c.high:+.1f}",
            percent(c.better),
        ]
        for c in results.comparisons
    ]
    header = ["task", "against", "items", "macro-F1 difference", "95% interval", "ahead in draws"]
    return Section("Comparison", [Table(header, rows)], [], "Paired bootstrap over the items, in points.")
