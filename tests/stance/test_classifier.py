"""The classifier on a tiny real model: whatever comes in, what goes out keeps the contract."""

from __future__ import annotations

import concurrent.futures
import sys
from pathlib import Path
from typing import Any

import pytest

from stance import Actor, Document, Mention, StanceClassifier
from stance.classifier import BATCH_TOKENS, batch_sizes, padded_length
from stance.runtime import release_weights
from stance.schema import AUTHOR
from tests.stance.results import check

TEXT = (
    "The Orsanian Foreign Ministry condemned Velmark on Monday. Its minister, Ada Brel, said that Velmark had attacked "
    "two villages.\n\nThe statement added that the Northern Front, which Velmark arms, must leave. She thanked Norway."
)
ACTORS = [
    Actor(id="velmark", name="Velmark", type="state"),
    Actor(id="brel", name="Ada Brel", type="person"),
    Actor(id="absent", name="Nowhere Party"),
]


@pytest.mark.parametrize("actors", [None, ACTORS])
def test_results_keep_the_contract(tiny_classifier: StanceClassifier, actors: list[Actor] | None) -> None:
    (result,) = tiny_classifier.classify([Document(id="d", text=TEXT, actors=actors)], include_neutral=True)
    check(result, TEXT)
    assert len(result.sentences) == 4
    assert result.model == tiny_classifier.tag


@pytest.mark.parametrize(
    ("name", "kind"),
    [("Ministry of Harbours", "government"), ("Third Rifle Brigade", "armed_group"), ("Norway", "state")],
)
def test_what_a_name_tells_of_its_type_is_believed(tiny_classifier: StanceClassifier, name: str, kind: str) -> None:
    (result,) = tiny_classifier.classify([Document(id="d", text=f"The {name} moved to Velmark.")])
    assert {a.name: a.type for a in result.actors}[name] == kind


def test_given_actors_are_the_only_ones(tiny_classifier: StanceClassifier) -> None:
    (result,) = tiny_classifier.classify([Document(id="d", text=TEXT, actors=ACTORS)])
    assert [a.id for a in result.actors] == ["velmark", "brel", "absent"]
    assert result.actors[2].mentions == 0


def test_given_mentions_are_used_exactly(tiny_classifier: StanceClassifier) -> None:
    at = TEXT.index("Velmark")
    mentions = [Mention(actor="v", start=at, end=at + 7), Mention(actor="m", start=4, end=29)]
    (result,) = tiny_classifier.classify([Document(id="d", text=TEXT, mentions=mentions)], include_neutral=True)
    found = [(m.actor, m.start) for s in result.sentences for m in s.mentions]
    assert sorted(found) == [("m", 4), ("v", at)]
    assert {(s.holder, s.target) for s in result.sentences[0].stances} == {("v", "m"), ("m", "v")}
    assert [s.stances for s in result.sentences[1:]] == [[], [], []]


def test_neutral_stances_are_left_out_unless_asked_for(tiny_classifier: StanceClassifier) -> None:
    document = Document(id="d", text=TEXT, actors=ACTORS)
    (short,), (full,) = (tiny_classifier.classify([document], include_neutral=x) for x in (False, True))
    labels = [s.label for sentence in full.sentences for s in sentence.stances]
    assert [s.label for sentence in short.sentences for s in sentence.stances] == [x for x in labels if x != "neutral"]
    assert short.relations == full.relations


def test_the_author_is_a_holder_only_on_request(tiny_classifier: StanceClassifier) -> None:
    document = Document(id="d", text=TEXT, actors=ACTORS)
    for author in (False, True):
        (result,) = tiny_classifier.classify([document], include_neutral=True, author=author)
        holders = {s.holder for sentence in result.sentences for s in sentence.stances}
        assert (AUTHOR in holders) is author


def test_a_document_gets_the_same_answer_in_any_company(tiny_classifier: StanceClassifier) -> None:
    texts = [TEXT, "Velmark thanked Norway.", TEXT * 4, "They met.", "Norway sued Velmark and Orsania. " * 9]
    documents = [Document(id=str(i), text=t) for i, t in enumerate(texts)]
    together = tiny_classifier.classify(documents, include_neutral=True)
    alone = [tiny_classifier.classify([d], include_neutral=True)[0] for d in documents]
    assert together == alone


def test_threads_do_not_disturb_each_other(tiny_classifier: StanceClassifier) -> None:
    documents = [Document(id=str(i), text=TEXT + f" Country {i} agreed.") for i in range(12)]
    expected = tiny_classifier.classify(documents)
    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        found = list(pool.map(lambda d: tiny_classifier.classify([d])[0], documents))
    assert found == expected


