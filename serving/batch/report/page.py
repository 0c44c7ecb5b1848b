"""The report's page: plain HTML with its style inside, no script and no external resource."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from html import escape
from typing import Any

from serving.batch.report.charts import EMPTY, ink, lines, shade, shares
from serving.batch.report.tables import Corpus, PairSum, Share, shares_of

#: Rows and columns of the matrix, lines over time, pairs with evidence, actors with sentiment.
MATRIX, LINES, PAIRS, ACTORS = 15, 6, 12, 15
_SENTIMENT_COLOURS = {"negative": "#d55e00", "neutral": "#cccccc", "positive": "#0072b2"}
_STYLE = """
body{font:15px/1.45 system-ui,sans-serif;max-width:1040px;margin:2rem auto;padding:0 1rem;color:#111}
table{border-collapse:collapse}td,th{padding:.25rem .5rem;text-align:left;vertical-align:bottom}
.matrix td{width:2.6rem;text-align:center;font-size:12px;border:1px solid #fff}
.matrix thead th{text-align:center;font-weight:400}
.matrix thead span{display:inline-block;writing-mode:vertical-rl;transform:rotate(180deg)}
.matrix tbody th{font-weight:400;white-space:nowrap}.scroll{overflow-x:auto}
.note{color:#555}blockquote{margin:.3rem 0 .3rem 1rem;padding-left:.7rem;border-left:3px solid #ddd}
svg{max-width:100%;height:auto}
"""


def render(corpus: Corpus, ranked: Sequence[PairSum], summary: Mapping[str, Any] | None) -> str:
    """The whole page. `ranked` are the pairs, those with the most sentences first."""
    body = [_head(summary), _matrix(corpus, ranked), _over_time(corpus, ranked), _sentiment(corpus)]
    body += [_evidence(ranked), _trouble(corpus, summary)]
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Corpus report</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<style>{_STYLE}</style></head><body>{''.join(body)}</body></html>\n"
    )


def _head(summary: Mapping[str, Any] | None) -> str:
    if summary is None:
        return "<h1>Corpus report</h1><p><strong>The run is not finished: these are the shards so far.</strong></p>"
    text = (
        f"{summary['rows']:,} rows ({summary['failed']:,} failed), {summary['sentences']:,} sentences, "
        f"{summary['stances']:,} stances; model {summary['model']}"
    )
    return f"<h1>Corpus report</h1><p>{escape(text)}</p>"


def _matrix(corpus: Corpus, ranked: Sequence[PairSum]) -> str:
    title = "<h2>Who is for and against whom</h2>"
    if not ranked:
        return title + "<p>No sentence carries a stance that the model is sure of.</p>"
    names = {key: name for (h, t), pair in corpus.pairs.items() for key, name in ((h, pair.holder), (t, pair.target))}
    holders, targets = _most_frequent(corpus)
    head = "".join(f"<th><span>{escape(names[key])}</span></th>" for key in targets)
    rows = "".join(
        f"<tr><th>{escape(names[holder])}</th>{''.join(_cell(corpus, holder, target) for target in targets)}</tr>"
        for holder in holders
    )
    note = (
        "Rows are holders, columns are targets: from -1 (orange, against) to 1 (blue, for). "
        f"The holders with the most sentences, and whom they speak of most, of {len(names)} actors; relations.csv has "
        f"all {len(ranked)} pairs."
    )
    table = f'<table class="matrix"><thead><tr><th></th>{head}</tr></thead><tbody>{rows}</tbody></table>'
    return f'{title}<p class="note">{note}</p><div class="scroll">{table}</div>'


def _most_frequent(corpus: Corpus) -> tuple[list[str], list[str]]:
    """Holders and targets that fill a matrix: neither a row nor a column of it is empty."""
    held: Counter[str] = Counter()
    for (holder, _), pair in corpus.pairs.items():
        held[holder] += pair.sentences
    holders = _top(held)
    received: Counter[str] = Counter()
    for (holder, target), pair in corpus.pairs.items():
        received[target] += pair.sentences if holder in holders else 0
    targets = _top(+received)
    return [h for h in holders if any((h, t) in corpus.pairs for t in targets)], targets


def _top(counts: Counter[str]) -> list[str]:
    return sorted(counts, key=lambda key: (-counts[key], key))[:MATRIX]


def _cell(corpus: Corpus, holder: str, target: str) -> str:
    pair = corpus.pairs.get((holder, target))
    if pair is None:
        return f'<td style="background:{EMPTY}"></td>'
    title = escape(f"{pair.holder} toward {pair.target}: {pair.sentences} sentences in {pair.documents} documents")
    style = f"background:{shade(pair.score)};color:{ink(pair.score)}"
    return f'<td style="{style}" title="{title}">{pair.score:+.2f}</td>'


def _over_time(corpus: Corpus, ranked: Sequence[PairSum]) -> str:
    if not corpus.months:
        return ""
    keys = sorted(corpus.months, key=lambda key: (-len(corpus.months[key]), -corpus.pairs[key].sentences, key))[:LINES]
    ticks = every_month({month for key in keys for month in corpus.months[key]})
    series = {
        f"{corpus.pairs[key].holder} → {corpus.pairs[key].target}": {
            month: weighted / weight for month, (weight, weighted, _) in sorted(corpus.months[key].items())
        }
        for key in keys
    }
    plot = lines(series, ticks, "Score of relations by month")
    note = "Score by month of the relations with the most months; over_time.csv has all pairs."
    return f'<h2>Over time</h2><p class="note">{note}</p>{plot}'


def every_month(months: Collection[str]) -> list[str]:
    """All months from the first to the last of some, as YYYY-MM: a plot shows where nothing was said."""
    numbers = [12 * int(month[:-3]) + int(month[-2:]) - 1 for month in months]
    return [f"{n // 12:04d}-{n % 12 + 1:02d}" for n in range(min(numbers), max(numbers) + 1)]


def _sentiment(corpus: Corpus) -> str:
    ranked = sorted(corpus.actors.values(), key=lambda a: (-a.labels.total(), a.name))[:ACTORS]
    if not ranked:
        return ""
    plot = shares({a.name: a.labels for a in ranked}, _SENTIMENT_COLOURS, "Sentiment toward the most frequent actors")
    legend = ", ".join(_SENTIMENT_COLOURS)
    note = f'<p class="note">Shares of sentences, from the left: {legend}; the number counts them.</p>'
    return f"<h2>How sentences portray them</h2>{note}{plot}"


def _evidence(ranked: Sequence[PairSum]) -> str:
    parts = ["<h2>Evidence</h2>"] if ranked else []
    for pair in ranked[:PAIRS]:
        counts = f"{pair.score:+.2f}; {pair.favor} for, {pair.against} against"
        parts.append(f"<h3>{escape(pair.holder)} → {escape(pair.target)} <small>({counts})</small></h3>")
        for said in sorted(pair.evidence, reverse=True):
            where = escape(", ".join(filter(None, (said.id, said.date, f"{said.label} {said.confidence:.2f}"))))
            parts.append(f'<blockquote>{escape(said.text)}<br><span class="note">{where}</span></blockquote>')
    return "".join(parts)


def _trouble(corpus: Corpus, summary: Mapping[str, Any] | None) -> str:
    rows = shares_of(corpus, summary)
    return "<h2>Abstentions and failures</h2>" + _table(
        ("what", "count", "share"),
        ((_named(row), f"{row.count:,}", "" if row.share is None else f"{row.share:.1%}") for row in rows),
    )


def _named(row: Share) -> str:
    if row.what == "abstained":
        return f"{row.table}: the model abstained"
    return "rows that failed" if row.what == "failed" else f"rows that failed: {row.what}"


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    cells = "".join(f"<th>{escape(cell)}</th>" for cell in head)
    body = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><thead><tr>{cells}</tr></thead><tbody>{body}</tbody></table>"
