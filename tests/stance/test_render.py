from __future__ import annotations

import re
from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest

from stance.render.common import percent
from stance.render.graph import WIDTH, draw
from stance.render.page import as_page, pieces
from stance.render.table import LEAST_WIDTH, as_table
from stance.schema import Actor, DocumentResult, MentionResult, SentenceResult
from tests.stance.results import result, sentiment, stance

QUARREL = result(
    [Actor(id="t", name="Tamoria"), Actor(id="q", name="Qarvan"), Actor(id="n", name="Norway")],
    (
        "Tamoria condemned Qarvan.",
        [sentiment("t", "neutral"), sentiment("q", "negative")],
        [stance("t", "q", "against")],
    ),
    ("It thanked nobody.", [], []),
    ("Qarvan shrugged.", [sentiment("q", "neutral", 0.5, abstained=True)], [stance("t", "q", "favor", 0.5)]),
)
HOSTILE = '<script>alert("1")</script>\x1b[31m\u202e'


def lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines()]


def test_table_has_a_row_a_sentence_and_a_column_an_actor() -> None:
    shown = lines(as_table(QUARREL))
    header = next(line for line in shown if line.startswith("#"))
    assert re.split(r"\s{2,}", header) == ["#", "sentence", "Qarvan", "Tamoria"]
    first = next(line for line in shown if line.startswith("0"))
    assert re.split(r"\s{2,}", first) == ["0", "Tamoria condemned Qarvan.", "neg 90%", "neu 90%"]


def test_table_shows_relations_and_what_is_unsure() -> None:
    shown = as_table(QUARREL)
    relation = next(line for line in lines(shown) if re.match(r"Tamoria +against", line))
    assert re.split(r"\s{2,}", relation) == ["Tamoria", "against", "Qarvan", "-0.70", "72%", "0"]
    assert "neu 50%?" in shown
    assert "favor?" in shown
    assert "Not mentioned: Norway" in shown


@pytest.mark.parametrize("width", [20, LEAST_WIDTH, 100, 200])
def test_table_keeps_to_its_width_and_leaves_no_actor_out(width: int) -> None:
    actors = [Actor(id=f"a{i}", name=f"Ministry Number{i}") for i in range(14)]
    text = " ".join(actor.name for actor in actors)
    many = result(actors, (text, [sentiment(a.id, "positive") for a in actors], []))
    shown = as_table(many, width)
    assert max(map(len, shown.splitlines())) <= max(width, LEAST_WIDTH)
    assert shown.count("pos 90%") == len(actors)


def test_table_without_actors_says_none() -> None:
    shown = as_table(result([], ("Rain fell.", [], [])))
    assert "Rain fell." in shown
    assert lines(shown).count("–  none".replace("  ", "   ")) == 2


def test_colour_is_an_extra_and_never_from_the_text() -> None:
    hostile = result([Actor(id="h", name=f"[red]{HOSTILE}")], (f"[bold]{HOSTILE}", [sentiment("h", "negative")], []))
    plain = as_table(hostile)
    assert "\x1b" not in plain
    assert "\u202e" not in plain
    assert "[bold]<script>" in plain
    colored = as_table(hostile, color=True)
    assert "\x1b[31mneg 90%" in colored
    assert re.sub(r"\x1b\[[\d;]*m", "", colored).split() == plain.split()


