import itertools
import json
import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from stance.artifact import ArtifactError, read_manifest, write_manifest
from stance.classifier import StanceClassifier
from stance.store import pointer_path, read_pointer, stored_model
from tests.stores import model_store
from tests.training import test_promotion
from tests.training.test_checkpoints import files_up_to
from tests.training.test_promotion import figures, row
from training import registry
from training.promotion import EvaluationFigures
from training.registry import PromotionRefused, import_model, list_models, promote, remove, rollback, show

#: A busy machine must not fail these tests.
GATES = test_promotion.GATES.model_copy(update={"min_sentences_per_second": 0.0})


@pytest.fixture(autouse=True)
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A model store and a pointer of the test's own."""
    monkeypatch.setenv("STANCE_HOME", str(tmp_path / "home"))
    with model_store(tmp_path / "bentoml"):
        yield tmp_path


def model(source: Path, folder: Path, tag: str) -> Path:
    """A copy of a model under another tag."""
    shutil.copytree(source, folder)
    changes = {"tag": tag, "metrics": {"dev": {"f1": 0.5}}, "data": {"train/a": "ab"}, "lineage": {"start": None}}
    write_manifest(folder, read_manifest(folder).model_copy(update=changes))
    return folder


def evaluated(tag: str, against: str = "stance:a") -> EvaluationFigures:
    return figures(model=tag, comparisons=[row("rw", 0.02, 0.01, against), row("dse", 0.0, -0.01, against)])


@pytest.fixture
def two(tiny_model: Path, tmp_path: Path) -> tuple[str, str]:
    """Two stored models; the first one serves."""
    tags = ("stance:a", "stance:b")
    for tag in tags:
        assert import_model(model(tiny_model, tmp_path / tag[-1], tag)) == tag
    promote("stance:a", evaluated("stance:a"), GATES)
    return tags


def test_a_model_is_stored_whole_with_its_metadata(two: tuple[str, str], tmp_path: Path) -> None:
    import bentoml

    assert read_manifest(stored_model("stance:b")).tag == "stance:b"
    assert bentoml.models.get("stance:b").info.metadata["data"] == {"train/a": "ab"}
    assert StanceClassifier.load("stance:current", threads=1).tag == "stance:a"
    assert import_model(tmp_path / "b") == "stance:b"  # again, without a change
    assert [(one.tag, one.current) for one in list_models()] == [("stance:b", False), ("stance:a", True)]
    assert show("stance:a")["switches"][0]["action"] == "promote"
    assert show("stance:a")["metrics"] == {"dev": {"f1": 0.5}}


def test_promotion_and_rollback_switch_and_keep_the_history(two: tuple[str, str]) -> None:
    promote("stance:b", evaluated("stance:b"), GATES)
    assert stored_model("stance:current") == stored_model("stance:b")
    assert rollback() == "stance:a"
    pointer = read_pointer()
    assert pointer is not None
    assert pointer.stack == ["stance:a"]
    assert [(s.action, s.replaced, s.tag) for s in pointer.history] == [
        ("promote", None, "stance:a"),
        ("promote", "stance:a", "stance:b"),
        ("rollback", "stance:b", "stance:a"),
    ]
    with pytest.raises(ArtifactError, match="nothing to go back to"):
        rollback()


def test_a_failed_gate_names_itself_and_the_old_model_stays(two: tuple[str, str]) -> None:
    for found, gate in (
        (figures(model="stance:b", comparisons=evaluated("stance:b").comparisons, gaps=[{"gap": 9.0}]), "even-handed"),
        (evaluated("stance:other"), "evaluation is of stance:other"),
        (evaluated("stance:b", against="stance:older"), "no comparison with stance:a"),
    ):
        with pytest.raises(PromotionRefused, match=gate):
            promote("stance:b", found, GATES)
    assert read_pointer().current == "stance:a"  # type: ignore[union-attr]