@pytest.mark.parametrize(
    "swap", [("Velmark", "Italy"), ("Ada Brel", "Bo Li"), ("Velmark", "Republic of Northern Tessaria")]
)
def test_labels_do_not_depend_on_names(tiny_classifier: StanceClassifier, swap: tuple[str, str]) -> None:
    old, new = swap
    results = []
    for name in (old, new):
        text = TEXT.replace(old, name)
        mentions, at = [], text.find(name)
        while at >= 0:
            mentions.append(Mention(actor="x", start=at, end=at + len(name)))
            at = text.find(name, at + 1)
        other = text.index("Northern Front")
        mentions.append(Mention(actor="y", start=other, end=other + len("Northern Front")))
        (result,) = tiny_classifier.classify([Document(id="d", text=text, mentions=mentions)], include_neutral=True)
        results.append([[s.scores for s in (*x.sentiment, *x.stances)] for x in result.sentences])
    assert results[0] == results[1]


@pytest.mark.parametrize(
    "text",
    [
        "a",
        "😀 🇹🇷 Orsania!",
        "\u200b\u200eOrsania\x07 attacked\u202e Velmark.",
        "هاجمت أورسانيا فيلمارك. וילמרק השיבה.",
        "Orsania " + "attacked and " * 1600 + "Velmark.",
        "Orsania. " * 300,
        "\n\n\t.\n",
        "ORSANIA CONDEMNS VELMARK\n\nORSANIA",
        "</s><mask>[CLS] Orsania \ue003 attacked Velmark.",
    ],
)
def test_odd_texts_are_answered(tiny_classifier: StanceClassifier, text: str) -> None:
    (result,) = tiny_classifier.classify([Document(id="d", text=text)], include_neutral=True)
    check(result, text)


def test_a_sentence_longer_than_a_window_is_read_to_its_end(tiny_classifier: StanceClassifier) -> None:
    text = "Orsania " + "met them and " * 400 + "Velmark left."
    actors = [Actor(id="o", name="Orsania", type="state"), Actor(id="v", name="Velmark", type="state")]
    (result,) = tiny_classifier.classify([Document(id="d", text=text, actors=actors)], include_neutral=True)
    (sentence,) = result.sentences
    assert {s.actor for s in sentence.sentiment} == {"o", "v"}


@pytest.mark.parametrize(
    ("documents", "message"),
    [
        ("a text", "documents: must be a list of Document, not str"),
        (Document(id="d", text="x"), r"documents: must be a list of Document, not Document; write \[document\]"),
        ([Document(id="d", text="x"), {"id": "e", "text": "x"}], r"documents\[1\]: must be a Document, not dict"),
        ([None], r"documents\[0\]: must be a Document, not NoneType"),
    ],
)
def test_what_is_no_document_is_named(tiny_classifier: StanceClassifier, documents: Any, message: str) -> None:
    with pytest.raises(TypeError, match=message):
        tiny_classifier.classify(documents)


def test_nothing_in_nothing_out(tiny_classifier: StanceClassifier) -> None:
    assert tiny_classifier.classify([]) == []
    (result,) = tiny_classifier.classify([Document(id="d", text="They met.", mentions=[])])
    assert (result.actors, result.relations) == ([], [])


def test_a_folder_or_a_path_as_text_loads_alike(tiny_model: Path) -> None:
    assert StanceClassifier.load(str(tiny_model), threads=1).tag == StanceClassifier.load(tiny_model, threads=1).tag


def test_the_encoder_meets_few_sizes() -> None:
    lengths = {padded_length(tokens) for tokens in range(1, 257)}
    sizes = {length: list(batch_sizes(100, length)) for length in lengths}
    assert all(sum(chosen) == 100 and chosen == sorted(chosen, reverse=True) for chosen in sizes.values())
    rows = {length * size for length, chosen in sizes.items() for size in {*chosen, 1}}
    assert max(rows) == BATCH_TOKENS
    assert (
        len({length * size for length in lengths for count in range(1, 40) for size in batch_sizes(count, length)})
        <= 20
    )
    assert list(batch_sizes(7, 128)) == [4, 2, 1]
    assert list(batch_sizes(0, 128)) == []
    assert list(batch_sizes(2, 4096)) == [1, 1], "a window beyond the batch is still read"


def test_weights_that_were_given_back_are_still_there(tiny_classifier: StanceClassifier, tmp_path: Path) -> None:
    documents = [Document(id="d", text=TEXT)]
    before = tiny_classifier.classify(documents)
    given_back = release_weights()
    assert given_back > 0 or sys.platform != "linux"
    assert tiny_classifier.classify(documents) == before
    (other,) = tiny_classifier.classify([Document(id="d", text=TEXT * 5)])
    check(other, TEXT * 5)
    assert release_weights(tmp_path / "none") == 0
