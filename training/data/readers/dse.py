"""Directed sentiment between two entities of a sentence (Park, Pan & Joo, Findings of ACL 2021).

The files come from github.com/bywords/directed_sentiment_analysis (to be used "by citing the paper"):
tab-separated `sentence, p, q, label`, with p and q in square brackets inside the sentence. The labels
are crowd work; many rows occur twice, some of them in two of the published splits.
"""

import csv
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from stance.labelled import LabelledDocument, StanceLabelled
from stance.schema import Actor, Mention, StanceLabel
from training.data.errors import DataError, RowProblem
from training.data.readers.common import POSSESSIVE, mention_kind, numbered_lines

Span = tuple[int, int]

#: What each label of the files says: (stance p takes toward q, stance q takes toward p).
LABELS: tuple[tuple[StanceLabel, StanceLabel], ...] = (
    ("neutral", "neutral"),
    ("favor", "neutral"),
    ("neutral", "favor"),
    ("against", "neutral"),
    ("neutral", "against"),
)

#: The annotators chose one of five answers, so the direction they passed over is only implied neutral.
IMPLIED_WEIGHT = 0.5


@dataclass(frozen=True)
class DseResult:
    """The documents of one file and how many of its rows were dropped, by reason."""

    documents: list[LabelledDocument]
    duplicates: int
    ties: int
    excluded: int


@dataclass(frozen=True)
class _Row:
    line: int
    text: str
    p: Span
    q: Span
    label: int

    @property
    def key(self) -> str:
        return dse_key(self.text, self.text[slice(*self.p)], self.text[slice(*self.q)])


def dse_key(text: str, p: str, q: str) -> str:
    """Return what makes two rows the same question: sentence, p and q with white space normalised."""
    return "\t".join(" ".join(part.split()) for part in (text, p, q))


def document_key(document: LabelledDocument) -> str:
    """Return the `dse_key` of a document made by this reader."""
    return dse_key(document.text, *(actor.name for actor in document.actors))


def dse_label(document: LabelledDocument) -> int:
    """Return the published five-way label (0 to 4) of a document made by this reader."""
    stances = {(stance.holder, stance.target): stance.label for stance in document.stances}
    return LABELS.index((stances["p", "q"], stances["q", "p"]))


def read_dse(path: Path, drop_duplicates: bool = True, exclude: set[str] | None = None) -> list[LabelledDocument]:
    """Return the documents of one file; see `load_dse`, which also counts what was dropped."""
    return load_dse(path, drop_duplicates, exclude).documents


def load_dse(path: Path, drop_duplicates: bool = True, exclude: set[str] | None = None) -> DseResult:
    """Return one document a row with both directed stances between its actors `p` and `q`.

    `drop_duplicates` keeps one row of each question, with the label most of its copies bear; where
    two labels tie, all copies are dropped. `exclude` holds `dse_key`s to leave out. Raise `DataError`
    that lists every row that cannot be read.
    """
    rows = _rows(path)
    kept = [row for row in rows if not exclude or row.key not in exclude]
    excluded = len(rows) - len(kept)
    groups: dict[str, list[_Row]] = {}
    for row in kept:
        groups.setdefault(row.key if drop_duplicates else str(row.line), []).append(row)
    chosen = [(group, _majority(group)) for group in groups.values()]
    documents = [_document(path, group[0], label) for group, label in chosen if label is not None]
    ties = sum(len(group) for group, label in chosen if label is None)
    return DseResult(documents, len(kept) - len(documents) - ties, ties, excluded)


def leaked_keys(train_path: Path) -> set[str]:
    """Return the keys of all rows of a training file, whichever label they bear."""
    return {row.key for row in _rows(train_path)}


def read_dse_test(test_path: Path, train_path: Path) -> tuple[list[LabelledDocument], list[LabelledDocument]]:
    """Return `(published, leak_free)`: all rows of a test file, and those whose key is not in training."""
    published = read_dse(test_path, drop_duplicates=False)
    leaked = leaked_keys(train_path)
    return published, [document for document in published if document_key(document) not in leaked]


def _majority(group: list[_Row]) -> int | None:
    counts = Counter(row.label for row in group).most_common(2)
    return None if len(counts) == 2 and counts[0][1] == counts[1][1] else counts[0][0]


