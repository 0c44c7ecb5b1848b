"""Candidate names by capitalisation and catalogue: cheap, with high recall and precise boundaries."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from stance.actors.bodies import with_bodies
from stance.actors.initials import spelled_out
from stance.actors.joining import JOINING, LONGEST_NAME, NATIONAL_BODIES, begins_body, connects, counts, owned
from stance.actors.lexicon import load_lexicon
from stance.actors.lines import Line, Usage, dateline_end, read_lines, read_usage
from stance.actors.parting import KnownNames, is_connector, parted
from stance.actors.spelling import IZAFAT
from stance.actors.syllables import ends_given_name
from stance.actors.titles import GIVEN, is_portfolio, title_ranges
from stance.actors.tokens import HYPHENS, Token
from stance.text import Sentence


@dataclass(frozen=True, slots=True, order=True)
class NameSpan:
    """A candidate name `[start, end)` of the text.

    One in a `dateline` tells where a report was written or by whom, and is nobody that it is about.
    """

    start: int
    end: int
    dateline: bool = False


_Range = tuple[int, int]

# Roman numbers that stand alone; "XI" may be somebody, and "MI" or "DC" something.
_NUMERAL = re.compile(r"I[IVX]|V?III|VI{1,2}|XI[IVX]|XVI{0,3}|XX[IVX]*")
# Small words that a place follows.
_LOCATING = frozenset({"in", "from", "at", "near", "about"})
_LEGISLATORS = frozenset("mp mep mk mla deputy lawmaker legislator senator".split())  # noqa: SIM905
# What parties are called behind the names of members of Congress.
_PARTIES = frozenset("DRIL")
# What stands before "million": "P200", "R500m".
_SUM = re.compile(r"[A-Z]{1,3}\d+(?P<size>bn|mn|tn|m|b)?")
_SIZES = frozenset({"million", "billion", "trillion", "crore", "lakh", "thousand", "mln", "bn"})
#: Letters up to which a common word in capitals is taken for an acronym at a sentence's beginning: "ICE".
LONGEST_ACRONYM = 5


def find_names(text: str, sentences: Sequence[Sentence]) -> list[NameSpan]:
    """Candidate names of a document, sorted and not overlapping.

    Titles, articles and possessive endings stay outside. In headings only those words count that the catalogue
    knows, that running text of the document has as names, or that are no English words.
    """
    lines = read_lines(text, sentences)
    usage = read_usage(lines)
    found = [list(_line_names(line, usage)) for line in lines]
    known = KnownNames(_keys(line, *part) for line, parts in zip(lines, found, strict=True) for part in parts)
    spans: list[NameSpan] = []
    for line, parts in zip(lines, found, strict=True):
        names = [name for part in parts for name in parted(line, *part, known)]
        written = dateline_end(line)
        for first, last in with_bodies(line, spelled_out(line, names)):
            spans.append(NameSpan(line.tokens[first].start, line.tokens[last - 1].end, last <= written))
    return spans


def _keys(line: Line, first: int, last: int) -> tuple[str, ...]:
    return tuple(token.key for token in line.tokens[first:last])


def _line_names(line: Line, usage: Usage) -> Iterator[_Range]:
    if tuple(token.key for token in line.tokens) in load_lexicon().furniture:
        return
    for first, last in _runs(line, usage):
        start = first
        for cut, resume in title_ranges(line, first, last, usage):
            yield from _piece(line, start, cut, usage)
            start = resume
        yield from _piece(line, start, last, usage)


# --- runs: stretches of name words and what connects them ---


def _runs(line: Line, usage: Usage) -> Iterator[_Range]:
    """Stretches of name words with connectors between them, as `[first, last)`, not overlapping."""
    position, done = 0, 0
    while position < len(line.tokens):
        if not _name_word(line, position, usage):
            position += 1
            continue
        first, last = _with_particles(line, position, done), line.past(position)
        while last - first < LONGEST_NAME and (further := _extend(line, first, last, usage)) > last:
            last = further
        yield first, last
        position = done = last


def _with_particles(line: Line, position: int, done: int) -> int:
    """Go back over particles that begin the name: "al-Orlo", "van der Brel"."""
    lexicon = load_lexicon()
    while position > done and line.glued(position):
        before = line.tokens[position - 1]
        hyphen = line.tokens[position].gap.strip() != "" and before.key in lexicon.hyphen_particles
        if not hyphen and not (before.key in lexicon.open_particles and not before.capital):
            break
        position -= 1
    return position


def _name_word(line: Line, position: int, usage: Usage) -> bool:
    """Whether a word can stand in a name by itself."""
    token, lexicon = line.tokens[position], load_lexicon()
    if position and _tagged(line, position):
        return False
    if position in line.forms:
        return True
    if not token.capital:
        return False
    following = line.tokens[position + 1] if position + 1 < len(line.tokens) else None
    if _amount(token, following):
        return False
    if len(token.text) == 1:
        dotted = following is not None and following.gap.startswith(".") and following.capital
        return dotted and line.glued(position + 1) and not (position and _lettered(line, position))
    if (token.key == "for" and _party_for(line, position)) or begins_body(line, position):
        return True
    if token.key in lexicon.not_names or _function(token.key) or _contracted(token) or _NUMERAL.fullmatch(token.text):
        return False
    if following and token.key in lexicon.credits and following.gap.lstrip()[:1] in {":", "/"}:
        return False
    if following and len(token.text) < 5 and following.gap in HYPHENS and following.text[0].isdigit():
        return False
    if token.key in lexicon.calendar:
        # "Mar del Orla"
        joined = following is not None and following.key in lexicon.particles and not following.capital
        return joined or (token.key in usage.people and not lexicon.dated(line.tokens, position))
    if line.heading:
        return usage.named(token.key) or not lexicon.ordinary(token.key)
    return True


def _tagged(line: Line, position: int) -> bool:
    """Whether a word is the state of a member of Congress: "Vt" of "Ada Brel (D-Vt.)"."""
    party = line.tokens[position - 1]
    return line.tokens[position].gap in HYPHENS and party.text in _PARTIES and party.gap[-1:] in {"(", " "}


def _lettered(line: Line, position: int) -> bool:
    """Whether a single letter is no initial: "on X. Brel said", "Plan B. Brel said"."""
    token, before, lexicon = line.tokens[position], line.tokens[position - 1], load_lexicon()
    posted = token.text == "X" and before.key in {"on", "to", "via", "from"}
    called = before.capital and lexicon.ordinary(before.key) and before.key not in lexicon.titles | lexicon.given_names
    return posted or (called and not line.opens(position - 1))


def _party_for(line: Line, position: int) -> bool:
    """Whether "For" begins a party's name: "the party For Orla", but not "FOR ORLA" or "Minister For Trade"."""
    token, ahead = line.tokens[position], line.tokens[position + 1 : position + 2]
    if line.heading or line.opens(position) or token.all_capitals or not (ahead and line.glued(position + 1)):
        return False
    return ahead[0].capital and not line.tokens[position - 1].capital


