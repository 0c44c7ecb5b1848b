"""GUM: nested entity mentions with coreference (github.com/amir-zeldes/gum), as actors and mentions.

Only persons, organisations and named places are kept. GUM marks more than a mention of an actor is
under `data/codebook.md`, so every marked span is cut down to a name, a pronoun or a short noun phrase. It marks
less, too: to the codebook "Australian" in "Australian aircraft" is a mention of Australia, and GUM leaves adjectives
out. Those of the catalogue's states are added where no marked name holds them. In "founder Ada Brel", which it marks
as one phrase around the noun, the name is the mention.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, get_args

from stance.actors.catalogue import load_catalogue
from stance.labelled import LabelledDocument
from stance.schema import Actor, ActorType, Mention, MentionKind
from training.data.errors import DataError
from training.data.readers.common import numbered_lines
from training.data.readers.conllu import Entity, ParsedDocument, ParsedSentence, Token, read_conllu
from training.data.readers.phrases import introduced, name_span, nominal_span
from training.data.readers.words import NO_STATE

Split = Literal["train", "dev", "test"]

GENRES = ("news", "interview", "bio", "speech", "court")

#: The licence of each genre's texts; the annotations are CC BY 4.0.
LICENSES = {
    "news": "CC-BY-2.5",
    "interview": "CC-BY-2.5",
    "bio": "CC-BY-SA-3.0",
    "speech": "public domain or CC-BY-4.0",
    "court": "public domain or CC-BY-4.0",
}

ACTOR_TYPES: dict[str, ActorType] = {"person": "person", "organization": "organization", "place": "state"}

#: Begins the group of a state's adjectives, which GUM itself gives none.
_STATE = "state:"

#: The longest noun phrase, in tokens, that still serves as a mention.
MAX_NOMINAL = 8


@dataclass(frozen=True)
class _Found:
    """A span of the text that mentions the entity `group`."""

    group: str
    type: str
    start: int
    end: int
    kind: MentionKind

    def inside(self, other: "_Found") -> bool:
        """Whether this span lies within `other` and is shorter."""
        return other.start <= self.start and self.end <= other.end and other.end - other.start > self.end - self.start


def read_gum(folder: Path, split: Split, genres: Sequence[str] = GENRES) -> Iterator[LabelledDocument]:
    """Yield the documents of one official split (`splits.md` in `folder`) and of these genres.

    Offsets count characters of the text rebuilt from the tokens. Raise `DataError` for a listed
    document without a file and for files that are no CoNLL-U with entities.
    """
    for name in _names(folder / "splits.md", split, genres):
        path = folder / f"{name}.conllu"
        if not path.is_file():
            raise DataError.single(path, 0, "", f"is listed under {split} in splits.md but does not exist")
        yield _document(read_conllu(path), license=LICENSES[name.split("_")[1]])


def _names(splits: Path, split: Split, genres: Sequence[str]) -> list[str]:
    if split not in get_args(Split):
        raise ValueError(f"split must be one of {', '.join(get_args(Split))}, not {split!r}")
    if unknown := sorted(set(genres) - set(GENRES)):
        raise ValueError(f"genres must be among {', '.join(GENRES)}, not {', '.join(unknown)}")
    section, names = "", []
    for _, line in numbered_lines(splits):
        if line.startswith("## "):
            section = line[3:].strip()
        found = re.match(r"\s*\*\s*(GUM_([a-z]+)_\w+)", line)
        if found and section == split and found[2] in genres:
            names.append(found[1])
    if not names:
        raise DataError.single(splits, 0, split, f"lists no document of {', '.join(genres)}")
    return names


def _document(parsed: ParsedDocument, license: str) -> LabelledDocument:
    marked = [mention for sentence in parsed.sentences for mention in _sentence_mentions(parsed.text, sentence)]
    found = _with_groups(parsed.text, marked)
    clusters: dict[str, list[_Found]] = defaultdict(list)
    for mention in found:
        clusters[mention.group].append(mention)
    actors = [
        _actor(parsed.text, group, cluster) for group, cluster in clusters.items() if _is_actor(parsed.text, cluster)
    ]
    kept = {actor.id for actor in actors}
    return LabelledDocument(
        id=parsed.id,
        text=parsed.text,
        source="gum",
        license=license,
        actors=actors,
        mentions=[
            Mention(actor=_actor_id(m.group), start=m.start, end=m.end, kind=m.kind)
            for m in found
            if _actor_id(m.group) in kept
        ],
        sentences=[[sentence.tokens[0].start, sentence.tokens[-1].end] for sentence in parsed.sentences],
        mentions_complete=True,
    )


def _actor_id(group: str) -> str:
    return f"e{group}"


def _is_actor(text: str, cluster: list[_Found]) -> bool:
    """Keep named states and cities; named persons and organisations, and those mentioned more than once."""
    names = [text[mention.start : mention.end].casefold().split() for mention in cluster if mention.kind == "name"]
    if _type(cluster) == "place":
        return bool(names) and not any({name[0], name[-1]} & NO_STATE for name in names)
    return bool(names) or len(cluster) > 1


def _type(cluster: list[_Found]) -> str:
    return Counter(mention.type for mention in cluster).most_common(1)[0][0]


def _actor(text: str, group: str, cluster: list[_Found]) -> Actor:
    """Name an actor by its longest name, else by its first noun phrase, else by its first pronoun."""
    by_kind = {kind: [m for m in cluster if m.kind == kind] for kind in ("name", "nominal", "pronoun")}
    if by_kind["name"]:
        chosen = max(by_kind["name"], key=lambda mention: mention.end - mention.start)
    else:
        chosen = (by_kind["nominal"] or by_kind["pronoun"])[0]
    return Actor(id=_actor_id(group), name=text[chosen.start : chosen.end], type=ACTOR_TYPES[_type(cluster)])


def _sentence_mentions(text: str, sentence: ParsedSentence) -> list[_Found]:
    """Return the sentence's mentions of actors in order, each span at most once."""
    found: list[_Found] = []
    for entity in sentence.entities:
        mention = _mention(sentence, entity)
        if mention:
            found.append(mention)
    # Names of other things count here: "US" in "US Open" is no mention of the state.
    names = [mention for mention in found if mention.kind == "name"]
    spans: dict[tuple[int, int], _Found] = {}
    for mention in found:
        nested_name = mention.kind == "name" and any(mention.inside(other) for other in names)
        same = spans.get((mention.start, mention.end))
        if not nested_name and (same is None or (same.kind != "name" and mention.kind == "name")):
            spans[mention.start, mention.end] = mention
    kept = [mention for mention in spans.values() if mention.type in ACTOR_TYPES]
    kept += (m for m in _demonyms(text, sentence) if not any(n.start <= m.start and m.end <= n.end for n in names))
    return sorted(kept, key=lambda mention: (mention.start, -mention.end))