def test_a_model_is_not_judged_by_what_it_was_trained_on(two: tuple[str, str]) -> None:
    found = evaluated("stance:b").model_copy(update={"data": {"dse": "11", "rw": "ab"}})
    with pytest.raises(PromotionRefused, match="unseen: rw: the model was trained on this file"):
        promote("stance:b", found, GATES)
    with pytest.raises(PromotionRefused, match="unseen: the figures do not say which files they are of"):
        promote("stance:b", found.model_copy(update={"data": {}}), GATES)
    assert in_service() == "stance:a"


def test_a_damaged_or_missing_model_never_serves(two: tuple[str, str], tmp_path: Path) -> None:
    (stored_model("stance:b") / "actors.onnx").write_bytes(b"cut")
    with pytest.raises(ArtifactError, match="altered or truncated"):
        promote("stance:b", evaluated("stance:b"), GATES)
    with pytest.raises(ArtifactError, match="not in the model store"):
        promote("stance:c", evaluated("stance:c"), GATES)
    assert import_model(tmp_path / "b") == "stance:b"  # the damaged copy is replaced
    promote("stance:b", evaluated("stance:b"), GATES)
    assert read_pointer().current == "stance:b"  # type: ignore[union-attr]


@pytest.mark.parametrize("tag", ["stance:none", "other:latest", "Bad Tag:x", "a:b:c", "stance:"])
def test_an_unknown_tag_is_refused_in_our_own_words(two: tuple[str, str], tag: str) -> None:
    with pytest.raises(ArtifactError, match=f"^{tag}: not .*stance models list.*stance models import") as caught:
        stored_model(tag)
    assert "bentoml" not in str(caught.value).lower()


def test_what_an_interrupted_import_left_is_replaced(two: tuple[str, str], tmp_path: Path) -> None:
    (stored_model("stance:b") / "model.yaml").unlink()
    with pytest.raises(ArtifactError, match="not in the model store"):
        stored_model("stance:b")
    assert import_model(tmp_path / "b") == "stance:b"
    assert read_manifest(stored_model("stance:b")).tag == "stance:b"


def test_the_beginning_of_a_version_is_no_tag(two: tuple[str, str], tiny_model: Path, tmp_path: Path) -> None:
    import_model(model(tiny_model, tmp_path / "long", "stance:long-version"))
    with pytest.raises(ArtifactError, match="did you mean stance:long-version"):
        stored_model("stance:long")


def test_an_empty_store_lists_nothing() -> None:
    assert list_models() == []


def test_another_model_of_a_known_tag_is_refused(two: tuple[str, str], tmp_path: Path) -> None:
    (tmp_path / "b" / "notes.txt").write_text("another")
    write_manifest(tmp_path / "b", read_manifest(tmp_path / "b"))
    with pytest.raises(ArtifactError, match="another model of this tag"):
        import_model(tmp_path / "b")


@pytest.mark.parametrize("tag", ["stance:", "stance:../../outside", "stance:..", "stance:A", "other:a"])
def test_a_tag_that_is_no_version_is_refused_and_leads_nowhere(tiny_model: Path, store: Path, tag: str) -> None:
    kept = store / "outside" / "kept"
    kept.mkdir(parents=True)
    with pytest.raises(ArtifactError, match="is not stance:VERSION"):
        import_model(model(tiny_model, store / "strange", tag))
    assert kept.exists()