def _amount(token: Token, following: Token | None) -> bool:
    """Whether a word is a sum of money: "P200 million", "R500m"."""
    match = _SUM.fullmatch(token.text)
    return match is not None and (bool(match["size"]) or (following is not None and following.key in _SIZES))


def _contracted(token: Token) -> bool:
    """Whether a word is "I'll", "I've" and the like."""
    return token.text[0] == "I" and token.text[1:2] in {"'", "’"}


def _function(key: str) -> bool:
    lexicon = load_lexicon()
    return key in lexicon.function_words and key not in lexicon.calendar


def _extend(line: Line, first: int, last: int, usage: Usage) -> int:
    """Where the run `[first, last)` goes on to: over one more name word, with or without connectors."""
    tokens, lexicon = line.tokens, load_lexicon()
    if last >= len(tokens):
        return last
    if owned(line, first, last):
        return line.past(last)
    if tokens[last - 1].possessive or not line.glued(last):
        return last
    if _name_word(line, last, usage) or ends_given_name(line, first, last):
        return line.past(last)
    if (tokens[last].key in lexicon.suffixes and tokens[last].capital) or _NUMERAL.fullmatch(tokens[last].text):
        return last + 1
    ahead = last
    while ahead < len(tokens) and ahead < last + 3 and line.glued(ahead):
        if not (is_connector(line, ahead) or (ahead > last and counts(line, ahead))):
            break
        ahead += 1
    if ahead == last or ahead >= len(tokens) or not line.glued(ahead) or not _name_word(line, ahead, usage):
        return last
    return line.past(ahead) if connects(line, first, last, ahead) else last


# --- pieces: what lies between titles ---


def _piece(line: Line, first: int, last: int, usage: Usage) -> Iterator[_Range]:
    """The name or names in `[first, last)` after trimming; nothing if no name is left."""
    first, last = _trim(line, first, last, usage)
    if first >= last or _language(line, first, last):
        return
    cut = (
        _member_after(line, first, last) or _leading_form(line, first, last, usage) or _person_after(line, first, last)
    )
    if cut is not None:
        yield from _piece(line, first, cut, usage)
        yield from _piece(line, cut, last, usage)
    elif first in line.forms or not (_idle(line, first, last, usage) or is_portfolio(line, first, last)):
        yield first, last


