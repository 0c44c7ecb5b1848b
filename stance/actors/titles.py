"""Titles and offices in a run of name words, which are no part of the names around them."""

from collections.abc import Iterator

from stance.actors.joining import JOINING
from stance.actors.lexicon import load_lexicon
from stance.actors.lines import ABBREVIATED, Line, Usage
from stance.actors.parting import is_connector
from stance.actors.syllables import ends_given_name
from stance.actors.tokens import HYPHENS, joined, tokenize

# Characters before a name in which its title stands.
_REACH = 24

#: Titles that are parts of names as well: "Hassan Sheikh Orlo".
GIVEN = frozenset({"sheikh", "sheik", "haji", "sayyid", "mullah", "prince"})
# Whose office is named after its field: "Minister of State for Education".
_MINISTERS = frozenset(
    {(who, "of") for who in ("minister", "ministers", "secretary")}
    | {(who, "for") for who in ("minister", "ministers", "state")}
)
# How the words for such fields end.
_FIELDS = ("tion", "ment", "ity", "ance", "ence")


def title_before(text: str, start: int) -> str | None:
    """The folded title that stands right before a name at `start`: "gen" of "Gen. Brel"; None where none does."""
    before = tokenize(text, max(0, start - _REACH), start)[-1:]
    near = bool(before) and joined(text[before[0].end : start].lstrip("."))
    return before[0].key if near and before[0].key in load_lexicon().titles else None


def title_ranges(line: Line, first: int, last: int, usage: Usage) -> Iterator[tuple[int, int]]:
    """Titles in a run, as `[start, end)`, with their modifiers and the "of" behind them."""
    tokens, lexicon = line.tokens, load_lexicon()
    position = done = first
    while position < last:
        end = _title_end(line, position, last)
        surname = position + 1 == last and tokens[position].key in usage.people
        syllable = position > first and ends_given_name(line, first, position)  # "Sun Yat-sen" is no senator
        if end is None or surname or syllable:
            position = line.past(position)
            continue
        start = position
        while start > done and tokens[start - 1].key in lexicon.title_modifiers and start - 1 not in line.inside:
            start -= 1
        end = _field_end(line, end, last)
        yield start, end
        position = done = end


def _field_end(line: Line, position: int, last: int) -> int:
    """Past "of" and the field of an office: "Minister | of National Defence | Idris Vane"."""
    tokens, lexicon = line.tokens, load_lexicon()
    while position < last and tokens[position].key in JOINING:
        position += 1
    stop = position
    while stop < last and stop not in line.forms and (is_connector(line, stop) or lexicon.ordinary(tokens[stop].key)):
        stop += 1
    fields = position > 0 and tokens[position - 1].key in JOINING and stop < last
    heads = any(token.key in lexicon.organization_heads for token in tokens[position:stop])
    return stop if fields and not heads else position


def is_portfolio(line: Line, first: int, last: int) -> bool:
    """Whether a word is what a minister is for: "the minister of Education, Ada Brel", "of the Communication"."""
    tokens = line.tokens
    before = line.before(first)
    if last - first > 1 or before < 1:
        return False
    field = load_lexicon().ordinary(tokens[first].key) or tokens[first].key.endswith(_FIELDS)
    return field and (tokens[before - 1].key, tokens[before].key) in _MINISTERS


def _title_end(line: Line, position: int, last: int) -> int | None:
    """The end of the title that begins at `position`, if one does and the catalogue knows no name there."""
    tokens, lexicon = line.tokens, load_lexicon()
    # "Gokhale-Sen" is no senator.
    if position in line.forms or (tokens[position].gap in HYPHENS and tokens[position].key in ABBREVIATED):
        return None
    for size in range(min(5, last - position), 1, -1):
        if tuple(token.key for token in tokens[position : position + size]) in lexicon.title_phrases:
            position, found = position + size - 1, True
            break
    else:
        found = tokens[position].key in lexicon.titles or _member(line, position, last)
    following = tokens[position + 1] if position + 1 < last else None
    if found and following and tokens[position].key in GIVEN and _within(line, position):
        return None
    plural = tokens[position].key.endswith("s") or tokens[position].key == "justice"
    if position > 1 and plural and tokens[position - 1].key in JOINING:
        # "Association of Mayors" and "Court of Justice", not "President of Ministers"
        found = found and tokens[position - 2].key not in lexicon.organization_heads
    # "General Staff" and "Justice and Accord Party" begin with no title.
    if not found or (following and (following.key == "and" or following.key in lexicon.organization_heads)):
        return None
    return None if tokens[position].key == "general" and _whole_body(line, position, last) else position + 1


def _within(line: Line, position: int) -> bool:
    """Whether strange words stand on both sides: "Ada Sheikh Brel" is one name, "Orlan Sheikh Brel" two."""
    tokens, lexicon = line.tokens, load_lexicon()
    around = (position - 1, position + 1)
    strange = all(tokens[i].capital and not lexicon.ordinary(tokens[i].key) and i not in line.inside for i in around)
    return position > 0 and line.glued(position) and strange


def _member(line: Line, position: int, last: int) -> bool:
    """Whether a word says of what party the person behind it is: "Democrat Ada Brel", not "Conservative Party"."""
    lexicon, rest = load_lexicon(), line.tokens[position + 1 : last]
    if line.tokens[position].key not in lexicon.party_members or len(rest) < 2:
        return False
    return all(t.capital and not lexicon.ordinary(t.key) for t in rest) and line.inside.isdisjoint(
        range(position, last)
    )


def _whole_body(line: Line, position: int, last: int) -> bool:
    """Whether "General" tells that a body is for all: "General Labour Union", not "General Vane's Guard"."""
    lexicon, rest = load_lexicon(), line.tokens[position + 1 : last]
    headed = len(rest) > 1 and rest[-1].key in lexicon.organization_heads
    return headed and all(t.capital and lexicon.ordinary(t.key) for t in rest)
