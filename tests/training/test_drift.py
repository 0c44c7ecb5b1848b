"""Drift between what a model answered: each signal's cause, and the records that it is read from."""

import random
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from stance.classifier import StanceClassifier
from stance.schema import Document, DocumentResult, Mention
from stance.traffic import Observed, observe
from training.config import ConfigError
from training.data.errors import DataError
from training.drift import (
    NotComparable,
    Side,
    drift,
    load_limits,
    read_reference,
    read_window,
    write_reference,
    write_report,
)
from training.drift.signals import EMBEDDED

NOW = datetime(2026, 1, 1, tzinfo=UTC)
LIMITS = load_limits(Path(__file__).resolve().parents[2] / "configs" / "drift.yaml").model_copy(
    update={"min_sentences": 1}
)


def result(
    number: int,
    label: str = "neutral",
    confidence: float = 0.9,
    actor: str = "orsan",
    words: str = "met and signed",
    stance: str | None = None,
) -> DocumentResult:
    rng = random.Random(number)
    text = f"Orsan {words} {rng.choice(['on Monday', 'with both', 'a deal'])}."
    said: dict[str, Any] = {"label": label, "confidence": confidence + rng.random() / 20}
    row = {
        "index": 0,
        "start": 0,
        "end": len(text),
        "text": text,
        "sentiment": [{**said, "abstained": confidence < 0.6, "actor": actor, "scores": {}}],
        "stances": [],
    }
    if stance is not None:
        asked = {"holder": actor, "target": actor, "holder_sentence": 0, "abstained": False, "scores": {}}
        row["stances"] = [{**asked, "label": stance, "confidence": said["confidence"]}]
    actors = [{"id": actor, "name": actor, "type": "state", "mentions": 1}]
    return DocumentResult.model_validate({"id": str(number), "model": "m", "actors": actors, "sentences": [row]})


def side(*rows: Any, **changes: Any) -> Side:
    """Documents with these numbers; half of them say neutral, half negative."""
    found = [result(i, **{"label": ("neutral", "negative")[i % 2], **changes}) for i in rows]
    return Side(observe(one, NOW, texts=True) for one in found)


REFERENCE = side(*range(60))


def moved(window: Side, classifier: StanceClassifier | None = None) -> set[str]:
    return {signal.name for signal in drift(REFERENCE, window, LIMITS, classifier) if signal.drifted}


def test_more_of_the_same_is_steady(tiny_classifier: StanceClassifier) -> None:
    assert moved(side(*range(100, 160)), tiny_classifier) == set()


@pytest.mark.parametrize(
    ("change", "signals"),
    [
        ({"label": "positive"}, {"sentiment labels"}),
        ({"confidence": 0.7}, {"confidence"}),
        ({"confidence": 0.5}, {"confidence", "abstention"}),
        ({"actor": "brel"}, {"unseen actors"}),
        ({"words": "met and signed and met and signed and met"}, {"sentence length"}),
        ({"stance": "against"}, {"stance labels"}),
        ({"stance": "neutral"}, set()),
    ],
)
def test_each_signal_has_its_own_cause(change: dict[str, Any], signals: set[str]) -> None:
    assert moved(side(*range(100, 160), **change)) == signals


def test_other_words_are_seen_by_the_encoder(tiny_classifier: StanceClassifier) -> None:
    assert moved(side(*range(100, 160), words="attack sued it"), tiny_classifier) == {"embedding"}


def test_what_cannot_be_compared_is_refused() -> None:
    other = Side([observe(result(1).model_copy(update={"model": "other"}), NOW, texts=False)])
    with pytest.raises(NotComparable, match="answers of 2 models"):
        drift(REFERENCE, other, LIMITS)
    with pytest.raises(NotComparable, match="window has 0 sentences"):
        drift(REFERENCE, Side(), LIMITS)
    with pytest.raises(NotComparable, match="reference has 60 sentences, and chance"):
        drift(REFERENCE, REFERENCE, LIMITS.model_copy(update={"min_sentences": 61}))


