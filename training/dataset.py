"""Sources to a `datasets.Dataset` of examples, and examples to padded batches of tensors."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from datasets import Dataset, Features, List, Value
from torch import Tensor

from stance.labelled import LabelledDocument, SentimentLabelled, StanceLabelled
from stance.queries import index_bags
from stance.schema import AUTHOR, Mention
from training.features import IGNORED, Example, Featurizer

#: Batches are padded to a multiple of this many tokens.
LENGTH_STEP = 8
_INTS = List(Value("int32"))
_ROWS = List(_INTS)
FEATURES = Features(
    {
        "input_ids": _INTS,
        "length": Value("int32"),
        "bags": _ROWS,
        "tags": _INTS,
        "sentiment": _ROWS,
        "stance": _ROWS,
        "stance_weight": List(Value("float32")),
        "names": _ROWS,
        "name_ids": _ROWS,
        "links": _ROWS,
        "source": Value("string"),
    }
)


@dataclass(frozen=True)
class Source:
    """Labelled documents of one source; `share`, `repeat` and `pack` as `TrainSource` has them."""

    name: str
    documents: list[LabelledDocument]
    repeat: int = 1
    pack: float = 0.0
    share: float = 1.0


def build_dataset(sources: Sequence[Source], featurizer: Featurizer, mask_candidates: float, seed: int) -> Dataset:
    """All windows of all sources, one row a window, reproducible from `seed`."""
    rows = list(_rows(sources, featurizer, mask_candidates, random.Random(seed)))
    return Dataset.from_list(rows, features=FEATURES)


def _rows(sources: Sequence[Source], featurizer: Featurizer, share: float, rng: random.Random) -> Iterator[Example]:
    for source in sources:
        chosen = source.documents
        if source.share < 1:
            chosen = rng.sample(chosen, round(source.share * len(chosen)))
        for _ in range(source.repeat):
            for document in pack(chosen, source.pack, rng):
                for example in featurizer.examples(document, source.name, rng.random() < share):
                    yield {**example, "length": len(example["input_ids"])}


def pack(documents: Sequence[LabelledDocument], share: float, rng: random.Random) -> list[LabelledDocument]:
    """Join about `share` of the documents into unrelated pairs to quadruples; the rest stay alone."""
    if share == 0:
        return list(documents)
    shuffled = rng.sample(list(documents), len(documents))
    cut = int(len(shuffled) * share)
    packed, at = shuffled[cut:], 0
    while at < cut:
        size = min(rng.randint(2, 4), cut - at)
        packed.append(join(shuffled[at : at + size]))
        at += size
    return packed


def join(documents: Sequence[LabelledDocument]) -> LabelledDocument:
    """One document of several; actors keep apart by a prefix, offsets move along."""
    text, actors, mentions, sentences = "", [], [], []
    sentiment: list[SentimentLabelled] = []
    stances: list[StanceLabelled] = []
    for number, document in enumerate(documents):
        shift, mark = len(text), f"{number}:"
        actors += [a.model_copy(update={"id": mark + a.id}) for a in document.actors]
        mentions += [
            Mention(actor=mark + m.actor, start=m.start + shift, end=m.end + shift, kind=m.kind)
            for m in document.mentions
        ]
        for s in document.sentiment:
            sentiment.append(s.model_copy(update={"sentence": _moved(s.sentence, shift), "actor": mark + s.actor}))
        for p in document.stances:
            holder = p.holder if p.holder == AUTHOR else mark + p.holder
            update = {"sentence": _moved(p.sentence, shift), "holder": holder, "target": mark + p.target}
            stances.append(p.model_copy(update=update))
        sentences += [_moved(span, shift) for span in document.sentences or [[0, len(document.text)]]]
        text += document.text + " "
    return LabelledDocument(
        id="+".join(d.id for d in documents),
        text=text,
        actors=actors,
        mentions=mentions,
        sentiment=sentiment,
        stances=stances,
        sentences=sentences,
        mentions_complete=all(d.mentions_complete for d in documents),
    )


def _moved(span: Sequence[int], shift: int) -> list[int]:
    return [span[0] + shift, span[1] + shift]


class Collator:
    """Pads examples and joins their queries into one batch.

    While training (`shuffle`), each window's placeholders are permuted at random, so that none of them
    comes to mean anything; in evaluation they stay as they are served.
    """

    def __init__(self, pad_id: int, placeholder_ids: Sequence[int], shuffle: bool, seed: int = 0) -> None:
        self.pad_id = pad_id
        self.placeholder_ids = np.array(placeholder_ids)
        self.shuffle = shuffle
        self.rng = np.random.default_rng(seed)

    def __call__(self, examples: Sequence[Example]) -> dict[str, Any]:
        """Examples to tensors; every query position counts bags over the whole batch."""
        # Few different lengths: runtimes prepare themselves anew for each.
        length = -(-max(len(e["input_ids"]) for e in examples) // LENGTH_STEP) * LENGTH_STEP
        ids = np.full((len(examples), length), self.pad_id, dtype=np.int64)
        mask = np.zeros((len(examples), length), dtype=np.int64)
        tags = np.full((len(examples), length), IGNORED, dtype=np.int64)
        for row, example in enumerate(examples):
            size = len(example["input_ids"])
            ids[row, :size] = self._ids(example["input_ids"])
            mask[row, :size] = 1
            tags[row, :size] = example["tags"]
        index, firsts = index_bags([e["bags"] for e in examples], length)
        return {
            "input_ids": torch.from_numpy(ids),
            "attention_mask": torch.from_numpy(mask),
            "tags": torch.from_numpy(tags),
            "bag_tokens": torch.from_numpy(index.tokens),
            "bag_offsets": torch.from_numpy(index.offsets),
            "sentiment": _stack(examples, "sentiment", firsts, 2, 3),
            "stance": _stack(examples, "stance", firsts, 3, 5),
            "stance_weight": torch.tensor([w for e in examples for w in e["stance_weight"]], dtype=torch.float32),
            "names": _stack(examples, "names", firsts, 1, 2),
            "name_ids": pad_rows([r for e in examples for r in e["name_ids"]]),
            "links": _stack(examples, "links", firsts, 3, 5),
        }

    def _ids(self, ids: Sequence[int]) -> np.ndarray:
        values = np.array(ids)
        if self.shuffle:
            table = dict(zip(self.placeholder_ids, self.rng.permutation(self.placeholder_ids), strict=True))
            values = np.array([table.get(v, v) for v in values])
        return values


def _stack(examples: Sequence[Example], field: str, firsts: Sequence[int], positions: int, width: int) -> Tensor:
    """All rows of `field`; their first `positions` columns count bags and move with the batch."""
    rows = [
        [*(v + first for v in row[:positions]), *row[positions:]]
        for example, first in zip(examples, firsts, strict=True)
        for row in example[field]
    ]
    return torch.tensor(rows, dtype=torch.long).reshape(len(rows), width)


def pad_rows(rows: Sequence[Sequence[int]]) -> Tensor:
    """Rows of different lengths to one [N, K] tensor, 0 where a row has ended."""
    padded = torch.zeros((len(rows), max((len(r) for r in rows), default=1)), dtype=torch.long)
    for number, row in enumerate(rows):
        padded[number, : len(row)] = torch.tensor(row)
    return padded