def contents(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("size", [0, 10_000])
def test_an_import_onto_a_full_disk_leaves_nothing(
    two: tuple[str, str], tiny_model: Path, store: Path, size: int
) -> None:
    folder, before = model(tiny_model, store / "c", "stance:c"), contents(store / "bentoml")
    with files_up_to(size), pytest.raises(ArtifactError, match=r"c: the import failed: .*File too large; make room"):
        import_model(folder)
    assert contents(store / "bentoml") == before
    assert import_model(folder) == "stance:c"


def test_a_note_of_the_latest_that_a_full_disk_left_empty_is_removed(
    two: tuple[str, str], tiny_model: Path, store: Path
) -> None:
    folder = model(tiny_model, store / "c", "stance:c")
    (store / "bentoml" / "models" / "stance" / "latest").write_text("")
    with files_up_to(0), pytest.raises(ArtifactError, match="the import failed"):
        import_model(folder)
    assert read_manifest(stored_model("stance:latest")).tag == "stance:b"


def test_a_switch_on_a_full_disk_leaves_the_old_model(two: tuple[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_try", lambda folder: 100.0)  # trying it unpacks nothing here, and is not asked
    with files_up_to(0), pytest.raises(ArtifactError, match="stance:b: the promotion failed: File too large; make"):
        promote("stance:b", evaluated("stance:b"), GATES)
    assert in_service() == "stance:a"
    promote("stance:b", evaluated("stance:b"), GATES)
    with files_up_to(0), pytest.raises(ArtifactError, match="the rollback failed: File too large; make room"):
        rollback()
    assert in_service() == "stance:b"
    assert {path.name for path in pointer_path().parent.iterdir()} == {"current.json", "current.lock"}


def test_what_serves_or_would_be_gone_back_to_is_not_removed(two: tuple[str, str]) -> None:
    promote("stance:b", evaluated("stance:b"), GATES)
    for tag, reason in (("stance:b", "is in service"), ("stance:a", "is what `stance models rollback` goes back to")):
        with pytest.raises(ArtifactError, match=f"{tag}: {reason}"):
            remove(tag)
    assert [one.tag for one in list_models()] == ["stance:b", "stance:a"]
    assert rollback() == "stance:a"
    remove("stance:b")
    assert [one.tag for one in list_models()] == ["stance:a"]
    assert read_manifest(stored_model("stance:latest")).tag == "stance:a"


@pytest.mark.parametrize(
    "tag", ["stance:none", "stance:latest", "stance:current", "stance:", "stance:..", "other:b", "b"]
)
def test_only_a_model_of_the_store_is_removed(two: tuple[str, str], store: Path, tag: str) -> None:
    before = contents(store)
    with pytest.raises(ArtifactError, match=f"{tag}: not in the model store"):
        remove(tag)
    assert contents(store) == before


def test_a_damaged_model_is_removed_too(two: tuple[str, str]) -> None:
    (stored_model("stance:b") / "model.yaml").unlink()
    remove("stance:b")
    assert [one.tag for one in list_models()] == ["stance:a"]


def test_a_model_that_served_long_ago_is_no_longer_gone_back_to(
    two: tuple[str, str], tiny_model: Path, tmp_path: Path
) -> None:
    import_model(model(tiny_model, tmp_path / "c", "stance:c"))
    for tag, before in (("stance:b", "stance:a"), ("stance:a", "stance:b"), ("stance:b", "stance:a")):
        promote(tag, evaluated(tag, before), GATES)
    promote("stance:c", evaluated("stance:c", "stance:b"), GATES)
    remove("stance:a")
    assert read_pointer().stack == ["stance:b", "stance:c"]  # type: ignore[union-attr]
    assert rollback() == "stance:b"
    with pytest.raises(ArtifactError, match="nothing to go back to"):
        rollback()


def test_nothing_is_reported_to_the_vendor_of_the_store() -> None:
    code = "import os, stance.store; print(os.environ['BENTOML_DO_NOT_TRACK'])"
    unset = {name: value for name, value in os.environ.items() if name != "BENTOML_DO_NOT_TRACK"}
    found = subprocess.run([sys.executable, "-c", code], env=unset, capture_output=True, text=True, check=True)
    assert found.stdout == "True\n"


@pytest.mark.parametrize("step", ["write_text", "replace", "after"])
def test_a_crash_at_any_step_leaves_the_old_or_the_new_model(two: tuple[str, str], step: str) -> None:
    process = multiprocessing.get_context("fork").Process(target=_crash_while_switching, args=(step,))
    process.start()
    process.join(60)
    assert process.exitcode == 9
    expected = "stance:b" if step == "after" else "stance:a"
    assert read_pointer().current == expected  # type: ignore[union-attr]
    assert read_manifest(stored_model("stance:current")).tag == expected
    if step != "after":
        promote("stance:b", evaluated("stance:b"), GATES)  # no lock is left behind
    assert not list(pointer_path().parent.glob(".*.part"))


def _crash_while_switching(step: str) -> None:
    real = getattr(Path, step, None)

    def crash(path: Path, *args: object, **options: object) -> object:
        if step == "write_text" and real:
            real(path, "half a poin")
        os._exit(9)

    registry._try = lambda folder: 100.0  # the model has been tried; a fork must not compile it again
    if step == "after":
        promote("stance:b", evaluated("stance:b"), GATES)
        os._exit(9)
    setattr(Path, step, crash)
    promote("stance:b", evaluated("stance:b"), GATES)


def switch(root: Path, action: str, fatal: int | None = None) -> None:
    """In a process of its own: promote stance:b, or roll back; SIGKILL before step `fatal` on the state's files."""
    os.environ["STANCE_HOME"] = str(root / "home")
    steps = itertools.count(1)

    def step(event: str, arguments: tuple[object, ...]) -> None:
        named = event in ("open", "os.mkdir", "os.rename", "os.remove")
        touches = named and str(arguments[0]).startswith(os.environ["STANCE_HOME"])
        if (touches or event == "fcntl.flock") and next(steps) == fatal:
            os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(step)
    with model_store(root / "bentoml"):
        if action == "promote":
            promote("stance:b", evaluated("stance:b"), GATES)
        else:
            rollback()


def switched(root: Path, action: str, fatal: int | None = None, seconds: float | None = None) -> int:
    """The exit code of a process that runs `switch`, killed after some seconds where these are given."""
    # A server that has imported everything, but run no model, makes each process in no time.
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__, "bentoml"])
    process = context.Process(target=switch, args=(root, action, fatal))
    process.start()
    process.join(120 if seconds is None else seconds)
    process.kill()
    process.join()
    assert process.exitcode in (0, -signal.SIGKILL)
    return process.exitcode


def in_service() -> str:
    """The tag in service, whose pointer can be read and whose model is whole."""
    pointer = read_pointer()
    assert pointer is not None
    assert read_manifest(stored_model("stance:current")).tag == pointer.current
    return pointer.current


@pytest.mark.parametrize("action", ["promote", "rollback"])
def test_a_kill_before_any_step_leaves_the_old_or_the_new_model(
    two: tuple[str, str], action: str, tmp_path: Path
) -> None:
    old, new = two
    if action == "rollback":
        promote(new, evaluated(new), GATES)
        old, new = new, old
    before, found = pointer_path().read_bytes(), []
    for step in itertools.count(1):
        pointer_path().write_bytes(before)
        if switched(tmp_path, action, fatal=step) == 0:  # it has fewer steps, and no lock was in its way
            break
        found.append(in_service())
    assert in_service() == new
    assert set(found) == {old, new}
    assert found == sorted(found, key=[old, new].index)


@pytest.mark.alone
def test_a_kill_at_any_moment_leaves_the_old_or_the_new_model(two: tuple[str, str], tmp_path: Path) -> None:
    before = pointer_path().read_bytes()
    for _ in range(2):  # the second time nothing has to be imported
        pointer_path().write_bytes(before)
        begun = time.monotonic()
        assert switched(tmp_path, "promote") == 0
    took, exits = time.monotonic() - begun, []
    for moment in range(10):
        pointer_path().write_bytes(before)
        exits.append(switched(tmp_path, "promote", seconds=took * moment / 10))
        assert in_service() in (two if exits[-1] else two[1:])
    assert -signal.SIGKILL in exits
    pointer_path().write_bytes(before)
    promote("stance:b", evaluated("stance:b"), GATES)
    assert in_service() == "stance:b"


def test_a_pointer_that_is_no_pointer_is_named(store: Path) -> None:
    with pytest.raises(ArtifactError, match="no model was promoted yet"):
        stored_model("stance:current")
    pointer_path().parent.mkdir(parents=True)
    pointer_path().write_text(json.dumps({"stack": []}))
    with pytest.raises(ArtifactError, match=r"current\.json: cannot be read"):
        read_pointer()