def test_a_sample_of_the_texts_is_kept_of_all_alike() -> None:
    sample = side(*range(5 * EMBEDDED)).texts
    assert len(sample) == EMBEDDED
    assert len(side(*range(5 * EMBEDDED)).lengths) == 5 * EMBEDDED
    numbered = Side(
        observe(result(0), NOW, texts=True).model_copy(update={"texts": [str(i)]}) for i in range(5 * EMBEDDED)
    )
    late = sum(int(text) >= 4 * EMBEDDED for text in numbered.texts)
    assert 0.1 < late / EMBEDDED < 0.3


def test_the_report_escapes_and_names_what_moved(tmp_path: Path) -> None:
    signals = drift(REFERENCE, side(*range(9), actor="<script>"), LIMITS)
    write_report(tmp_path / "drift.html", "m", signals, (60, 9))
    page = (tmp_path / "drift.html").read_text()
    assert "<script>" not in page
    assert "&lt;script&gt;" in page
    assert page.count('class="drifted"') == sum(signal.drifted for signal in signals)


def test_bad_limits_are_named(tmp_path: Path) -> None:
    path = tmp_path / "drift.yaml"
    path.write_text("confidence: 2")
    with pytest.raises(ConfigError, match=r"confidence.*label_shares|label_shares.*confidence"):
        load_limits(path)


def record(folder: Path, name: str, *observed: Observed | str) -> None:
    lines = [one if isinstance(one, str) else one.model_dump_json(exclude_none=True) for one in observed]
    (folder / name).write_text("".join(line + "\n" for line in lines))


def test_a_window_is_what_one_model_answered_since_a_time(tmp_path: Path) -> None:
    early, late = (observe(result(i), NOW + timedelta(hours=i), texts=False) for i in (0, 5))
    other = late.model_copy(update={"model": "other"})
    record(tmp_path, "traffic-2.jsonl", early, other, '{"at": 1}')
    record(tmp_path, "traffic.jsonl", late, late.model_copy(update={"at": "noon"}))
    window = read_window(tmp_path, "m", NOW + timedelta(hours=1))
    assert (window.side.documents, window.others) == (1, {"other": 1})
    places = {(Path(problem.file).name, problem.line) for problem in window.problems}
    assert places == {("traffic-2.jsonl", 3), ("traffic.jsonl", 2)}
    assert read_window(tmp_path, "m").side.documents == 3  # no time is asked for
    with pytest.raises(DataError, match=r"traffic\.record"):
        read_window(tmp_path / "none", "m")


def test_nothing_of_a_text_is_kept_unless_asked_for() -> None:
    one = result(1)
    kept = observe(one, NOW, texts=False)
    assert one.sentences[0].text not in kept.model_dump_json()
    assert kept.lengths == [len(one.sentences[0].text)]
    assert observe(one, NOW, texts=True).texts == [one.sentences[0].text]


def test_a_reference_is_written_and_read(tmp_path: Path, tiny_classifier: StanceClassifier) -> None:
    path = tmp_path / "reference.jsonl"
    names = [f"Aa{chr(97 + i // 26)}{chr(97 + i % 26)}" for i in range(100)]
    mentions = [Mention(actor=name, start=5 * i, end=5 * i + 4) for i, name in enumerate(names)]
    crowd = Document(id="crowd", text=" ".join(names), mentions=mentions)
    asked = [Document(id=str(i), text="Canada condemned the raid. Norway thanked Canada.") for i in range(70)]
    kept, failures = write_reference(tiny_classifier, [*asked, crowd], path, texts=False)
    assert kept == 70
    assert [line.partition(":")[0] for line in failures] == ["crowd"]
    found = read_reference(path)
    assert (found.documents, len(found.lengths), found.texts, found.models) == (70, 140, [], {tiny_classifier.tag})
    path.write_text(path.read_text() + "{}\n")
    with pytest.raises(DataError, match=r"reference\.jsonl:71"):
        read_reference(path)
