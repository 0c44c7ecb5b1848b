"""`StanceClassifier`: documents in, results out. Evaluation, batch jobs and the service all call it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from tokenizers import Tokenizer

from stance.artifact import SHIPPED, TOKENIZER, Manifest, read_manifest
from stance.assembly import Assembly
from stance.encoding import Window, WindowEncoder
from stance.heads import Heads, Linked, Reading
from stance.prepare import prepare
from stance.queries import ActorQueries, TooManyPairs, actor_queries, pad
from stance.runtime import Runtime
from stance.schema import Document, DocumentResult

#: Windows are padded to one of a few lengths and share a batch only with their like: so a window is computed at the
#: same shape whatever stands beside it, and a document's answer does not depend on its company. Steps are twice as
#: wide beyond `LONG`, where a step is a small part of the whole.
LENGTH_STEP = 16
LONG = 192
#: Tokens in one encoder call. More brings no speed on a few cores, only memory. A batch holds a power of two of
#: windows, for OpenVINO keeps kernels of about 13 MB for each number of tokens that it has met: these rules leave 20
#: such numbers of the 32 there would be.
BATCH_TOKENS = 512
#: Encoder calls whose windows the heads answer together; their hidden vectors take 1.5 MB a call.
HEAD_BATCHES = 8
#: Names whose word pieces are remembered: a corpus has few that it does not repeat.
REMEMBERED_NAMES = 16_384


class Task(NamedTuple):
    """One window of one document of a call."""

    owner: int
    window: Window


class Call(NamedTuple):
    """Documents that are read up to the encoder: what is known of each, and their windows in batches."""

    assemblies: list[Assembly]
    batches: list[list[Task]]


class StanceClassifier:
    """A model folder, ready to answer. Safe to call from several threads."""

    def __init__(self, folder: Path, manifest: Manifest, runtime: Runtime) -> None:
        """Use `load` instead, which checks the folder first."""
        self.folder = folder
        self.manifest = manifest
        self.runtime = runtime
        self.encoder = WindowEncoder(Tokenizer.from_file(str(folder / TOKENIZER)), manifest.encoding)
        self._heads = Heads(runtime, manifest, lru_cache(REMEMBERED_NAMES)(self.encoder.name_ids))

    @classmethod
    def load(cls, model: str | Path | None = None, threads: int | None = None) -> StanceClassifier:
        """Load the shipped model, a folder, or a tag of the model store ("stance:latest").

        `threads` limits the cores that a call uses. Raises `ArtifactError` for a folder that is missing,
        altered or truncated, or a tag that the store does not have.
        """
        folder = resolve_model(model)
        return cls(folder, read_manifest(folder), Runtime(folder, threads))

    @property
    def tag(self) -> str:
        """The model's name, as every result carries it."""
        return self.manifest.tag

    def classify(
        self, documents: Sequence[Document], include_neutral: bool = False, author: bool = False
    ) -> list[DocumentResult]:
        """One result a document, in the order given.

        `include_neutral` also lists neutral stances; with `author` the text's own voice is a holder too. Raises
        `TypeError` for what is no `Document`, and `TooManyPairs` for a document with a sentence of more actors than
        can be paired; both name the document, and nothing is classified then.
        """
        return self.answer(self.prepare(documents), include_neutral, author)

    def prepare(self, documents: Sequence[Document]) -> Call:
        """The first half of `classify`, what needs no encoder; it may run beside another call's second half."""
        _check_types(documents)
        assemblies = [Assembly(prepare(document), self.manifest) for document in documents]
        return Call(assemblies, list(self._batches(assemblies)))

    def answer(self, call: Call, include_neutral: bool = False, author: bool = False) -> list[DocumentResult]:
        """The second half of `classify`, for what `prepare` gave, once."""
        batches = iter(call.batches)
        while group := list(islice(batches, HEAD_BATCHES)):
            self._read([reading for batch in group for reading in self._encode(batch)], call.assemblies, author)
        return [assembly.result(include_neutral) for assembly in call.assemblies]

    def _batches(self, assemblies: Sequence[Assembly]) -> Iterator[list[Task]]:
        """Windows of all documents in batches of one padded length each."""
        buckets: dict[int, list[Task]] = {}
        for owner, assembly in enumerate(assemblies):
            prepared = assembly.prepared
            for window in self.encoder.encode(prepared.document.text, prepared.sentences, prepared.mentions):
                if window.mentions or not prepared.fixed:
                    buckets.setdefault(padded_length(len(window.ids)), []).append(Task(owner, window))
        for length, tasks in sorted(buckets.items()):
            rest = iter(tasks)
            for size in batch_sizes(len(tasks), length):
                yield list(islice(rest, size))

    def _encode(self, batch: Sequence[Task]) -> Iterator[Reading]:
        """Encode one batch."""
        length = padded_length(len(batch[0].window.ids))
        tokens = pad([task.window for task in batch], self.manifest.pad_id, length)
        hidden, tags = self.runtime.encoder(input_ids=tokens.input_ids, attention_mask=tokens.attention_mask)
        for task, vectors, logits in zip(batch, hidden, tags, strict=True):
            yield Reading(task.owner, task.window, vectors, logits)

    def _read(self, readings: Sequence[Reading], assemblies: Sequence[Assembly], author: bool) -> None:
        """Answer all questions about some windows."""
        owners = [assemblies[reading.owner] for reading in readings]
        linked = self._heads.find(readings, [owner.prepared for owner in owners])
        queries = [_queries(x, owner, author) for x, owner in zip(linked, owners, strict=True)]
        answers = self._heads.answer(queries, readings)
        for owner, x, asked, scores in zip(owners, linked, queries, answers, strict=True):
            owner.add_mentions(x.found, x.phrases, x.names)
            owner.add(asked, *scores)


def _queries(linked: Linked, owner: Assembly, author: bool) -> ActorQueries:
    """The questions of one window. Raises `TooManyPairs` that names the document, which the window cannot."""
    try:
        return actor_queries(linked.found.window, linked.found.mentions, author)
    except TooManyPairs as error:
        raise TooManyPairs(f"document {owner.prepared.document.id!r}: {error}") from None


def _check_types(documents: Sequence[Document]) -> None:
    if isinstance(documents, str | Document):
        raise TypeError(f"documents: must be a list of Document, not {type(documents).__name__}; write [document]")
    for position, document in enumerate(documents):
        if not isinstance(document, Document):
            mend = "build one with Document(id=..., text=...)"
            raise TypeError(f"documents[{position}]: must be a Document, not {type(document).__name__}; {mend}")


def padded_length(tokens: int) -> int:
    """The length in tokens at which a window of this many is computed."""
    step = LENGTH_STEP if tokens <= LONG else 2 * LENGTH_STEP
    return -(-tokens // step) * step


def batch_sizes(windows: int, length: int) -> Iterator[int]:
    """How many windows of one padded length each encoder call takes: powers of two, the large ones first."""
    largest = 1 << max(1, BATCH_TOKENS // length).bit_length() - 1
    while windows:
        size = min(largest, 1 << windows.bit_length() - 1)
        yield size
        windows -= size


def resolve_model(model: str | Path | None) -> Path:
    """The folder of a model: the shipped one, a folder, or a tag of the model store."""
    if model is None:
        return SHIPPED
    if ":" in str(model) and not Path(model).exists():
        from stance.store import stored_model

        return stored_model(str(model))
    return Path(model)
