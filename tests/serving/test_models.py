"""A promotion and a rollback under load: no request is dropped, every answer names the model that gave it."""

from __future__ import annotations

import shutil
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from serving.models import CurrentModel
from stance.artifact import ArtifactError, read_manifest, write_manifest
from stance.classifier import StanceClassifier
from stance.store import Pointer, pointer_path
from tests.serving.conftest import Service, run_service
from tests.stores import model_store
from tests.training.test_registry import GATES, evaluated
from training.registry import promote, rollback

TAGS = ("stance:a", "stance:b")
TEXT = "Russia condemned Ukraine. France praised the treaty."


def point_to(*tags: str) -> None:
    """What promotions of these models, one after the other, leave on the disk."""
    pointer_path().parent.mkdir(parents=True, exist_ok=True)
    temporary = pointer_path().with_suffix(".part")
    temporary.write_text(Pointer(stack=list(tags), history=[]).model_dump_json())
    temporary.replace(pointer_path())


def keep(source: Path, tag: str) -> Path:
    """Put a copy of a model into the store under a tag of its own; returns its folder there."""
    import bentoml

    with bentoml.models.create(tag) as model:
        shutil.copytree(source, model.path, dirs_exist_ok=True)
        write_manifest(Path(model.path), read_manifest(Path(model.path)).model_copy(update={"tag": tag}))
    return Path(bentoml.models.get(tag).path)


