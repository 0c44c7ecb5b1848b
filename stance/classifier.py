"""`StanceClassifier`: documents in, results out. Evaluation, batch jobs and the service all call it."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Literal, NamedTuple, overload

from tokenizers import Tokenizer

from stance.artifact import SHIPPED, TOKENIZER, Manifest, read_manifest
from stance.assembly import Assembly
from stance.encoding import Window, WindowEncoder
from stance.heads import Heads, Linked, Reading
from stance.outcome import Failed, all_or_raise, as_items
from stance.prepare import prepare
from stance.progress import Track, untracked
from stance.queries import ActorQueries, TooManyPairs, actor_queries, pad
from stance.runtime import Runtime
from stance.schema import Document, DocumentResult, ItemError

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

logger = logging.getLogger("stance.classifier")


class Task(NamedTuple):
    """One window of one document of a call."""

    owner: int
    window: Window


class Call(NamedTuple):
    """Documents that are read up to the encoder: what is known of each, or why none is, and windows in batches."""

    documents: Sequence[Document]
    parts: list[Assembly | Failed]
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

    @overload
    def classify(
        self,
        documents: Sequence[Document],
        include_neutral: bool = ...,
        author: bool = ...,
        on_error: Literal["return"] = ...,
        track: Track = ...,
    ) -> list[DocumentResult | ItemError]: ...

    @overload
    def classify(
        self,
        documents: Sequence[Document],
        include_neutral: bool = ...,
        author: bool = ...,
        *,
        on_error: Literal["raise"],
        track: Track = ...,
    ) -> list[DocumentResult]: ...

    def classify(
        self,
        documents: Sequence[Document],
        include_neutral: bool = False,
        author: bool = False,
        on_error: Literal["return", "raise"] = "return",
        track: Track = untracked,
    ) -> Sequence[DocumentResult | ItemError]:
        """One result a document, in the order given; in the place of one that cannot be answered, an `ItemError`.

        `include_neutral` also lists neutral stances; with `author` the text's own voice is a holder too. With
        `on_error="raise"` there are results only: documents that cannot be answered raise `ClassifyError`, which names
        them and has the results of all others. `track` is handed the encoder's batches, to show how far a long call
        is. Raises `TypeError`, which names the position, for what is no `Document`, before anything is classified.
        """
        if on_error not in ("return", "raise"):
            raise ValueError(f'on_error: must be "return" or "raise", not {on_error!r}')
        call = self.prepare(documents)
        if on_error == "return":
            return self.answer(call, include_neutral, author, track)
        return all_or_raise(self._outcomes(call, include_neutral, author, track))

    def prepare(self, documents: Sequence[Document]) -> Call:
        """The first half of `classify`, what needs no encoder; it may run beside another call's second half."""
        _check_types(documents)
        windows: dict[int, list[Window]] = {}
        parts: list[Assembly | Failed] = []
        for owner, document in enumerate(documents):
            try:
                assembly = Assembly(prepare(document), self.manifest)
                windows[owner] = self._windows(assembly)
                parts.append(assembly)
            except Exception as error:  # costs no other document its result
                parts.append(Failed(document, error))
        return Call(documents, parts, list(_batches(windows)))

    def answer(
        self, call: Call, include_neutral: bool = False, author: bool = False, track: Track = untracked
    ) -> list[DocumentResult | ItemError]:
        """The second half of `classify`, for what `prepare` gave, once."""
        try:
            return as_items(self._outcomes(call, include_neutral, author, track))
        except Exception as error:
            if len(call.documents) == 1:
                return [Failed(call.documents[0], error).as_item()]
            logger.exception("a call of %d documents failed; trying them one by one", len(call.documents))
        alone = (self.answer(self.prepare([one]), include_neutral, author) for one in call.documents)
        return [result for results in alone for result in results]

    def _outcomes(self, call: Call, include_neutral: bool, author: bool, track: Track) -> list[DocumentResult | Failed]:
        """A result a document, or why there is none; raises what cannot be laid to one document."""
        batches, parts = iter(track(call.batches, "parts read")), list(call.parts)
        while group := list(islice(batches, HEAD_BATCHES)):
            self._read([reading for batch in group for reading in self._encode(batch)], parts, author)
        return [part if isinstance(part, Failed) else part.result(include_neutral) for part in parts]

    def _windows(self, assembly: Assembly) -> list[Window]:
        """The document's windows that anything is asked of."""
        prepared = assembly.prepared
        windows = self.encoder.encode(prepared.document.text, prepared.sentences, prepared.mentions)
        return [window for window in windows if window.mentions or not prepared.fixed]

    def _encode(self, batch: Sequence[Task]) -> Iterator[Reading]:
        """Encode one batch."""
        length = padded_length(len(batch[0].window.ids))
        tokens = pad([task.window for task in batch], self.manifest.pad_id, length)
        hidden, tags = self.runtime.encoder(input_ids=tokens.input_ids, attention_mask=tokens.attention_mask)
        for task, vectors, logits in zip(batch, hidden, tags, strict=True):
            yield Reading(task.owner, task.window, vectors, logits)

    def _read(self, readings: Sequence[Reading], parts: list[Assembly | Failed], author: bool) -> None:
        """Answer all questions about some windows; a document of which too much is asked becomes `Failed`."""
        owned = [(reading, part) for reading in readings if isinstance(part := parts[reading.owner], Assembly)]
        if not owned:
            return
        kept, owners = [reading for reading, _ in owned], [owner for _, owner in owned]
        linked = self._heads.find(kept, [owner.prepared for owner in owners])
        queries = [_queries(x, reading.owner, parts, author) for x, reading in zip(linked, kept, strict=True)]
        answers = self._heads.answer(queries, kept)
        for owner, x, asked, scores in zip(owners, linked, queries, answers, strict=True):
            owner.add_mentions(x.found, x.phrases, x.names)
            owner.add(asked, *scores)


def _queries(linked: Linked, owner: int, parts: list[Assembly | Failed], author: bool) -> ActorQueries:
    """The questions of one window; where they are too many, none, and its document becomes `Failed`."""
    try:
        return actor_queries(linked.found.window, linked.found.mentions, author)
    except TooManyPairs as error:
        part = parts[owner]
        if isinstance(part, Assembly):  # the first window tells, whatever else the call holds
            parts[owner] = Failed(part.prepared.document, error)
        return ActorQueries([], [], [])


def _batches(windows: Mapping[int, Sequence[Window]]) -> Iterator[list[Task]]:
    """Windows of all documents, by the document's number, in batches of one padded length each."""
    buckets: dict[int, list[Task]] = {}
    for owner, own in windows.items():
        for window in own:
            buckets.setdefault(padded_length(len(window.ids)), []).append(Task(owner, window))
    for length, tasks in sorted(buckets.items()):
        rest = iter(tasks)
        for size in batch_sizes(len(tasks), length):
            yield list(islice(rest, size))


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
