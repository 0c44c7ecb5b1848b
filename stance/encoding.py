"""(text, sentences, mentions) to windows of token ids: one path for training and for serving.

Every *name* is replaced by a placeholder before it is tokenised, one placeholder an actor and window,
so the encoder reads what a sentence says and cannot read whom it says it of. Swapping the actors'
names therefore cannot change a label. Pronouns and noun phrases stay as they are.

A window packs consecutive sentences, up to `max_tokens`; all but a document's first window begin with
a few sentences of context, so that a holder named earlier is in reach. A sentence too long for a window is
cut into several segments; every segment is encoded and scored, nothing is dropped.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict, Field
from tokenizers import AddedToken, Tokenizer

from stance.schema import Mention
from stance.text import Sentence

#: How many actors of one window can be told apart; more share placeholders in turn.
PLACEHOLDER_COUNT = 16
#: Private-use code points: they mean nothing in any text, so they can stand for names.
PLACEHOLDERS = tuple(chr(0xE000 + i) for i in range(PLACEHOLDER_COUNT))
_SANITISE = {ord(p): " " for p in PLACEHOLDERS}


class EncodingSettings(BaseModel):
    """How text is cut into windows; kept in the model's folder, for a model is trained for one cut."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    max_tokens: int = Field(256, ge=16, le=512)
    context_sentences: int = Field(4, ge=0, le=16)
    context_tokens: int = Field(96, ge=0, le=256)


class Segment(NamedTuple):
    """Tokens `[start, end)` of a window that belong to one sentence (or a part of an overlong one)."""

    sentence: int
    start: int
    end: int


class TokenMention(NamedTuple):
    """The tokens `[start, end)` of a window that stand for `mentions[index]` of the document."""

    index: int  # type: ignore[assignment]  # tuples have a method of this name, which nobody needs here
    segment: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Window:
    """What the encoder reads in one pass.

    `ids` has the special tokens; `segments[first_scored:]` are scored here, those before are context.
    `offsets` gives each token's span in the document's text ((0, 0) for special tokens).
    `placeholders` lists the positions in `ids` that stand for a name.
    """

    ids: tuple[int, ...]
    offsets: tuple[tuple[int, int], ...]
    segments: tuple[Segment, ...]
    first_scored: int
    mentions: tuple[TokenMention, ...]
    placeholders: tuple[int, ...]


class _Tokens(NamedTuple):
    ids: list[int]
    offsets: list[tuple[int, int]]


def add_placeholders(tokenizer: Tokenizer) -> list[int]:
    """Add the placeholder tokens to `tokenizer` (once) and return their ids."""
    tokens = [AddedToken(p, normalized=False, special=False, single_word=False) for p in PLACEHOLDERS]
    tokenizer.add_tokens(tokens)
    return placeholder_ids(tokenizer)


def placeholder_ids(tokenizer: Tokenizer) -> list[int]:
    """The ids of the placeholders. Raises `ValueError` for a tokenizer that lacks them."""
    ids = [tokenizer.token_to_id(p) for p in PLACEHOLDERS]
    known = [i for i in ids if i is not None]
    if len(known) < len(ids):
        raise ValueError("the tokenizer has no placeholder tokens; call add_placeholders on it first")
    return known


