"""Sentences here are written as `form/upos/head/relation[/Entity]`, one word after another."""

from pathlib import Path

import pytest

from stance.labelled import LabelledDocument
from training.data.errors import DataError
from training.data.readers import SourceSpec, read_gum, read_source
from training.data.readers.conllu import ENTITY_FIELDS


def entity(group: int, kind: str, link: str = "coref") -> str:
    return f"({group}-{kind}-new-n____-cf1-1-{link}"


def conllu(*sentences: str) -> str:
    lines = [f"# global.Entity = {ENTITY_FIELDS}"]
    for sentence in sentences:
        if sentence.startswith("¶"):
            lines.append("# newpar")
        for number, word in enumerate(sentence.removeprefix("¶").split(), 1):
            form, upos, head, relation, *marks = word.split("/")
            features = "PronType=Prs" if upos == "PRON" and form != "who" else "_"
            misc = [f"Entity={mark}" for mark in marks] + ["SpaceAfter=No"] * form.endswith("+")
            columns = [str(number), form.rstrip("+"), "_", upos, "_", features, head, relation, "_", "|".join(misc)]
            lines.append("\t".join(columns))
        lines.append("")
    return "\n".join(lines) + "\n"


def read(folder: Path, content: str) -> LabelledDocument:
    (folder / "splits.md").write_text("## dev\n\n  * GUM_news_other\n\n## train\n\n  * GUM_news_a\n  * GUM_vlog_b\n")
    (folder / "GUM_news_a.conllu").write_text(content, encoding="utf-8")
    (document,) = read_gum(folder, "train")
    return document


def mentions(document: LabelledDocument) -> list[tuple[str, str, str]]:
    return [(m.actor, document.text[m.start : m.end], m.kind) for m in document.mentions]


P, O, L = entity(1, "person"), entity(2, "organization"), entity(3, "place")  # noqa: E741
P4, P5 = entity(4, "person"), entity(5, "person")
EVENT, PRED = entity(6, "event"), entity(1, "person", "pred")


def test_text_is_rebuilt_and_coreference_makes_the_actors(tmp_path: Path) -> None:
    document = read(
        tmp_path,
        conllu(
            f"¶President/PROPN/4/nsubj/{P} Ada/PROPN/1/flat Brel+/PROPN/1/flat/1) 's/PART/1/case aide/NOUN/0/ROOT",
            f"She/PRON/2/nsubj/{P}) left/VERB/0/ROOT the/DET/4/det/{O} League+/PROPN/2/obj/2) ./PUNCT/2/punct",
            f"¶The/DET/2/det/{P} minister/NOUN/3/nsubj/1) slept/VERB/0/ROOT",
        ),
    )
    assert document.text == "President Ada Brel's aide She left the League.\n\nThe minister slept"
    assert mentions(document) == [
        ("e1", "Ada Brel", "name"),
        ("e1", "She", "pronoun"),
        ("e2", "League", "name"),
        ("e1", "The minister", "nominal"),
    ]
    assert [(a.id, a.name, a.type) for a in document.actors] == [
        ("e1", "Ada Brel", "person"),
        ("e2", "League", "organization"),
    ]
    assert document.sentences is not None
    assert [document.text[a:b] for a, b in document.sentences][2] == "The minister slept"
    assert document.mentions_complete
    assert document.license == "CC-BY-2.5"


@pytest.mark.parametrize(
    ("sentence", "expected"),
    [
        # A name inside a name is none, inside a noun phrase it is one.
        (f"the/DET/2/det/{O} Bank/PROPN/0/ROOT of/ADP/4/case Talvia/PROPN/2/nmod/{L})2)", ["Bank of Talvia"]),
        (f"the/DET/3/det/{O} Talvia/PROPN/3/compound/{L}) Bank/PROPN/0/ROOT/2)", ["Talvia Bank"]),
        (f"Talvia+/PROPN/3/nmod/{O}{L} 's/PART/1/case/3) League/PROPN/0/ROOT/2)", ["Talvia", "League"]),
        (f"King+/PROPN/3/nmod/{O} 's/PART/1/case College/PROPN/0/ROOT/2)", ["King's College"]),
        # What is coordinated is marked by itself.
        (
            f"Brel/PROPN/0/ROOT/{P}{P4}) and/CCONJ/3/cc Orr/PROPN/1/conj/{P5})1)",
            ["Brel", "Orr"],
        ),
        # A title alone is no name, and a single noun phrase no actor.
        (f"the/DET/2/det/{P} President/PROPN/0/ROOT/1)", []),
        (
            f"Secretary/PROPN/0/ROOT/{P} of/ADP/3/case State/PROPN/1/nmod Ada/PROPN/1/flat Brel/PROPN/1/flat/1)",
            ["Ada Brel"],
        ),
        (f"20/NUM/2/nummod/{P} Talvians/PROPN/0/ROOT/1)", ["Talvians"]),
        # A noun may introduce a name, and a body that a person belongs to is one of its own.
        (f"founder/NOUN/0/ROOT/{P} Ada/PROPN/1/flat Brel/PROPN/2/flat/1)", ["Ada Brel"]),
        (f"coauthor/NOUN/0/ROOT/{P} Ada/PROPN/3/compound Brel/PROPN/1/appos/1)", ["Ada Brel"]),
        (f"envoy/NOUN/0/ROOT/{P} Ada/PROPN/1/appos Brel/PROPN/2/flat/1)", ["Ada Brel"]),
        (f"founder/NOUN/0/ROOT/{P} Brel/PROPN/1/nmod/{P4})1)", ["Brel"]),
        (f"Brel/PROPN/0/ROOT/{P} of/ADP/3/case Talvia/PROPN/1/nmod/{L})1)", ["Brel", "Talvia"]),
        # Rivers and halls are no states, and only what is named is one.
        (f"the/DET/3/det/{L} Orsan/PROPN/3/compound River/PROPN/0/ROOT/3)", []),
        (f"the/DET/2/det/{L} city/NOUN/0/ROOT/3) its/PRON/0/ROOT/{L})", []),
        # A description, a relative pronoun and other things are no mentions.
        (
            f"Brel/PROPN/0/ROOT/{P}) a/DET/3/det/{PRED} doctor/NOUN/1/nsubj/1) who/PRON/1/x/{P})",
            ["Brel"],
        ),
        (f"the/DET/3/det/{EVENT} Talvia/PROPN/3/compound/{L}) Cup/PROPN/0/ROOT/6)", []),
    ],
)
def test_spans_are_cut_down_to_what_the_codebook_marks(tmp_path: Path, sentence: str, expected: list[str]) -> None:
    assert [surface for _, surface, _ in mentions(read(tmp_path, conllu(sentence)))] == expected


