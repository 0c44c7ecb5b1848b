"""Whether some words are a shorter or another form of a name: "Blue Crane" for "Blue Crane Rescue Team"."""

from collections.abc import Callable, Iterable, Sequence

from stance.actors.lexicon import load_lexicon
from stance.actors.patterns import surnames
from stance.actors.spelling import SURE_CONSONANTS, consonant_kinds, loosely_same, same_given_name, same_spelling
from stance.actors.tokens import keys

#: Whether two folded words are one: letter by letter, or in another spelling.
Comparison = Callable[[str, str], bool]

_FIELD_JOINTS = frozenset({"of", "for", "on"})
#: What belongs to the place whose name stands before it: "Orla" is not "Orla Army".
LOCAL_HEADS = frozenset(
    "army navy police gendarmerie force forces federation confederation association union".split()  # noqa: SIM905
)

# What a political group may leave off its name: "Blue River" for "Blue River Party". Of no place is one named alone.
_PARTY_HEADS = frozenset({"party", "movement", "bloc", "coalition", "alliance", "list"})
# What rescuers, players and investigators work in.
_TEAMS = frozenset({"team", "crew", "unit"})


def exactly(one: str, other: str) -> bool:
    """Whether two folded words are spelt alike."""
    return one == other


def all_same(words: Iterable[str], others: Sequence[str], same: Comparison) -> bool:
    """Whether both have as many words, and each is the same as the other's."""
    listed = list(words)
    return len(listed) == len(others) and all(same(a, b) for a, b in zip(listed, others, strict=True))


def shortens(words: tuple[str, ...], name: str, long: tuple[str, ...], person: bool, same: Comparison) -> bool:
    """Whether `words` are a respelling or a usual shorter form of a name, whose folded words are `long`."""
    if same is loosely_same and not person:
        return False
    if same is loosely_same and len(words) == 1:
        same = _surely_same
    if len(words) == len(long):
        given = person and len(words) > 1 and same is same_spelling
        alike = given and same_given_name(words[0], long[0]) and all_same(words[1:], long[1:], same)
        return alike or all_same(words, long, same)
    if len(words) > len(long):
        return False
    if not person:
        return _shortens_body(words, long, same)
    if len(words) > 1:
        # "Lin Guozheng" of "Lin Kuo-cheng"
        glued = len(long) == 3 and "-" in name and all_same(words, (long[0], long[1] + long[2]), same)
        return glued or all_same(words, long[-len(words) :], same) or all_same(words, (long[0], long[-1]), same)
    short = [keys(surname)[-1] for surname in surnames(name)]
    short += glued_surname(long)
    # "Lula" of "Luiz Inácio Lula da Silva", "Solorio" of "Adrián Solorio Huacuz"
    short += (long[at] for at in range(1, len(long) - 1) if _may_be_surname(long, at))
    # "Berhanu" of "Birhanu Jula": first names are used alone, too
    first = words[0] == long[0] or (len(consonant_kinds(words[0])) >= SURE_CONSONANTS and same(words[0], long[0]))
    return first or any(same(words[0], s) or same(words[0], unglued(s)) for s in short)


_IBERIAN = frozenset({"de", "da", "do", "dos", "del"})


def _may_be_surname(long: tuple[str, ...], at: int) -> bool:
    """Whether a word inside a person's name may be the first of two surnames: Spanish, Portuguese and Bantu names."""
    lexicon = load_lexicon()
    return long[at + 1] in _IBERIAN or not (
        {long[at], long[at + 1], long[at - 1]} & lexicon.particles or lexicon.ordinary(long[at])
    )


#: Letters of the longest particle that a surname may swallow.
PARTICLE_LETTERS = 3


def glued_surname(words: tuple[str, ...]) -> tuple[str, ...]:
    """A person's surname in one with the particle before it: "bawazir" of "salem ba wazir"."""
    return (words[-2] + words[-1],) if len(words) > 2 and len(words[-2]) <= PARTICLE_LETTERS else ()