class WindowEncoder:
    """Cuts documents into windows for one tokenizer. Holds no state between calls; safe in threads.

    Raises `ValueError` when the tokenizer lacks the placeholders (see `add_placeholders`).
    """

    def __init__(self, tokenizer: Tokenizer, settings: EncodingSettings) -> None:
        """Keep `tokenizer`, told to read "</s>" and its like in a text as text, and the settings."""
        tokenizer.no_padding()
        tokenizer.no_truncation()
        # Special tokens that stand in an untrusted text are letters, not commands.
        tokenizer.encode_special_tokens = True
        self.tokenizer = tokenizer
        self.settings = settings
        self.placeholder_ids = placeholder_ids(tokenizer)
        self._prefix, self._suffix = self._special_tokens()

    def _special_tokens(self) -> tuple[list[int], list[int]]:
        """The ids that this tokenizer puts before and after a text, whatever its family."""
        bare = self.tokenizer.encode(PLACEHOLDERS[0], add_special_tokens=False).ids
        full = self.tokenizer.encode(PLACEHOLDERS[0], add_special_tokens=True).ids
        at = full.index(bare[0])
        return full[:at], full[at + len(bare) :]

    def name_ids(self, name: str, length: int = 12) -> list[int]:
        """Token ids of a name's letters for the mention head's lookup, at most `length` of them."""
        ids = self.tokenizer.encode(name.translate(_SANITISE), add_special_tokens=False).ids[:length]
        return ids or self._prefix[:1] or [0]

    def encode(
        self,
        text: str,
        sentences: Sequence[Sentence],
        mentions: Sequence[Mention],
    ) -> list[Window]:
        """Windows that together score every sentence with at least one token, each exactly once."""
        tokens = self._tokenize(text, mentions)
        pieces = self._segments(tokens, sentences)
        token_spans = _token_spans(tokens, mentions)
        windows = []
        for first, scored, last in self._pack(pieces):
            windows.append(self._window(tokens, pieces[first:last], scored - first, token_spans, mentions))
        return windows

    def _tokenize(self, text: str, mentions: Sequence[Mention]) -> _Tokens:
        masked, masked_starts, text_starts, text_ends = _mask_names(text.translate(_SANITISE), mentions)
        encoding = self.tokenizer.encode(masked, add_special_tokens=False)
        offsets = []
        for start, end in encoding.offsets:
            piece = bisect_right(masked_starts, start) - 1
            name_end = text_ends[piece]
            shift = text_starts[piece] - masked_starts[piece]
            offsets.append((start + shift, end + shift) if name_end is None else (text_starts[piece], name_end))
        return _Tokens(encoding.ids, offsets)

    def _segments(self, tokens: _Tokens, sentences: Sequence[Sentence]) -> list[Segment]:
        """Token spans of the sentences in document order; overlong sentences give several."""
        room = self.settings.max_tokens - len(self._prefix) - len(self._suffix)
        limit = max(1, room - self.settings.context_tokens)
        starts = [start for start, _ in tokens.offsets]
        pieces = []
        for sentence in sentences:
            first, last = bisect_left(starts, sentence.start), bisect_left(starts, sentence.end)
            size = last - first
            count = -(-size // (room if size <= room else limit)) if size else 0
            for k in range(count):
                pieces.append(Segment(sentence.index, first + size * k // count, first + size * (k + 1) // count))
        return pieces

    def _pack(self, pieces: Sequence[Segment]) -> Iterator[tuple[int, int, int]]:
        """(first of the context, first scored, end) of each window, as positions in `pieces`."""
        room = self.settings.max_tokens - len(self._prefix) - len(self._suffix)
        at = 0
        while at < len(pieces):
            own = pieces[at].end - pieces[at].start
            budget = min(self.settings.context_tokens, room - own)
            first = at
            while first > 0:
                before = pieces[first - 1]
                size = before.end - before.start
                if size > budget or pieces[at].sentence - before.sentence > self.settings.context_sentences:
                    break
                budget -= size
                first -= 1
            used = sum(p.end - p.start for p in pieces[first:at])
            end = at
            while end < len(pieces) and used + pieces[end].end - pieces[end].start <= room:
                used += pieces[end].end - pieces[end].start
                end += 1
            yield first, at, end
            at = end

    def _window(
        self,
        tokens: _Tokens,
        pieces: Sequence[Segment],
        first_scored: int,
        token_spans: Sequence[tuple[int, int]],
        mentions: Sequence[Mention],
    ) -> Window:
        ids: list[int] = list(self._prefix)
        offsets: list[tuple[int, int]] = [(0, 0)] * len(self._prefix)
        segments: list[Segment] = []
        located: list[TokenMention] = []
        first_of = [start for start, _ in token_spans]
        order = sorted(range(len(token_spans)), key=first_of.__getitem__)
        keys = [first_of[i] for i in order]
        for number, piece in enumerate(pieces):
            shift = len(ids) - piece.start
            for index in order[bisect_left(keys, piece.start) : bisect_left(keys, piece.end)]:
                start, end = token_spans[index]
                if start < end:
                    located.append(TokenMention(index, number, start + shift, min(end, piece.end) + shift))
            segments.append(Segment(piece.sentence, len(ids), len(ids) + piece.end - piece.start))
            ids += tokens.ids[piece.start : piece.end]
            offsets += tokens.offsets[piece.start : piece.end]
        ids += self._suffix
        offsets += [(0, 0)] * len(self._suffix)
        places = self._assign(ids, located, mentions)
        return Window(tuple(ids), tuple(offsets), tuple(segments), first_scored, tuple(located), places)

    def _assign(self, ids: list[int], located: Sequence[TokenMention], mentions: Sequence[Mention]) -> tuple[int, ...]:
        """Number the actors as the window names them and put their placeholders into `ids`.

        Returns the positions that were filled.
        """
        names: set[int] = set(self.placeholder_ids)
        numbers: dict[str, int] = {}
        places: list[int] = []
        for mention in sorted(located, key=lambda m: m.start):
            if mentions[mention.index].kind == "name" and ids[mention.start] in names and mention.start not in places:
                number = numbers.setdefault(mentions[mention.index].actor, len(numbers))
                ids[mention.start] = self.placeholder_ids[number % PLACEHOLDER_COUNT]
                places.append(mention.start)
        return tuple(places)


def _mask_names(text: str, mentions: Sequence[Mention]) -> tuple[str, list[int], list[int], list[int | None]]:
    """`text` with one placeholder for each name, and the map back.

    The map has three columns, one row a piece: its start in the masked text, its start in `text`, and
    its end in `text` where it is a name (None for a piece taken over as it is).
    """
    parts: list[str] = []
    masked_starts: list[int] = []
    text_starts: list[int] = []
    text_ends: list[int | None] = []
    length = at = 0

    def add(part: str, start: int, end: int | None) -> None:
        nonlocal length
        parts.append(part)
        masked_starts.append(length)
        text_starts.append(start)
        text_ends.append(end)
        length += len(part)

    # Of two names that overlap the longer one is masked; the other then reads its placeholder.
    for start, end in _outermost([(m.start, m.end) for m in mentions if m.kind == "name"]):
        if at < start:
            add(text[at:start], at, None)
        add(PLACEHOLDERS[0], start, end)
        at = end
    if at < len(text) or not parts:
        add(text[at:], at, None)
    return "".join(parts), masked_starts, text_starts, text_ends


def _outermost(spans: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """The spans in order of their start, without those that overlap an earlier-starting or longer one."""
    kept: list[tuple[int, int]] = []
    for start, end in sorted(set(spans), key=lambda s: (s[0], -s[1])):
        if not kept or start >= kept[-1][1]:
            kept.append((start, end))
        elif end - start > kept[-1][1] - kept[-1][0]:
            kept[-1] = (start, end)
    return kept


def _token_spans(tokens: _Tokens, mentions: Sequence[Mention]) -> list[tuple[int, int]]:
    """For each mention the half-open range of tokens that touch it (empty when none does)."""
    starts = [start for start, _ in tokens.offsets]
    ends = [end for _, end in tokens.offsets]
    return [(bisect_right(ends, m.start), bisect_left(starts, m.end)) for m in mentions]
