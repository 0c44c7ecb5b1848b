"""What `stance data stats` says of a file: counts, agreement, near-duplicates, contradictions, leaked texts."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice

from stance.labelled import LabelledDocument
from training.data import checks
from training.data.corpus import Agreement, agreement


@dataclass(frozen=True)
class Summary:
    """Everything about one file.

    `near_duplicates` and `conflicts` are None where there are too many documents to compare; `leakage` has the pairs
    that the file shares with each other split (`first` is the split's document, `second` the file's), and
    `agreement` is None without a second annotation.
    """

    stats: checks.Stats
    near_duplicates: list[checks.SimilarPair] | None
    conflicts: list[checks.Conflict] | None
    leakage: dict[str, list[checks.SimilarPair]]
    agreement: Agreement | None


def summarise(
    documents: Iterable[LabelledDocument],
    against: Mapping[str, Sequence[LabelledDocument]],
    second: Sequence[LabelledDocument] = (),
    threshold: float = 0.8,
    limit: int = 200_000,
) -> Summary:
    """Look at a file that may be larger than memory: with more than `limit` documents they are counted, and compared
    with the other splits, but not with each other.

    Raises `ValueError` where the second annotation shares no document.
    """
    indexes = {name: checks.Index(threshold, others) for name, others in against.items()}
    leaks: dict[str, list[checks.SimilarPair]] = {name: [] for name in against}
    by_id = {document.id: document for document in second}
    both: list[LabelledDocument] = []

    def seen(stream: Iterable[LabelledDocument]) -> Iterator[LabelledDocument]:
        for document in stream:
            for name, index in indexes.items():
                leaks[name] += index.matches(document)
            if document.id in by_id:
                both.append(document)
            yield document

    stream = iter(documents)
    held = list(islice(stream, limit))
    rest = list(islice(stream, 1))
    counted = checks.stats(seen(chain(held, rest, stream)))
    return Summary(
        stats=counted,
        near_duplicates=None if rest else checks.near_duplicates(held, threshold),
        conflicts=None if rest else checks.conflicts(held),
        leakage={name: sorted(pairs, key=checks.most_alike_first) for name, pairs in leaks.items()},
        agreement=agreement(both, second) if second else None,
    )