def _trim(line: Line, first: int, last: int, usage: Usage) -> _Range:
    """Drop connectors at both ends, a first word that owes its capital to its place, and "northern" before states."""
    tokens, lexicon = line.tokens, load_lexicon()
    while first < last and first not in line.forms:
        key = tokens[first].key
        direction = key in lexicon.directions and first + 1 in line.forms and line.forms[first + 1][0] == last
        joint = key in JOINING and not tokens[first].capital
        field = _field(line, first, last)
        if not (direction or joint or field or _placed(line, first, last, usage)):
            break
        first += field or 1
    while first < last and not tokens[last - 1].capital and tokens[last - 1].key in JOINING | lexicon.particles:
        if last - first > 1 and ends_given_name(line, first, last - 1):
            break
        last -= 1
    return first, last


def _placed(line: Line, first: int, last: int, usage: Usage) -> bool:
    """Whether the first word is an ordinary word with the capital of a sentence's beginning."""
    key, lexicon = line.tokens[first].key, load_lexicon()
    if any(letter.isalpha() and not letter.isascii() for letter in line.tokens[first].text):
        return False  # "Crédit Orlane": no English word has an accent
    particle = last - first > 1 and key in lexicon.particles | lexicon.hyphen_particles
    common = lexicon.common(key) or (last - first == 1 and key in lexicon.lower_words)
    named = usage.named_alone(key) if last - first == 1 else usage.named(key)
    if particle or not line.opens(first) or named or not common or key in usage.people:
        return False
    if line.tokens[first].all_capitals and len(key) <= LONGEST_ACRONYM and not line.heading:
        return False
    if last - first == 1:
        return not _speaks(line, first)
    if key == "air" and first + 1 in line.forms:
        return False  # "Air France"
    begins = key in lexicon.given_names or key in lexicon.organization_words or key in lexicon.organization_heads
    firm = line.tokens[first + 1].key in lexicon.company_words  # "Ford Motor"
    return not (begins or firm) or first + 1 in line.forms


def _field(line: Line, first: int, last: int) -> int:
    """How many of the first words are the field of an office before a name.

    "the minister of Defence | Ada Brel", "the minister of Foreign Affairs of | Orla".
    """
    tokens, lexicon = line.tokens, load_lexicon()
    of = line.before(first)
    if last - first < 3 or of < 1 or tokens[of].key != "of" or tokens[of - 1].key not in lexicon.titles:
        return 0
    stop = first
    while stop < last and stop not in line.forms and _of_office(tokens[stop].key):
        stop += 1
    owner = stop < last - 1 and tokens[stop].key == "of" and stop + 1 in line.forms
    person = stop == first + 1 and not any(lexicon.ordinary(token.key) for token in tokens[stop:last])
    return stop - first if stop > first and (owner or person) else 0


def _of_office(key: str) -> bool:
    lexicon = load_lexicon()
    return key != "of" and (key in lexicon.title_modifiers or lexicon.ordinary(key))


def _speaks(line: Line, position: int) -> bool:
    """Whether a common word speaks like a person: "Blunt said", not "Officials said" or "Police said"."""
    key, lexicon = line.tokens[position].key, load_lexicon()
    following = line.tokens[position + 1 : position + 2]
    spoken = bool(following) and line.glued(position + 1) and following[0].key in lexicon.speech_verbs
    return spoken and not key.endswith("s") and key not in lexicon.unnamed_speakers


def _language(line: Line, first: int, last: int) -> bool:
    """Whether a demonym means the language: "in Russian.", "speaks Russian", "the Russian language"."""
    if first not in line.forms or line.forms[first][0] != last or line.forms[first][1].kind != "demonym":
        return False
    tokens, lexicon = line.tokens, load_lexicon()
    if last < len(tokens) and tokens[last].key in {"language", "languages"}:
        return True
    ends = last == len(tokens) or not line.glued(last) or tokens[last].key in {"and", "or", "but", "on", "at", "to"}
    return first > 0 and tokens[first - 1].key in lexicon.languages_by and ends


