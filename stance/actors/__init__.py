"""Who is named in a text: a catalogue of states and organisations, and rules that find and group names."""

from stance.actors.apposition import brings_somebody_new, introduced
from stance.actors.catalogue import Catalogue, load_catalogue
from stance.actors.matching import find_mentions
from stance.actors.names import NameSpan, find_names
from stance.actors.naming import is_body
from stance.actors.phrases import definite_phrases, titled
from stance.actors.resolution import Discovery, discover
from stance.actors.tokens import slug

__all__ = [
    "Catalogue",
    "Discovery",
    "NameSpan",
    "brings_somebody_new",
    "definite_phrases",
    "discover",
    "find_mentions",
    "find_names",
    "introduced",
    "is_body",
    "load_catalogue",
    "slug",
    "titled",
]