def test_noun_phrases_end_before_clauses_and_long_ones_are_dropped(tmp_path: Path) -> None:
    long = " ".join(["old/ADJ/11/amod"] * 9)
    document = read(
        tmp_path,
        conllu(
            f"the/DET/2/det/{P} envoy/NOUN/0/ROOT who/PRON/4/nsubj left/VERB/2/acl:relcl/1)",
            f"the/DET/2/det/{P} envoy+/NOUN/0/ROOT ,/PUNCT/4/punct Brel/PROPN/2/appos/1)",
            f"the/DET/11/det/{P} {long} envoy/NOUN/0/ROOT/1)",
        ),
    )
    assert [surface for _, surface, _ in mentions(document)] == ["the envoy", "the envoy"]


def test_multiword_tokens_give_each_word_its_own_offsets(tmp_path: Path) -> None:
    content = conllu(f"Brel/PROPN/2/nmod/{P}) 's/PART/1/case aide/NOUN/0/ROOT")
    content = content.replace("1\tBrel", "1-2\tBrel's" + "\t_" * 8 + "\n1\tBrel")
    document = read(tmp_path, content)
    assert (document.text, mentions(document)) == ("Brel's aide", [("e1", "Brel", "name")])


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (conllu(f"Brel/PROPN/0/ROOT/{P}"), "1 is never closed"),
        (conllu("Brel/PROPN/0/ROOT/1)"), "closes nothing"),
        (conllu("Brel/PROPN/0/ROOT").replace("GRP-etype", "etype-GRP"), "global.Entity: must be GRP-etype"),
        ("\n", "holds no sentence"),
        (conllu("Brel/PROPN/_/root"), "HEAD: must be"),
        ("1\tBrel\n\n", "2 columns instead of 10"),
    ],
)
def test_broken_files_are_named_by_line(tmp_path: Path, content: str, says: str) -> None:
    with pytest.raises(DataError, match=says):
        read(tmp_path, content)


def test_missing_files_and_unknown_splits_are_refused(tmp_path: Path) -> None:
    read(tmp_path, conllu("Brel/PROPN/0/ROOT"))
    with pytest.raises(DataError, match="does not exist"):
        list(read_gum(tmp_path, "dev"))
    with pytest.raises(DataError, match="lists no document"):
        list(read_gum(tmp_path, "test"))
    with pytest.raises(ValueError, match="genres must be among"):
        list(read_gum(tmp_path, "train", genres=("vlog",)))
    assert len(read_source(SourceSpec(format="gum", path=tmp_path, split="train"))) == 1


def test_adjectives_of_states_are_mentions_of_the_state(tmp_path: Path) -> None:
    open_, close = entity(6, "event"), "6)"
    document = read(
        tmp_path,
        conllu(
            f"Norway/PROPN/2/nsubj/{L}) slept/VERB/0/ROOT",
            "A/DET/3/det Norwegian/ADJ/3/amod ship/NOUN/0/ROOT near/ADP/6/case Finnish/ADJ/6/amod ice/NOUN/3/nmod",
            "A/DET/3/det pro-Norwegian/ADJ/3/amod camp/NOUN/0/ROOT",
            f"Norwegian/ADJ/2/amod/{open_} Open/PROPN/3/nsubj/{close} began/VERB/0/ROOT",
        ),
    )
    assert mentions(document) == [
        ("e3", "Norway", "name"),
        ("e3", "Norwegian", "name"),
        ("estate:finland", "Finnish", "name"),
        ("e3", "Norwegian", "name"),
    ]
    assert [(a.id, a.name, a.type) for a in document.actors] == [
        ("e3", "Norwegian", "state"),
        ("estate:finland", "Finnish", "state"),
    ]
