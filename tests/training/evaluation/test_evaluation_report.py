import json
import re
from pathlib import Path

import pytest

from stance.schema import STANCES
from tests.training.evaluation.builders import SENTENCES, labelled, result
from tests.training.test_checkpoints import files_up_to
from training.evaluation.compare import Comparison
from training.evaluation.metrics import Item, evaluation
from training.evaluation.neutrality import NameGap, Shift, SwapResult
from training.evaluation.rawtext import compare_raw
from training.evaluation.report import markdown, write_report
from training.evaluation.results import Results
from training.evaluation.sections import report_sections
from training.evaluation.slices import SLICES, worst_errors
from training.evaluation.tasks import HolderAccuracy

HISTORY = [
    {"step": 20, "loss": 1.2, "epoch": 0.1},
    {"step": 40, "loss": "0.9", "epoch": 0.2},
    {"step": 40, "eval_rw_sentiment_f1": 0.7, "eval_selection": 0.7},
]


def item(text: str = "A said B lied.", label: str = "favor", confidence: float = 0.9, **fields: object) -> Item:
    rest = (1 - confidence) / 2
    scores = tuple(confidence if name == label else rest for name in STANCES)
    given = {"document": "d", "sentence": (0, 5), "holder": "a", "target": "b", "gold": "against", **fields}
    return Item(
        text=text, holder_name="A", target_name="B", label=label, probabilities=scores, abstained=False, **given
    )


def everything() -> Results:
    document = labelled(stances=[(SENTENCES[0], "norland", "sudmark", "against")])
    items = [
        item("<b>A|B</b>\nlied."),
        item("A did not praise B.", "against", document="e", earlier=True, unnamed=True),
    ]
    shift = Shift(2, 0.5, 0.01, 0.02)
    return Results(
        model="stance:one",
        temperatures={"stance": 1.5},
        thresholds={"stance": 0.6},
        evaluations=[evaluation("news.stance", "stance", STANCES, items), evaluation("none", "stance", STANCES, [])],
        holders={"news": HolderAccuracy(2, 1)},
        raw=[compare_raw([document], [result(document)], "ours")],
        swaps={"news": SwapResult("mentions", {"stance": shift}, {"stance": {"state": shift}})},
        gaps=[NameGap("actors", "stance", "state", 2, {"Peru": 0.5, "Iran": 0.75}, 25.0, {"Iran – Peru": 25.0})],
        comparisons=[Comparison("news.stance", "stance:one", "stance:two", 2, 0.1, -0.1, 0.3, 0.8)],
        history=HISTORY,
    )


def test_the_report_is_whole_and_stands_alone(tmp_path: Path) -> None:
    page = write_report(tmp_path / "new" / "report", everything()).read_text()
    text = (tmp_path / "new" / "report" / "report.md").read_text()

    assert re.findall(r'href="#(\w+)"', page) == re.findall(r'<section id="(\w+)"', page) != []
    assert "<script" not in page
    assert 'src="http' not in page
    assert page.count("data:image/png;base64,") == 4  # learning curve and three of the task
    assert "&lt;b&gt;A|B&lt;/b&gt;" in page
    assert "| A → B | against | favor | 90.0 | &lt;b>A\\|B&lt;/b> lied. |" in text
    for heading in ("Overview", "Training", "news.stance", "From text alone", "Names", "Comparison"):
        assert f"<h2>{heading}</h2>" in page
        assert f"## {heading}" in text
    assert "## none" not in text


def test_figures_are_png_files_that_the_markdown_names(tmp_path: Path) -> None:
    write_report(tmp_path, everything())
    figures = sorted(p.name for p in (tmp_path / "figures").iterdir())

    assert figures == [
        "learning.png",
        "news-stance-confusion.png",
        "news-stance-reliability.png",
        "news-stance-risk.png",
    ]
    for name in figures:
        assert (tmp_path / "figures" / name).read_bytes().startswith(b"\x89PNG")
        assert f"figures/{name}" in (tmp_path / "report.md").read_text()


def test_json_has_every_figure_and_every_item(tmp_path: Path) -> None:
    write_report(tmp_path, everything())
    metrics = json.loads((tmp_path / "metrics.json").read_text())
    rows = [json.loads(line) for line in (tmp_path / "predictions.jsonl").read_text().splitlines()]

    assert metrics["tasks"]["news.stance"]["accuracy"] == 0.5
    assert metrics["tasks"]["none"] == {"items": 0}
    assert metrics["holders"]["news"]["share"] == 0.5
    assert metrics["raw"]["ours"]["relations"]["counts"]["gold"] == 1
    assert [(r["task"], r["document"], r["label"]) for r in rows] == [
        ("news.stance", "d", "favor"),
        ("news.stance", "e", "against"),
    ]


@pytest.mark.parametrize("broken", ["figures/learning.png", "report.html", "metrics.json"])
def test_a_report_onto_a_full_disk_leaves_the_old_one(tmp_path: Path, broken: str) -> None:
    results = everything()
    if broken == "metrics.json":  # else other files are larger, and the disk fills before
        results = Results(model="stance:one", data={str(i): "0" * 64 for i in range(200)})
    write_report(tmp_path, results)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*.*")}
    results.model = "stance:two"
    with files_up_to((tmp_path / broken).stat().st_size - 1), pytest.raises(OSError, match="File too large"):
        write_report(tmp_path, results)
    after = {path: path.read_bytes() for path in tmp_path.rglob("*.*")}
    assert after.keys() == before.keys()
    assert after[tmp_path / broken] == before[tmp_path / broken]
    assert after[tmp_path / "metrics.json"] == before[tmp_path / "metrics.json"]


def test_nothing_measured_gives_an_overview_alone() -> None:
    sections = list(report_sections(Results(model="m")))

    assert [s.title for s in sections] == ["Overview"]
    assert markdown("m", sections).startswith("# Evaluation of m\n\n## Overview")


@pytest.mark.parametrize(
    ("name", "fields", "expected"),
    [
        ("Reported speech", {"text": "A accused B of lies."}, "reported speech"),
        ("Reported speech", {"text": "A hit B."}, "no reported speech"),
        ("Negation", {"text": "A didn’t hit B."}, "negation"),
        ("Negation", {"text": "A knotted B."}, "no negation"),
        ("Actors in the sentence", {"actors": 1}, "1 actor"),
        ("Actors in the sentence", {"actors": 7}, "4 or more actors"),
        ("Sentence length", {"text": "word " * 15}, "1–15 words"),
        ("Sentence length", {"text": "word " * 16}, "16–30 words"),
        ("Sentence length", {"text": "word " * 99}, "over 50 words"),
        ("Type of the target", {}, None),
        ("Place of the holder", {"holder": None}, None),
        ("Place of the holder", {"unnamed": True}, "holder by pronoun or phrase"),
        ("Place of the holder", {"unnamed": True, "earlier": True}, "holder in an earlier sentence"),
    ],
)
def test_slices(name: str, fields: dict[str, object], expected: str | None) -> None:
    assert SLICES[name](item(**fields)) == expected


def test_worst_errors_are_the_surest_and_one_a_sentence() -> None:
    items = [
        item(confidence=0.6, document="mild"),
        item(confidence=0.9, document="bad", target="b"),
        item(confidence=0.95, document="bad", target="c"),
        item(label="against", confidence=1.0, document="right"),
        item(confidence=0.99, document="silent", answered=False),
    ]

    assert [(i.document, i.target) for i in worst_errors(items, 5)] == [("bad", "c"), ("mild", "b")]
    assert len(worst_errors(items, 1)) == 1