#: Letters and consonants from which on a surname alone tells whose other spelling it is.
TELLING_LETTERS, TELLING_CONSONANTS = 6, 3
# Letters that such a surname may begin with instead of each other where it has `SURE_CONSONANTS`.
_GUTTURALS = frozenset("ghkqc")


def _surely_same(word: str, surname: str) -> bool:
    """Whether a folded surname that stands alone is another's in the hands of another translator: "Petkovich".

    "Hrynevych" is "Grynevych", but "Barker" is not "Parker", nor "Geller" "Keller".
    """
    consonants = len(consonant_kinds(word))
    other = consonants >= SURE_CONSONANTS and {word[0], surname[0]} <= _GUTTURALS
    begins = word[0] == surname[0] or other
    telling = len(word) >= TELLING_LETTERS and consonants >= TELLING_CONSONANTS
    return telling and begins and loosely_same(word, surname)


def unglued(word: str) -> str:
    """A folded surname without an article that is written in one with it: "wafi" for "alwafi"."""
    return word[2:] if word[:2] in {"al", "el"} and len(word) >= GLUED_LETTERS else word


#: Letters of the shortest surname that may begin with an article: shorter ones, "Alden", are taken whole.
GLUED_LETTERS = 6


def _shortens_body(words: tuple[str, ...], long: tuple[str, ...], same: Comparison) -> bool:
    """The same for an organisation, an office or a place."""
    lexicon, size = load_lexicon(), len(words)
    # "Orla Port" is not "Dockers of Orla Port".
    tail = size > 1 and long[-size - 1] not in _FIELD_JOINTS and all_same(words, long[-size:], same)
    party = size > 1 and len(long) == size + 1 and long[-1] in _PARTY_HEADS and all_same(words, long[:size], same)
    front = size > 1 and long[size] in _FIELD_JOINTS and all_same(words, long[:size], same)
    heads = lexicon.organization_heads - lexicon.government_heads - LOCAL_HEADS
    kinds = heads | lexicon.company_words
    head = words == long[:1] and not lexicon.ordinary(words[0]) and kinds.issuperset(long[1:])
    return tail or front or head or party or _abridges(words, long) or _turned(words) == long


def _turned(words: tuple[str, ...]) -> tuple[str, ...]:
    """The other order of an office's name: "accord authority" for "authority of accord" and the other way round."""
    heads = load_lexicon().organization_heads
    if len(words) > 2 and words[1] == "of" and words[0] in heads:
        return (*words[2:], words[0])
    return (words[-1], "of", *words[:-1]) if len(words) > 1 and words[-1] in heads and "of" not in words else ()


def _abridges(words: tuple[str, ...], long: tuple[str, ...]) -> bool:
    """Whether words leave a middle or an end of an organisation's name away that says what it is.

    "Blue Crane" for "Blue Crane Rescue Team", "Meadow Party" for "Meadow Solidarity Party"; of names of places such
    as "Fort Orla" nothing follows, for "Fort Orla University" is another actor.
    """
    lexicon = load_lexicon()
    if len(words) < 2 or "of" in long:
        return False
    if words == long[: len(words)]:
        rest = long[len(words) :]
        heads = lexicon.organization_heads - LOCAL_HEADS | _TEAMS
        plain = (
            all(lexicon.ordinary(word) for word in words)
            and words[0] not in lexicon.shared_words
            and words[-1] not in heads
        )
        # "Rapid Support" of "Rapid Support Forces"
        troops = rest in {("force",), ("forces",)}
        return plain and (troops or rest[-1] in heads) and all(map(lexicon.ordinary, rest))
    whole = words[0] == long[0] and words[-1] == long[-1] and len(words) == 2
    return whole and words[-1] in lexicon.organization_heads and words[0] not in lexicon.shared_words
