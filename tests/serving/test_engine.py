"""The engine: a bounded line, and calls that stop once nobody waits for them."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest

from serving.engine import CHUNK_CHARACTERS, CHUNK_DOCUMENTS, Abandoned, Engine, classify_items
from serving.errors import ApiError
from serving.guard import UNKNOWN, RouteLabels
from stance.classifier import StanceClassifier
from stance.schema import Document, DocumentResult

TEXT = "Russia condemned Ukraine."


async def free(engine: Engine) -> None:
    """Wait until the engine takes calls again; how soon its threads are done is for the machine to say."""
    async with asyncio.timeout(10):
        while True:
            try:
                return engine.check()
            except ApiError:
                await asyncio.sleep(0.01)


def test_a_full_line_is_refused_with_a_time_to_wait() -> None:
    async def scenario() -> None:
        engine, release = Engine(running=1, waiting=1), threading.Event()
        calls = [asyncio.create_task(engine.run(lambda stop: release.wait(10))) for _ in range(2)]
        await asyncio.sleep(0.05)
        with pytest.raises(ApiError) as caught:
            await engine.run(lambda stop: None)
        assert caught.value.status == 503
        assert int(caught.value.headers["Retry-After"]) >= 1
        release.set()
        assert await asyncio.gather(*calls) == [True, True]
        await free(engine)
        assert await engine.run(lambda stop: "free again") == "free again"
        engine.close()

    asyncio.run(scenario())


def test_a_call_that_nobody_awaits_is_told_to_stop_and_keeps_its_place_until_it_does() -> None:
    async def scenario() -> None:
        engine, told, release = Engine(running=1, waiting=0), threading.Event(), threading.Event()

        def call(stop: threading.Event) -> None:
            if stop.wait(10):
                told.set()
            release.wait(10)

        task = asyncio.create_task(engine.run(call))
        await asyncio.sleep(0.05)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert await asyncio.to_thread(told.wait, 5)
        with pytest.raises(ApiError):
            engine.check()
        release.set()
        await free(engine)
        engine.close()

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("texts", "sizes"),
    [
        ([TEXT] * (CHUNK_DOCUMENTS + 1), [CHUNK_DOCUMENTS, 1]),
        ([TEXT, "a " * (CHUNK_CHARACTERS // 2), TEXT], [1, 1, 1]),
        ([], []),
    ],
)
def test_documents_are_classified_in_chunks(
    tiny_classifier: StanceClassifier, texts: list[str], sizes: list[int]
) -> None:
    seen: list[int] = []

    class Counting(StanceClassifier):
        def classify(self, documents: Any, *options: Any) -> list[DocumentResult]:
            seen.append(len(documents))
            return [DocumentResult(id=document.id, model="none") for document in documents]

    classifier = Counting(tiny_classifier.folder, tiny_classifier.manifest, tiny_classifier.runtime)
    documents = [Document(id=str(i), text=text) for i, text in enumerate(texts)]
    results = classify_items(classifier, documents, False, False, threading.Event())
    assert seen == sizes
    assert [result.id for result in results] == [document.id for document in documents]


def test_a_stopped_call_gives_up(tiny_classifier: StanceClassifier) -> None:
    stop = threading.Event()
    stop.set()
    with pytest.raises(Abandoned):
        classify_items(tiny_classifier, [Document(id="a", text=TEXT)], False, False, stop)


@pytest.mark.parametrize(
    ("path", "label"),
    [("/v1/jobs/17", "/v1/jobs/{id}"), ("/v1/model", "/v1/model"), ("/v1/jobs/17/x", UNKNOWN), ("/../etc", UNKNOWN)],
)
def test_paths_are_labelled_by_their_route(path: str, label: str) -> None:
    async def app(*_: Any) -> None:
        return None

    assert RouteLabels(app, ["/v1/jobs/{id}", "/v1/model"]).label(path) == label
