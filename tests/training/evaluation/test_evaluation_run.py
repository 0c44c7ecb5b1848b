import hashlib
import json
import re
from pathlib import Path

import pytest

from stance.artifact import ArtifactError
from stance.classifier import StanceClassifier
from tests.training.evaluation.builders import SENTENCES, labelled
from training.data.errors import DataError
from training.evaluation.run import ReportError, evaluate, sample
from training.evaluation.suite import GOALS, SuiteData, figures, read_suite, run_suite
from training.promotion import check_gates, load_figures, load_gates

SHIPPED_GATES = Path(__file__).resolve().parents[3] / "configs" / "promotion.yaml"

STANCES = [(SENTENCES[0], "norland", "sudmark", "against"), (SENTENCES[2], "norland", "eastia", "against")]
SENTIMENT = [(SENTENCES[0], "sudmark", "negative")]
DOCUMENT = labelled(stances=STANCES, sentiment=SENTIMENT)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "ours.jsonl").write_text(DOCUMENT.model_dump_json() + "\n")
    (tmp_path / "data" / "notes.txt").write_text("no data")
    return tmp_path / "data"


def test_a_real_model_is_evaluated_with_report_and_rival(tiny_model: Path, folder: Path, tmp_path: Path) -> None:
    (tmp_path / "history.json").write_text(json.dumps([{"step": 1, "loss": 1.0}]))

    metrics = evaluate(tiny_model, folder, tmp_path / "report", tiny_model, tmp_path / "history.json", threads=1)

    assert set(metrics["tasks"]) == {
        "ours.sentiment",
        "ours.stance",
        "ours.stance.earlier_holder",
        "ours.stance.unnamed_holder",
    }
    assert metrics["holders"]["ours.stance.earlier_holder"]["items"] == 1
    assert metrics["raw"]["ours"]["names"]["gold"] == 4
    assert [(c["name"], c["difference"]) for c in metrics["comparisons"]] == [(name, 0) for name in metrics["tasks"]]
    assert metrics["data"] == {"ours": hashlib.sha256((folder / "ours.jsonl").read_bytes()).hexdigest()}
    assert json.loads((tmp_path / "report" / "metrics.json").read_text()) == json.loads(json.dumps(metrics))
    assert (tmp_path / "report" / "figures" / "learning.png").exists()


def test_one_file_will_do(tiny_model: Path, folder: Path) -> None:
    assert "ours.stance" in evaluate(tiny_model, folder / "ours.jsonl", threads=1)["tasks"]


@pytest.mark.parametrize("name", ["empty.jsonl", "missing.jsonl", "."])
def test_data_without_documents_is_refused(tiny_model: Path, tmp_path: Path, name: str) -> None:
    (tmp_path / "empty.jsonl").write_text("")

    with pytest.raises(DataError, match=re.escape(str(tmp_path / name))):
        evaluate(tiny_model, tmp_path / name)


@pytest.mark.parametrize("other", ["ours.jsonl.gz", "ours.jsonl.old.jsonl"])
def test_two_files_of_one_set_are_refused(folder: Path, other: str) -> None:
    (folder / other).write_bytes(b"")
    with pytest.raises(DataError, match=rf"ours\.jsonl and {re.escape(other)} are both the set 'ours'"):
        evaluate(folder, folder)


def test_a_folder_that_is_no_model_is_refused(folder: Path) -> None:
    with pytest.raises(ArtifactError, match="no model here"):
        evaluate(folder, folder)


@pytest.fixture
def unasked(monkeypatch: pytest.MonkeyPatch) -> None:
    """No model is loaded, for what is refused must be so before anything is measured."""

    def load(*_: object) -> None:
        pytest.fail("a model was loaded")

    monkeypatch.setattr(StanceClassifier, "load", load)


@pytest.mark.usefixtures("unasked")
@pytest.mark.parametrize(
    ("content", "told"),
    [
        (None, "cannot be read .No such file or directory"),
        (b"{}", "a list of objects"),
        (b"[1]", "a list of objects"),
        (b'[{"loss": 1.0}]', "a list of objects"),
        (b'[{"step": 1, "loss": "low"}]', "a list of objects"),
        (b"[", "not JSON"),
        (b"\xff", "not JSON"),
        (b"[" * 500_000, "not JSON"),
    ],
)
def test_a_history_that_cannot_be_drawn_is_refused_at_once(
    folder: Path, tmp_path: Path, content: bytes | None, told: str
) -> None:
    if content is not None:
        (tmp_path / "history.json").write_bytes(content)
    with pytest.raises(DataError, match=rf"history\.json: .*{told}.*--history") as error:
        evaluate(folder, folder, history=tmp_path / "history.json")
    assert "\n" not in str(error.value)


@pytest.mark.usefixtures("unasked")
@pytest.mark.parametrize("name", ["file", "file/report", "x" * 300])
def test_a_report_that_cannot_be_written_is_refused_at_once(folder: Path, tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ReportError, match=r"--report: .* cannot be written \(.*\); name another folder"):
        evaluate(folder, folder, tmp_path / name)


def test_a_report_that_fails_in_the_end_is_told(tiny_model: Path, folder: Path, tmp_path: Path) -> None:
    (tmp_path / "report.html").mkdir()
    with pytest.raises(ReportError, match=r"--report: .* cannot be written \(Is a directory\)"):
        evaluate(tiny_model, folder, tmp_path, threads=1)


def test_an_evaluation_is_what_the_gates_that_ship_ask_for(tiny_model: Path, folder: Path, tmp_path: Path) -> None:
    evaluate(tiny_model, folder, tmp_path, against=tiny_model, swaps=2, threads=1)
    found, gates = load_figures(tmp_path / "metrics.json"), load_gates(SHIPPED_GATES)
    assert found.data.keys() == {"ours"}
    results = {r.gate: r for r in check_gates(found, gates, found.model, speed=100.0)}
    assert results["not worse"].passed
    assert not any("evaluate" in r.detail for r in results.values()), "a figure is missing"


def test_the_suite_fills_every_figure(tiny_classifier: StanceClassifier) -> None:
    untyped = labelled("n1", sentiment=SENTIMENT)
    dse = [labelled(f"dse-{i}", SENTENCES[0], [("p", "Norland"), ("q", "Sudmark")], stances=_both()) for i in (1, 2)]
    data = SuiteData({"rw": [untyped], "mt": [untyped]}, dse, dse[:1], [DOCUMENT], [DOCUMENT], [DOCUMENT])

    results = run_suite(tiny_classifier, data)
    rows = figures(results)

    assert [r["figure"] for r in rows if r["ours"] is None] == []
    assert {e.name: len(e.items) for e in results.evaluations if e.name.startswith("dse")} == {
        "dse_published": 2,
        "dse_clean": 1,
        "dse_clean.stance": 2,
    }
    assert len(rows) == len(GOALS)


def _both() -> list[tuple[str, str, str, str]]:
    return [(SENTENCES[0], "p", "q", "against"), (SENTENCES[0], "q", "p", "neutral")]


def test_figures_of_nothing_are_empty() -> None:
    from training.evaluation.results import Results

    assert {row["ours"] for row in figures(Results(model="m"))} == {None}


def test_a_missing_set_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=re.escape("test.txt")):
        read_suite(tmp_path, tmp_path, "test")


def test_samples_are_the_same_each_time() -> None:
    documents = [labelled(f"d{i}") for i in range(9)]

    assert sample(documents, None) == documents
    assert sample(documents, 3) == sample(documents, 3)
    assert len(sample(documents, 3)) == 3