def _demonyms(text: str, sentence: ParsedSentence) -> Iterator[_Found]:
    """The adjectives that the catalogue has for a state, in a group named after it: "Orlian", but also "pro-Orlian"."""
    for token in sentence.tokens:
        parts = re.finditer(r"[^-]+", text[token.start : token.end]) if token.upos == "ADJ" else ()
        for part in parts:
            entry = load_catalogue().lookup(part.group()) if part.group()[0].isupper() else None
            if entry and entry.type == "state":
                yield _Found(_STATE + entry.id, "place", token.start + part.start(), token.start + part.end(), "name")


def _with_groups(text: str, mentions: list[_Found]) -> list[_Found]:
    """The mentions, with a state's adjectives in the group of the state's name where the text has one."""
    groups: dict[str, str] = {}
    for mention in mentions:
        entry = load_catalogue().lookup(text[mention.start : mention.end]) if mention.kind == "name" else None
        if entry and not mention.group.startswith(_STATE):
            groups.setdefault(_STATE + entry.id, mention.group)
    return [replace(mention, group=groups.get(mention.group, mention.group)) for mention in mentions]


def _mention(sentence: ParsedSentence, entity: Entity) -> _Found | None:
    """Cut a marked span down to a mention; None for what is no mention under the codebook."""
    tokens = sentence.tokens
    if entity.link == "pred":  # "is a doctor" describes and does not refer
        return None
    only = tokens[entity.first] if entity.first == entity.last else None
    if only and only.upos == "PRON":
        # Personal and possessive ones; no "who", "this", "someone".
        return _found(entity, [only], "pronoun") if "PronType=Prs" in only.features else None
    nested = [e for e in sentence.entities if e is not entity and entity.first <= e.first and e.last <= entity.last]
    head = _head(tokens, entity)
    if any(e.first <= head <= e.last and (e.first, e.last) != (entity.first, entity.last) for e in nested):
        return None  # "France and Spain": each is marked by itself
    inner = [(e.first, e.last) for e in nested]
    named = introduced(tokens, (entity.first, entity.last), head, inner)
    if span := name_span(tokens, (entity.first, entity.last), named, inner, person=entity.type == "person"):
        return _found(entity, tokens[span[0] : span[1] + 1], "name")
    span = nominal_span(tokens, (entity.first, entity.last), head)
    if tokens[head].upos not in {"NOUN", "PROPN"} or span[1] - span[0] >= MAX_NOMINAL:
        return None
    return _found(entity, tokens[span[0] : span[1] + 1], "nominal")


def _found(entity: Entity, tokens: list[Token], kind: MentionKind) -> _Found:
    return _Found(entity.group, entity.type, tokens[0].start, tokens[-1].end, kind)


def _head(tokens: list[Token], entity: Entity) -> int:
    """Return the index of the span's word that depends on a word outside of it."""
    span = range(entity.first, entity.last + 1)
    return next(index for index in span if tokens[index].head not in span)