class Elements(HTMLParser):
    """Collects a page's elements and its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def test_page_needs_nothing_else() -> None:
    page = Elements(as_page(QUARREL))
    assert not {tag for tag, _ in page.tags} & {"script", "link", "img", "iframe", "object"}
    for _, attributes in page.tags:
        assert not attributes.keys() & {"src", "onclick", "onload", "style"}
        assert (attributes.get("href") or "#").startswith("#")
    assert "http" not in as_page(QUARREL).replace("http-equiv", "")


def test_page_escapes_everything() -> None:
    hostile = result(
        [Actor(id="h", name=HOSTILE), Actor(id="t", name='" onmouseover="x')],
        (f"{HOSTILE} met </td></table>.", [sentiment("h", "positive")], [stance("h", "t", "favor")]),
    )
    page = Elements(as_page(hostile.model_copy(update={"id": HOSTILE, "model": "<b>m</b>"})))
    assert not {tag for tag, _ in page.tags} & {"script", "b"}
    assert not any("onmouseover" in attributes for _, attributes in page.tags)
    assert page.text.count("</td></table>") == 1


def test_page_tells_all_that_the_result_holds() -> None:
    page = Elements(as_page(QUARREL))
    text = " ".join(page.text.split())
    for sentence in QUARREL.sentences:
        assert sentence.text in text
    assert "Not mentioned: Norway" in text
    assert ("td", {"class": "negative"}) in page.tags
    assert any("unsure" in (attributes.get("class") or "").split() for _, attributes in page.tags)
    targets = {attributes.get("id") for _, attributes in page.tags}
    assert {a["href"][1:] for tag, a in page.tags if tag == "a" and a["href"]} <= targets


def test_page_of_an_empty_result() -> None:
    assert "None: no sentence" in as_page(DocumentResult(id="e", model="m"))


def test_pieces_make_up_the_sentence_where_mentions_overlap_or_run_on() -> None:
    sentence = SentenceResult(
        index=0,
        start=10,
        end=30,
        text="The minister, A. Brel",
        mentions=[
            MentionResult(actor="m", start=10, end=22, text="The minister", kind="nominal"),
            MentionResult(actor="b", start=14, end=22, text="minister", kind="nominal"),
            MentionResult(actor="b", start=24, end=99, text="A. Brel"),
        ],
    ).model_copy(update={"end": 31})
    cut = list(pieces(sentence, {"m": "Minister", "b": "Brel"}))
    assert "".join(piece.text for piece in cut) == sentence.text
    assert [(piece.text, piece.actor) for piece in cut if piece.actor] == [
        ("The minister", "Minister"),
        ("A. Brel", "Brel"),
    ]


@pytest.mark.parametrize("count", [2, 3, 7, 40])
def test_graph_has_each_relation_once_and_every_name_inside(count: int) -> None:
    actors = [Actor(id=f"a{i}", name=f"Actor {i} with quite a long name") for i in range(count)]
    stances = [stance(f"a{i}", f"a{(i + 1) % count}", "favor") for i in range(count)]
    graph = draw(result([*actors, Actor(id="x", name="Bystander")], ("Text.", [], stances)))
    assert len(graph.edges) == len({edge.path for edge in graph.edges}) == count
    assert len({node.at for node in graph.nodes}) == count
    for node in graph.nodes:
        reach = 8 * len(node.name)
        left = node.label.x - {"start": 0, "middle": reach / 2, "end": reach}[node.anchor]
        assert left >= 0
        assert left + reach <= WIDTH
        assert 0 < node.label.y < graph.height


def test_graph_holds_the_author_and_is_well_formed() -> None:
    voiced = result([Actor(id="t", name="Tamoria")], ("Shame on Tamoria.", [], [stance("author", "t", "against")]))
    assert [node.name for node in draw(voiced).nodes] == ["Tamoria", "the author"]
    drawing = re.search(r"<svg.*</svg>", as_page(voiced), re.DOTALL)
    assert drawing is not None
    titles = [title.text for title in ElementTree.fromstring(drawing.group()).iter("title")]
    assert titles == ["the author is against Tamoria (score -0.70, 72%)"]


@pytest.mark.parametrize(
    ("share", "text"), [(0.0, "0%"), (0.005, "1%"), (0.874, "87%"), (0.9999, "99%"), (1.0, "100%")]
)
def test_percent_keeps_certainty_for_the_certain(share: float, text: str) -> None:
    assert percent(share) == text
