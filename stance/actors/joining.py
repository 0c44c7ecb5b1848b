"""Whether words between two names make them one: "Ministry of Defence of Orla", "Workers' Party"."""

from stance.actors.lexicon import load_lexicon
from stance.actors.lines import Line
from stance.actors.tokens import APOSTROPHES

#: Small words inside names of offices.
JOINING = frozenset({"of", "for", "on", "in", "and", "the"})
#: Words after which a run of capitalised words is cut: no name is that long.
LONGEST_NAME = 15

# What courts are for, and where they are comes behind it: "Court of Appeal of Orla".
_COURTS = frozenset({"appeal", "appeals", "audit", "arbitration", "cassation", "justice"})
# Bodies named by where they are: "Support Mission in Libya".
_POSTED = frozenset({"mission"})
# What is named after a saint: "St. Orla's Hospital".
_CONSECRATED = frozenset("hospital church cathedral college school university academy hospice abbey clinic".split())  # noqa: SIM905
# How words end that offices are for: "Council of Redemption", "Front of the Freemen".
_FIELD_ENDINGS = ("s", "men", "tion", "ment", "ity", "ance", "ence")
#: Bodies of which each state has its own: "Red Crescent of Orla".
NATIONAL_BODIES = frozenset(
    {("red", "cross"), ("red", "crescent"), ("border", "troops"), ("general", "staff"), ("joint", "chiefs")}
)
# Small words that a party's or movement's name may begin with: "All Orlan Congress".
_WHOSE = frozenset({"all", "our", "we"})
# "Army of Three Rivers": numbers that have the capital of the name they stand in.
_NUMBERS = frozenset("two three four five six seven eight nine ten twelve".split())  # noqa: SIM905


def counts(line: Line, position: int) -> bool:
    """Whether a word is a number inside a name, behind "of" or "of the": "Union of the Two Shores"."""
    token, before = line.tokens[position], line.tokens[position - 1]
    return token.capital and token.key in _NUMBERS and before.key in {"of", "the"} and not before.capital


def begins_body(line: Line, position: int) -> bool:
    """Whether a small word with a capital that its place does not lend it begins a body's name: "Our Orla Movement"."""
    tokens = line.tokens
    if tokens[position].key not in _WHOSE or not tokens[position].capital or line.heading or line.opens(position):
        return False
    stop, limit = position + 1, min(len(tokens), position + LONGEST_NAME)
    while stop < limit and tokens[stop].capital and line.glued(stop):
        stop += 1
    return stop - position > 2 and tokens[stop - 1].key in load_lexicon().organization_heads


def owned(line: Line, first: int, position: int) -> bool:
    """Whether the possessive before `position`, in a name that begins at `first`, belongs inside the name.

    "Workers' Party", "the President's Office", "St. Orla's Hospital".
    """
    before, token, lexicon = line.tokens[position - 1], line.tokens[position], load_lexicon()
    if not token.capital or not (before.possessive or token.gap.strip() in set(APOSTROPHES)):
        return False
    headed = token.key in lexicon.organization_heads
    if before.key in lexicon.owned_words:
        return headed or token.key in lexicon.organization_words | lexicon.memberships
    # "Railway Guards' Union", not "the Orlos' army" or "the United States' Congress".
    if before.key.endswith("s") and position - 1 not in line.inside and _plural(before.key):
        return token.key in lexicon.memberships
    if line.tokens[first].key in {"st", "saint"} and first < position - 1:
        return token.key in _CONSECRATED
    return before.key in lexicon.titles and token.key in lexicon.offices


def _plural(key: str) -> bool:
    """Whether a folded word is the plural of an ordinary one: "guards", "tigers", "developers" of "develop"."""
    lexicon = load_lexicon()
    stem = key[:-3] if key.endswith(("ors", "ers")) else ""
    made = (len(stem) > 2 and lexicon.common(f"{stem}e")) or (len(stem) > 3 and lexicon.common(stem))
    return made or lexicon.common(key) or not lexicon.lower_words.isdisjoint({key, key[:-1]})


def connects(line: Line, first: int, last: int, ahead: int) -> bool:
    """Whether the connectors `[last, ahead)` join the names on both sides, `[first, last)` and another, into one."""
    tokens, lexicon = line.tokens, load_lexicon()
    words = [token.key for token in tokens[last:ahead] if not token.capital]
    if not JOINING.intersection(words):
        return True
    if words == ["in"]:
        return tokens[last - 1].key in _POSTED
    before = tokens[last - 1].key
    if words[0] == "on":
        return before in lexicon.committees
    if words[0] in {"of", "for"}:
        court = before in _COURTS and any(token.key == "court" for token in tokens[first:last])
        headed = before in lexicon.organization_heads or before in lexicon.titles
        return court or headed or (words[0] == "of" and (_of_field(line, first, last) or _band(line, first, last)))
    if words != ["and"] or ahead in line.forms or last - 1 in line.inside:
        return False
    return _fields(line, first, last, ahead)


def _of_field(line: Line, first: int, last: int) -> bool:
    """Whether an office with its field ends here, so that its owner comes next: "Ministry of Defence | of Orla"."""
    tokens, lexicon = line.tokens, load_lexicon()
    keys = [token.key for token in tokens[first:last]]
    if tuple(keys[-2:]) in NATIONAL_BODIES:
        return True
    field = lexicon.ordinary(keys[-1]) or keys[-1].endswith(_FIELD_ENDINGS)
    if last - 1 in line.inside or not field or keys[0] in lexicon.titles:
        return False
    return "of" in keys and bool(lexicon.organization_heads.intersection(keys[: keys.index("of")]))


def _band(line: Line, first: int, last: int) -> bool:
    """Whether a plural with a capital that its place does not lend it is a band's: "Tigers of Orla"."""
    tokens, lexicon = line.tokens, load_lexicon()
    key = tokens[last - 1].key
    if line.heading or line.opens(first) or not key.endswith("s") or key.endswith("ss") or key in lexicon.peoples:
        return False
    # "the minister of the Foreigners of Orla"
    if first > 2 and tokens[first - 2].key == "of" and tokens[first - 3].key in lexicon.titles:
        return False
    member = key.removesuffix("s") in lexicon.titles | lexicon.party_members
    return not member and all(_plural(token.key) for token in tokens[first:last]) and last - 1 not in line.inside


def _fields(line: Line, first: int, last: int, ahead: int) -> bool:
    """Whether "and" joins two fields of one office: "Ministry of Trade and Industry", "Justice and Accord Party"."""
    tokens, lexicon = line.tokens, load_lexicon()
    stop, limit = ahead + 1, min(len(tokens), ahead + LONGEST_NAME)
    while stop < limit and tokens[stop].capital and line.glued(stop):
        stop += 1
    right = [token.key for token in tokens[ahead:stop]]
    headed = any(word in lexicon.organization_heads - {"services", "industries"} for word in right)
    left = [token.key for token in tokens[first:last]]
    if {"of", "for", "on"} & set(left):
        return not headed and all(lexicon.ordinary(word) for word in [left[-1], right[0]])
    plain = all(lexicon.ordinary(word) and word not in lexicon.organization_heads for word in left)
    return headed and plain and len(right) > 1 and right[0] not in lexicon.titles and lexicon.ordinary(right[0])
