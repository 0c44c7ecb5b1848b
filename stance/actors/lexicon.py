"""Word lists that tell names from titles and common words, read once from the package's data files."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from stance.actors.tokens import Token, keys

# Regular English endings, and what the base form has in their place.
_ENDINGS = (
    ("s", ""),
    ("es", ""),
    ("ies", "y"),
    ("ed", ""),
    ("d", ""),
    ("ing", ""),
    ("ing", "e"),
    ("ly", ""),
)


@dataclass(frozen=True, slots=True)
class Lexicon:
    """Folded words by what they do in or around a name."""

    #: "president", "general"; several words make `title_phrases`; `title_modifiers` stand before titles only.
    titles: frozenset[str]
    #: Titles that are surnames as well: "Ada King".
    surname_titles: frozenset[str]
    title_phrases: frozenset[tuple[str, ...]]
    title_modifiers: frozenset[str]
    #: Nouns that an organisation's name ends in, and the subsets that tell its type.
    organization_heads: frozenset[str]
    government_heads: frozenset[str]
    armed_heads: frozenset[str]
    #: Bodies named by what they are about: "Committee on Trade", not "the Guards on the Orla".
    committees: frozenset[str]
    #: Adjectives and the like in names of organisations; alone they are none, except `party_words`.
    organization_words: frozenset[str]
    party_words: frozenset[str]
    #: What a member of a party is called before the name: "Democrat Ada Brel".
    party_members: frozenset[str]
    #: Last words of companies' names that are no nouns for a company: nobody says "the steel" of "Orla Steel".
    company_words: frozenset[str]
    #: What firms are by law, which nobody says: "Inc", "plc".
    legal_forms: frozenset[str]
    #: Several bodies of one country begin with these: "National Council" is not "National Transitional Council".
    shared_words: frozenset[str]
    #: "van", "al": inside names; `open_particles` also begin one; `hyphen_particles` need a hyphen behind them.
    particles: frozenset[str]
    open_particles: frozenset[str]
    hyphen_particles: frozenset[str]
    #: "Workers' Party" and "the President's Office" hold their possessive inside.
    owned_words: frozenset[str]
    offices: frozenset[str]
    #: Bodies named by those who belong to them: "Riders' League".
    memberships: frozenset[str]
    #: Peoples, faiths and sides in the plural, which are no bodies: "Christians of Orla".
    peoples: frozenset[str]
    function_words: frozenset[str]
    common_words: frozenset[str]
    #: Rarer ones, many of them surnames as well: alone at a sentence's beginning they are no name.
    lower_words: frozenset[str]
    #: Chinese and Korean surnames; given names beside them have a hyphen and a small syllable: "Moon Jae-in".
    syllable_surnames: frozenset[str]
    #: First names that are states and cities as well: "Jordan Brel".
    given_states: frozenset[str]
    #: First names that are common words as well, and what follows a name: "Jr", "II".
    given_names: frozenset[str]
    suffixes: frozenset[str]
    calendar: frozenset[str]
    #: A singular word without an article before a verb of speech is a name: "Blunt said", but "Police said".
    speech_verbs: frozenset[str]
    unnamed_speakers: frozenset[str]
    #: Words before a month ("in May") and before a language ("in Russian").
    dated_by: frozenset[str]
    languages_by: frozenset[str]
    #: "northern" and the like before the name of a state.
    directions: frozenset[str]
    #: Last words of names of places, events and agreements: "Idlib Province".
    thing_nouns: frozenset[str]
    #: Capitalised words that name no actor: "GDP", "EST".
    not_names: frozenset[str]
    #: What stands before the maker of a picture: "Image: Ada Brel".
    credits: frozenset[str]
    #: What web pages print around an article: lines of these words hold no name.
    furniture: frozenset[tuple[str, ...]]

    def common(self, key: str) -> bool:
        """Whether a folded word is an ordinary English word, also in an inflection or in British spelling."""
        if key in self.common_words or key in self.function_words:
            return True
        if len(key) > 5:
            key = key.replace("our", "or").replace("is", "iz")
        stems = (key.removesuffix(ending) + base for ending, base in _ENDINGS if key.endswith(ending))
        return key in self.common_words or any(len(stem) > 2 and stem in self.common_words for stem in stems)

    def ordinary(self, key: str) -> bool:
        """Whether a folded word is common English or a word of titles and organisations."""
        return (
            key in self.titles
            or key in self.title_modifiers
            or key in self.organization_heads
            or key in self.organization_words
            or self.common(key)
        )

    def dated(self, tokens: Sequence[Token], position: int) -> bool:
        """Whether a calendar word is used as a date: "in May", "May 5", "5 May"."""
        around = tokens[max(0, position - 1) : position + 2]
        after = tokens[position + 1] if position + 1 < len(tokens) else None
        before = tokens[position - 1] if position else None
        digits = any(token.text[0].isdigit() for token in around)
        return digits or (before is not None and before.key in self.dated_by) or (after is None and before is None)


@cache
def load_lexicon() -> Lexicon:
    """The shipped word lists."""
    folder = files("stance.actors")
    lists: dict[str, list[str]] = json.loads(folder.joinpath("lexicon.json").read_text(encoding="utf-8"))
    # "co-founder" is a title, "co" is none.
    lists["title_phrases"] += (title for title in lists["titles"] if len(keys(title)) > 1)
    lists["titles"] = [title for title in lists["titles"] if len(keys(title)) == 1]
    phrases, furniture = (frozenset(keys(p) for p in lists.pop(name)) for name in ("title_phrases", "furniture"))
    words = {name: frozenset(key for word in values for key in keys(word)) for name, values in lists.items()}
    # Numbers, trades and the like that the counted texts are short of.
    common = words.pop("further_common").union(_counted("common_words.txt"))
    lower = _counted("lower_words.txt")
    return Lexicon(title_phrases=phrases, furniture=furniture, common_words=common, lower_words=lower, **words)


def _counted(name: str) -> frozenset[str]:
    """The words of a list that has several a line, with comments."""
    lines = files("stance.actors").joinpath(name).read_text(encoding="utf-8").splitlines()
    return frozenset(word for line in lines if not line.startswith("#") for word in line.split())