def _leading_form(line: Line, first: int, last: int, usage: Usage) -> int | None:
    """Where the leading state, demonym or acronym ends, if a name of its own follows: "Russian | Ada Brel"."""
    tokens, lexicon = line.tokens, load_lexicon()
    if first not in line.forms:
        # "Brel-Orlan", but not "Brel al-Orlan", who is a person.
        apart = (
            i
            for i in range(first + 1, last)
            if i < first + 2 or tokens[i - 1].key not in lexicon.hyphen_particles | IZAFAT
        )
        hyphens = (i for i in apart if tokens[i].gap in HYPHENS and i in line.forms)
        return next(hyphens, None)
    end, form = line.forms[first]
    if end >= last:
        return None
    rest = tokens[end:last]
    if tuple(token.key for token in rest) in NATIONAL_BODIES:
        return None  # "Orlan Red Cross"
    if rest[0].gap in HYPHENS or (end in line.forms and line.forms[end][0] == last):
        return end
    if any(token.key in lexicon.organization_heads for token in rest):
        return None
    strange = not any(lexicon.ordinary(token.key) for token in rest if token.key not in _inside_persons())
    alone = all(usage.capitals[token.key] > 1 for token in rest)
    if form.kind == "demonym":
        return end if strange or alone else None
    if form.kind != "demonym" and strange and first > 0 and tokens[first - 1].key in _LOCATING:
        # "from Orla | Ada Brel announced", but "to Jordan Brel"
        known = len(rest) > 1 or usage.alone[rest[0].key] + usage.capitals[rest[0].key] > 2
        return end if known and tokens[first].key not in lexicon.given_states else None
    of_office = first > 0 and tokens[first - 1].key in JOINING
    # "President of Orla | Brel", in the English of translations.
    of_title = of_office and first > 1 and tokens[first - 2].key in lexicon.titles
    return end if strange and (of_title or ((form.acronym or of_office) and len(rest) > 1)) else None


def _inside_persons() -> frozenset[str]:
    """Words that may stand within a person's name and mean something else by themselves: "bin", "Sheikh"."""
    lexicon = load_lexicon()
    return lexicon.hyphen_particles | lexicon.particles | GIVEN


def _person_after(line: Line, first: int, last: int) -> int | None:
    """Where an office ends that two strange words or more follow: "Council of Turkey | Ada Brel"."""
    tokens, lexicon = line.tokens, load_lexicon()
    cut = last
    articles = lexicon.hyphen_particles
    while cut > first + 1 and (
        tokens[cut - 1].key in articles or not (lexicon.ordinary(tokens[cut - 1].key) or cut - 1 in line.inside)
    ):
        cut -= 1
    person = [token for token in tokens[cut:last] if token.key not in articles]
    if len(person) < 2 or any(not token.capital for token in person):
        return None
    office = tokens[cut - 1].key in lexicon.government_heads | lexicon.armed_heads
    # "rector of Orla University | Ada Brel"
    of = line.before(first)
    belongs = of >= 0 and tokens[of].key == "of" and tokens[cut - 1].key in lexicon.organization_heads
    field = any(token.key in JOINING for token in tokens[first:cut])
    state = field and cut - 1 in line.inside
    # "Council of Representatives | Ada Brel"
    of_field = field and tokens[first].key in lexicon.organization_heads and lexicon.ordinary(tokens[cut - 1].key)
    behind = tokens[cut - 1].key not in JOINING
    return cut if office or belongs or state or (of_field and behind) else None


def _member_after(line: Line, first: int, last: int) -> int | None:
    """Where a legislator's party ends that the name follows: "MP from Blue Accord | Ada Brel", by two words each."""
    lexicon, cut = load_lexicon(), last - 2
    before = [token.key for token in line.tokens[max(0, first - 4) : first] if token.key not in {"the", "party"}]
    if len(before) < 2 or before[-1] not in {"of", "from"} or before[-2] not in _LEGISLATORS:
        return None
    strange = all(line.tokens[i].capital and not lexicon.ordinary(line.tokens[i].key) for i in (cut, cut + 1))
    one = cut - first == 1 and lexicon.ordinary(line.tokens[first].key)
    return cut if strange and (one or cut - first == 2) and cut not in line.inside and cut not in line.forms else None


def _idle(line: Line, first: int, last: int, usage: Usage) -> bool:
    """Whether a single word is one of those that only serve in longer names: "National", "Foreign", "North"."""
    key, lexicon = line.tokens[first].key, load_lexicon()
    if last - first > 1 or key in lexicon.organization_heads or key in lexicon.party_words:
        return False
    served = key in lexicon.title_modifiers or key in lexicon.organization_words or key in lexicon.directions
    return served and usage.capitals[key] < 2
