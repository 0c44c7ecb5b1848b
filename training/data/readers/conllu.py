"""CoNLL-U with nested entities: sentences of tokens with offsets, and the spans of `Entity=`."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from training.data.errors import DataError
from training.data.readers.common import numbered_lines

#: The parts of an opening bracket in `Entity=`, as the files' `# global.Entity` comment names them.
ENTITY_FIELDS = "GRP-etype-infstat-salience-centering-minspan-link-identity"

_BRACKET = re.compile(r"\((?P<open>[^()]+)(?P<single>\))?|(?P<close>[^()]+)\)")


@dataclass(frozen=True)
class Token:
    """One syntactic word; `start` and `end` are offsets into the document's text, `head` an index or -1."""

    form: str
    upos: str
    features: str
    head: int
    relation: str
    start: int
    end: int


@dataclass(frozen=True)
class Entity:
    """A marked span of tokens, `first` to `last` inclusive, that refers to the entity `group`."""

    group: str
    type: str
    link: str
    first: int
    last: int


@dataclass(frozen=True)
class ParsedSentence:
    """The tokens of a sentence and its entities, outermost first."""

    tokens: list[Token]
    entities: list[Entity]


@dataclass(frozen=True)
class ParsedDocument:
    """A document's id, its text rebuilt from the tokens, and its sentences."""

    id: str
    text: str
    sentences: list[ParsedSentence]


@dataclass
class _Block:
    """The raw lines of one sentence."""

    new_paragraph: bool = False
    rows: list[tuple[int, list[str]]] = field(default_factory=list)


def read_conllu(path: Path) -> ParsedDocument:
    """Read a file of one document; sentences are joined by a space, paragraphs by an empty line.

    Raise `DataError` for rows without ten columns or a head, other entity fields than `ENTITY_FIELDS`,
    brackets that do not match, and a file without a sentence.
    """
    text = ""
    sentences = []
    for block in _blocks(path):
        text += ("\n\n" if block.new_paragraph else " ") if text else ""
        tokens, text = _tokens(path, block.rows, text)
        sentences.append(ParsedSentence(tokens, _entities(path, block.rows)))
    if not sentences:
        raise DataError.single(path, 0, "", "holds no sentence")
    return ParsedDocument(path.stem, text, sentences)


def _blocks(path: Path) -> Iterator[_Block]:
    block = _Block()
    for number, line in numbered_lines(path):
        if line.startswith("#"):
            block.new_paragraph |= line.split(" = ")[0].strip() == "# newpar"
            if line.startswith("# global.Entity") and not line.endswith(f"= {ENTITY_FIELDS}"):
                raise DataError.single(path, number, "global.Entity", f"must be {ENTITY_FIELDS}")
        elif line:
            columns = line.split("\t")
            if len(columns) != 10:
                raise DataError.single(path, number, "", f"{len(columns)} columns instead of 10")
            if columns[0].isdecimal() and not columns[6].isdecimal():
                raise DataError.single(path, number, "HEAD", f"must be a word's number or 0, not {columns[6]!r}")
            block.rows.append((number, columns))
        elif block.rows:
            yield block
            block = _Block()
    if block.rows:
        yield block


def _misc(columns: list[str]) -> dict[str, str]:
    return dict(part.split("=", 1) for part in columns[9].split("|") if "=" in part)


def _words(rows: Iterable[tuple[int, list[str]]]) -> list[tuple[int, list[str]]]:
    """Leave out the rows of multi-word tokens (`3-4`) and of empty nodes (`3.1`)."""
    return [(number, columns) for number, columns in rows if columns[0].isdecimal()]


def _tokens(path: Path, rows: list[tuple[int, list[str]]], text: str) -> tuple[list[Token], str]:
    """Append a sentence to `text`; return its tokens and the longer text."""
    glued: set[int] = set()
    for number, columns in rows:
        first, _, last = columns[0].partition("-")
        if last:
            glued.update(range(int(first), int(last)))
            _check_parts(path, number, columns[1], rows, range(int(first), int(last) + 1))
        if _misc(columns).get("SpaceAfter") == "No":
            glued.add(int(last or first.partition(".")[0]))
    tokens = []
    words = _words(rows)
    for _, columns in words:
        start = len(text)
        text += columns[1]
        head = int(columns[6]) - 1
        tokens.append(Token(columns[1], columns[3], columns[5], head, columns[7], start, len(text)))
        if len(tokens) < len(words) and int(columns[0]) not in glued:
            text += " "
    return tokens, text


def _check_parts(path: Path, line: int, surface: str, rows: list[tuple[int, list[str]]], ids: range) -> None:
    parts = "".join(columns[1] for _, columns in _words(rows) if int(columns[0]) in ids)
    if parts != surface:
        raise DataError.single(path, line, "FORM", f"{surface!r} is not made of its parts, which give {parts!r}")


def _entities(path: Path, rows: list[tuple[int, list[str]]]) -> list[Entity]:
    opened: list[tuple[list[str], int]] = []
    found: list[Entity] = []
    for position, (number, columns) in enumerate(_words(rows)):
        for bracket in _BRACKET.finditer(_misc(columns).get("Entity", "")):
            if bracket["open"]:
                # The last field may hold hyphens itself.
                opened.append((bracket["open"].split("-", 7), position))
            group = bracket["close"] or (bracket["open"].split("-")[0] if bracket["single"] else None)
            if group:
                found.append(_closed(path, number, opened, group, position))
    if opened:
        raise DataError.single(path, rows[0][0], "Entity", f"{opened[-1][0][0]} is never closed in its sentence")
    return sorted(found, key=lambda entity: (entity.first, -entity.last))


def _closed(path: Path, line: int, opened: list[tuple[list[str], int]], group: str, last: int) -> Entity:
    for index in range(len(opened) - 1, -1, -1):
        fields, first = opened[index]
        if fields[0] == group and len(fields) >= 7:
            del opened[index]
            return Entity(group, fields[1], fields[6], first, last)
    raise DataError.single(path, line, "Entity", f"{group}) closes nothing that was opened with its seven fields")