@pytest.fixture(scope="module")
def homes(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """A model store with two models of different tags, and a pointer to the first."""
    root = tmp_path_factory.mktemp("store")
    with model_store(root / "bentoml"), pytest.MonkeyPatch.context() as patch:
        for tag in TAGS:
            keep(tiny_model, tag)
        patch.setenv("STANCE_HOME", str(root / "home"))
        point_to(TAGS[0])
        yield {"STANCE_HOME": str(root / "home"), "BENTOML_HOME": str(root / "bentoml")}


@pytest.fixture
def damaged(homes: dict[str, str], tiny_model: Path) -> Iterator[str]:
    """The tag of a model in the store, one of whose graphs was cut short afterwards."""
    import bentoml

    tag = "stance:damaged"
    (keep(tiny_model, tag) / "actors.onnx").write_bytes(b"cut")
    yield tag
    bentoml.models.delete(tag)


@pytest.fixture(scope="module")
def following(homes: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service that follows the pointer."""

    def command(config: Path, port: int) -> list[str]:
        start = "import sys, pathlib; from serving.run import serve; serve(pathlib.Path(sys.argv[1]))"
        return [sys.executable, "-c", start, str(config)]

    folder = tmp_path_factory.mktemp("following")
    yield from run_service(folder, Path("stance:current"), command, homes, threads=1, waiting=64)


class Load:
    """Some clients that ask without a pause, each answer noted as (seconds, status, model, tags of the results)."""

    def __init__(self, service: Service, clients: int = 4) -> None:
        self.address = str(service.client.base_url)
        self.answers: list[tuple[float, int, str, set[str]]] = []
        self.faults: list[Exception] = []
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._ask) for _ in range(clients)]

    def _ask(self) -> None:
        body = {"documents": [{"id": str(i), "text": TEXT} for i in range(3)]}
        with httpx.Client(base_url=self.address, timeout=60) as client:
            while not self._stop.is_set():
                try:
                    response = client.post("/v1/classify", json=body)
                    found = response.json()
                    tags = {result["model"] for result in found["results"]}
                    self.answers.append((time.monotonic(), response.status_code, found["model"], tags))
                except (httpx.TransportError, KeyError, ValueError) as error:
                    self.faults.append(error)

    def __enter__(self) -> Load:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def wait_for(self, tag: str) -> None:
        """Until the latest answer comes from `tag`, and some more have followed it."""
        deadline = time.monotonic() + 300
        while time.monotonic() < deadline:
            if self.answers and self.answers[-1][2] == tag:
                time.sleep(0.5)
                return
            time.sleep(0.05)
        raise AssertionError(f"{tag} never answered; the last was {self.answers[-1:]}, faults {self.faults[:3]}")


def assert_whole(load: Load) -> None:
    """Nothing was dropped, both models have answered and no other, and no answer mixes two."""
    assert load.faults == []
    assert {status for _, status, _, _ in load.answers} == {200}
    assert all(tags == {model} for _, _, model, tags in load.answers)
    assert {model for _, _, model, _ in load.answers} == set(TAGS)


def wait_for_line(log: Path, line: str) -> None:
    """Until a service has logged it."""
    deadline = time.monotonic() + 300
    while line not in log.read_text(encoding="utf-8"):
        assert time.monotonic() < deadline, log.read_text(encoding="utf-8")
        time.sleep(0.05)


def test_a_switch_and_its_reverse_drop_no_request(following: Service) -> None:
    with Load(following) as load:
        for tag in (TAGS[0], TAGS[1], TAGS[0]):
            point_to(tag)
            load.wait_for(tag)
    assert_whole(load)
    assert following.client.get("/v1/model").json()["tag"] == TAGS[0]


def test_many_clients_see_promotion_a_damaged_model_and_rollback_and_lose_nothing(
    following: Service, damaged: str
) -> None:
    old, new = TAGS
    point_to(old)
    with Load(following, clients=20) as load:
        load.wait_for(old)
        promote(new, evaluated(new, against=old), GATES)
        load.wait_for(new)
        with pytest.raises(ArtifactError, match="altered or truncated"):
            promote(damaged, evaluated(damaged, against=new), GATES)
        point_to(old, new, damaged)  # what the disk holds where a model was damaged after its promotion
        wait_for_line(following.log, f"the model now in service cannot be loaded; {new} goes on answering")
        load.wait_for(new)
        assert [rollback(), rollback()] == [new, old]
        load.wait_for(old)
    assert_whole(load)
    assert following.client.get("/v1/model").json()["tag"] == old


def test_a_model_that_cannot_be_loaded_leaves_the_old_one(homes: dict[str, str]) -> None:
    taken: list[StanceClassifier] = []
    watch = CurrentModel(TAGS[0], taken.append, threads=1)
    point_to("stance:missing")
    assert not watch.look()
    pointer_path().write_text("{broken")
    assert not watch.look()
    point_to(TAGS[1])
    assert watch.look()
    assert not watch.look()
    assert [one.tag for one in taken] == [TAGS[1]]
    point_to(TAGS[0])


def test_a_model_is_tried_again_once_its_folder_is_mended(homes: dict[str, str]) -> None:
    import bentoml

    taken: list[StanceClassifier] = []
    watch = CurrentModel(TAGS[0], taken.append, threads=1, retry=3600)
    manifest = Path(bentoml.models.get(TAGS[1]).path) / "manifest.json"
    whole = manifest.read_bytes()
    try:
        manifest.write_bytes(b"{")
        point_to(TAGS[1])
        assert not watch.look()
        failed = watch._failed
        assert not watch.look()
        assert watch._failed is failed  # nothing changed, so it was not tried
    finally:
        manifest.write_bytes(whole)
    assert not watch.look()  # it may still be copied into
    assert watch.look()
    assert [one.tag for one in taken] == [TAGS[1]]
    point_to(TAGS[0])


def test_a_model_that_failed_is_tried_again_after_a_wait(
    homes: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    taken: list[StanceClassifier] = []
    watch = CurrentModel(TAGS[1], taken.append, threads=1, retry=0)
    point_to(TAGS[0])
    with monkeypatch.context() as patch:
        patch.setattr("serving.models.warm_up", lambda _: 1 / 0)  # as where memory was short for a moment
        assert not watch.look()
    assert watch.look()
    assert [one.tag for one in taken] == [TAGS[0]]


def test_the_watch_ends_when_told_to(homes: dict[str, str]) -> None:
    handed_over = threading.Event()
    watch = CurrentModel("stance:older", lambda _: handed_over.set(), threads=1, interval=0.01)
    watch.start()
    assert handed_over.wait(300)
    watch.close()
    assert not any(thread.name == "current-model" for thread in threading.enumerate())