def _document(path: Path, row: _Row, label: int) -> LabelledDocument:
    sentence = [0, len(row.text)]
    names = {"p": row.text[slice(*row.p)], "q": row.text[slice(*row.q)]}
    forward, backward = LABELS[label]
    # Beside a stance, the other direction's "neutral" is implied and not asked for.
    forward_weight = IMPLIED_WEIGHT if backward != "neutral" else 1.0
    backward_weight = IMPLIED_WEIGHT if forward != "neutral" else 1.0
    return LabelledDocument(
        id=f"dse-{path.stem}-{row.line}",
        text=row.text,
        source="dse",
        actors=[Actor(id=actor, name=name) for actor, name in names.items()],
        mentions=[
            Mention(actor=actor, start=start, end=end, kind=mention_kind(names[actor]))
            for actor, (start, end) in (("p", row.p), ("q", row.q))
        ],
        stances=[
            StanceLabelled(sentence=sentence, holder="p", target="q", label=forward, weight=forward_weight),
            StanceLabelled(sentence=sentence, holder="q", target="p", label=backward, weight=backward_weight),
        ],
        sentences=[sentence],
    )


def _rows(path: Path) -> list[_Row]:
    problems: list[RowProblem] = []
    rows = list(_read_rows(path, problems))
    if problems:
        raise DataError(problems)
    return rows


def _read_rows(path: Path, problems: list[RowProblem]) -> Iterator[_Row]:
    for number, line in numbered_lines(path):
        if not line.strip():
            continue
        try:
            yield _row(number, line)
        except ValueError as error:
            problems.append(RowProblem(str(path), number, "", str(error)))


def _row(number: int, line: str) -> _Row:
    # Sentences with a quotation mark are quoted as in CSV; no field holds a line break.
    try:
        fields = next(csv.reader([line], delimiter="\t"))
    except csv.Error as error:
        raise ValueError(
            f"not tab-separated ({error}); write one row a line, with a sentence in the first field"
        ) from None
    if len(fields) != 4:
        raise ValueError(f"{len(fields)} fields instead of 4 (sentence, p, q, label)")
    sentence, p, q, label = fields
    if label.strip() not in {"0", "1", "2", "3", "4"}:
        raise ValueError(f"label {label!r} is none of 0 to 4")
    text, first, second = _without_brackets(sentence, p.strip(), q.strip())
    return _Row(number, text, first, second, int(label))


def _without_brackets(sentence: str, p: str, q: str) -> tuple[str, Span, Span]:
    """Return the plain sentence and the whole-word spans of p and q in it."""
    first = _bracketed(sentence, p, 0)
    second = _bracketed(sentence, q, first[1])
    marks = [first[0], first[1] - 1, second[0], second[1] - 1]
    plain = "".join(character for i, character in enumerate(sentence) if i not in marks)
    indent = len(plain) - len(plain.lstrip())
    text = plain.strip()
    # White space may stand inside the first bracket, so p may begin before the stripped text does.
    p_span = (max(first[0] - indent, 0), first[1] - 2 - indent)
    q_span = (second[0] - 2 - indent, second[1] - 4 - indent)
    return text, _whole_words(text, *p_span), _whole_words(text, *q_span)


def _bracketed(sentence: str, name: str, start: int) -> Span:
    found = re.compile(r"\[\s*" + re.escape(name) + r"\s*\]").search(sentence, start)
    if not name or not found:
        raise ValueError(f"[{name}] does not stand in the sentence (p before q): {sentence[:60]!r}")
    return found.span()


def _one_word(left: str, right: str) -> bool:
    # A capital after a small letter is the seam of two sentences or lines run together.
    return left.isalnum() and right.isalnum() and not (left.islower() and right.isupper())


def _whole_words(text: str, start: int, end: int) -> Span:
    """Mend a span that cuts a word ("minister|s") or holds a possessive ending or a leading "the"."""
    while text[start].isspace():
        start += 1
    while text[end - 1].isspace():
        end -= 1
    while start > 0 and _one_word(text[start - 1], text[start]):
        start -= 1
    while end < len(text) and text[end].isalnum() and (text[end - 1].isalnum() or text[end - 1] in "'’"):
        end += 1
    ending = POSSESSIVE.search(text[start:end])
    if ending and ending.start() > 0:
        end = start + ending.start()
    if text[start:end].startswith("the ") and text[start + 4 : end].strip():
        start += 4
    return start, end
