"""The page in a real browser: a reader's ways through it, before the real service on the tiny model."""

from __future__ import annotations

import re
import threading

import pytest
from sqlalchemy import select
from starlette.responses import HTMLResponse, JSONResponse, Response

from serving.database import open_database
from serving.feedback.store import corrections_table
from tests.integrations.browser import Page
from tests.integrations.conftest import LONGEST_TEXT, Busy, Open
from tests.serving.conftest import KEY, LONG_TEXT, Service
from training.data.readers.feedback import read_feedback

pytestmark = pytest.mark.integration

TEXT = "😀 Russia condemned Ukraine. Ukraine rejected what Russia said. France praised the treaty."
MARKUP = """<img src=x onerror="document.title='owned'"> <script>document.title='owned'</script> & <b>bold</b>"""


def test_a_text_becomes_tables_and_a_graph(page: Page, open_service: Open) -> None:
    page.open(open_service.address)
    assert page.text("#model") == "stance:tiny-mpnet-0"
    assert not page.shown("#result")
    page.classify(TEXT)
    asked = {"documents": [{"id": "page", "text": TEXT}]}
    [result] = open_service.running.client.post("/v1/classify", json=asked).json()["results"]
    names = {actor["id"]: actor["name"] for actor in result["actors"]}
    assert re.fullmatch(r"3 sentences, 3 actors, \d+\.\d\d s\.", page.text("#status"))
    shown = {(holder, target, sentences) for holder, _, target, _, sentences in page.rows("#relations")}
    relations = {(r["holder"], r["target"], ", ".join(map(str, r["sentences"]))) for r in result["relations"]}
    assert shown == {(names[holder], names[target], sentences) for holder, target, sentences in relations}
    rows = page.rows("#sentences")
    assert [(row[0], row[1]) for row in rows] == [(str(s["index"]), s["text"]) for s in result["sentences"]]
    answers = [answer for s in result["sentences"] for answer in (*s["sentiment"], *s["stances"])]
    assert len(page.driver.find_elements("css selector", "#sentences .cell .chip")) == len(answers) > 3
    assert len(page.driver.find_elements("css selector", "#graph path.edge")) == len(relations) > 0
    marks = [mark.text for mark in page.driver.find_elements("css selector", "#sentences mark")]
    assert {"Russia", "Ukraine"} <= set(marks) <= {m["text"] for s in result["sentences"] for m in s["mentions"]}
    assert page.driver.switch_to.active_element.get_attribute("id") == "result"


def test_options_are_sent(page: Page, open_service: Open) -> None:
    page.open(open_service.address)
    page.press("#neutral")
    page.press("#author")
    page.classify(TEXT, "Russia = Moscow\nUkraine\nBrazil")
    heads = [head.text for head in page.driver.find_elements("css selector", "#sentences thead th")]
    assert heads == ["#", "Sentence", "Russia", "Ukraine", "the text"]
    assert page.text("#absent") == "Not mentioned: Brazil."


@pytest.mark.parametrize(
    ("text", "actors", "said"),
    [
        ("x" * (LONGEST_TEXT + 1), "", f"the limit of {LONGEST_TEXT}"),
        (" ", "", "text: "),
        (TEXT, "actors:\n# nobody yet", "Actors: there are none"),
        (TEXT, '[{"id": "ru", "name": "Russia", "colour": "red"}]', "actors[0].colour: is not a known field"),
        (TEXT, "actors:\n- id ru", "Actors, line 2: not understood"),
    ],
    ids=["too long", "blank", "no actors", "unknown field", "no YAML"],
)
def test_a_refusal_is_told_and_takes_the_old_result_away(
    page: Page, open_service: Open, text: str, actors: str, said: str
) -> None:
    page.open(open_service.address)
    page.classify(TEXT)
    assert page.shown("#result")
    page.classify(text, actors)
    assert said in page.text("#error")
    assert list(page.says()) == ["error"]
    assert not page.shown("#result")
    page.classify(TEXT)
    assert page.shown("#result")
    assert list(page.says()) == ["status"]


def test_a_service_that_has_gone_is_told(page: Page, open_service: Open) -> None:
    page.open(open_service.address)
    page.driver.set_network_conditions(offline=True, latency=0, throughput=0)
    try:
        page.classify(TEXT)
        assert page.text("#error") == "The service does not answer."
    finally:
        page.driver.delete_network_conditions()


def test_a_correction_is_kept(page: Page, open_service: Open) -> None:
    page.open(open_service.address)
    page.paste("#sender", "ada")
    page.classify(TEXT)
    page.press("#sentences .correct summary")
    button = page.find("#sentences .correct button")
    label, about = button.text, button.get_attribute("aria-label") or ""
    page.press("#sentences .correct button")
    assert page.text("#sentences [role=status]", "Kept") == f"Kept as {label}, thank you."
    assert page.driver.switch_to.active_element.text == f"Kept as {label}, thank you."
    assert not page.find("#sentences .correct").is_displayed()
    (document,) = read_feedback(open_service.corrections)
    assert document.text == TEXT
    assert [*(one.label for one in document.sentiment), *(one.label for one in document.stances)] == [label]
    engine = open_database(open_service.corrections)
    with engine.connect() as connection:
        [row] = connection.execute(select(corrections_table)).mappings()
    engine.dispose()
    assert row["sender"] == "ada"
    names = {actor["id"]: actor["name"] for actor in row["actors"]}
    assert about.startswith(names[row["holder"] or row["target"]])
    assert row["predicted"] != row["label"] == label


def test_a_key_opens_a_closed_service(page: Page, keyed_service: Service) -> None:
    page.open(str(keyed_service.client.base_url))
    page.classify(TEXT)
    assert page.text("#error") == "no valid key; send the header Authorization: Bearer KEY"
    assert not page.shown("#result, #jobs, #model")
    page.enter("#key", "wrong")
    page.classify(TEXT)
    assert page.text("#error").startswith("no valid key")
    page.enter("#key", KEY)
    assert page.text("#jobs-title") == "A whole file"
    assert page.text("#model") == "stance:tiny-mpnet-0"
    page.classify(TEXT)
    assert page.shown("#relations table")
    assert list(page.says()) == ["status"]


def words(message: str) -> Response:
    """An error as the service words it."""
    return JSONResponse({"error": {"code": "c", "message": message}})


@pytest.mark.parametrize(
    ("status", "body", "wait", "said"),
    [
        (429, HTMLResponse("<h1>429</h1>"), "30", "The service is busy; try again in 30 s"),
        (429, words("too many requests from here"), "45", "too many requests from here; try again in 45 s"),
        (503, HTMLResponse("<h1>503</h1>"), "600", "The service is busy; try again in 10 min"),
        (503, words("not ready; try again shortly"), "1", "not ready; try again in 1 s"),
        (502, HTMLResponse("<h1>502</h1>"), None, "The service answered with status 502."),
    ],
)
def test_a_busy_service_says_how_long_to_wait(
    page: Page, busy_service: Busy, status: int, body: Response, wait: str | None, said: str
) -> None:
    body.status_code = status
    if wait is not None:
        body.headers["Retry-After"] = wait
    busy_service.answer = body
    busy_service.free.set()
    page.open(busy_service.address)
    page.classify(TEXT)
    assert page.text("#error") == said
    assert not page.shown("#result, #jobs")


def test_a_text_is_sent_when_the_one_before_is_answered(page: Page, busy_service: Busy) -> None:
    page.open(busy_service.address)
    page.paste("#text", TEXT)
    page.press("#submit")
    assert page.text("#status") == "Reading …"
    assert not any(page.find(button).is_enabled() for button in ("#submit", "#example"))
    busy_service.free.set()
    assert page.text("#error") == "The service is busy"
    assert all(page.find(button).is_enabled() for button in ("#submit", "#example"))


def test_a_full_line_says_how_long_to_wait(page: Page, keyed_service: Service) -> None:
    page.open(str(keyed_service.client.base_url))
    page.enter("#key", KEY)
    body = {"documents": [{"id": str(i), "text": LONG_TEXT} for i in range(4)]}
    done = threading.Event()

    def take_the_place() -> None:
        while not done.is_set():
            keyed_service.client.post("/v1/classify", json=body, headers={"Authorization": f"Bearer {KEY}"})

    def refused() -> bool:
        page.classify(TEXT)
        return "error" in page.says()

    holder = threading.Thread(target=take_the_place)
    holder.start()
    try:
        page.wait(refused, "a refusal")
    finally:
        done.set()
        holder.join()
    assert re.fullmatch(r"too many requests at once; try again in \d+ s", page.text("#error"))
    page.wait(lambda: not refused(), "an answer")
    assert page.shown("#relations table")


def test_markup_is_text(page: Page, open_service: Open) -> None:
    page.open(open_service.address)
    title = page.driver.title
    page.classify(f"Russia condemned Ukraine {MARKUP}.", f"<i>Rus</i>{MARKUP.replace(',', '')} = Russia\nUkraine")
    assert page.rows("#sentences")[0][1] == f"Russia condemned Ukraine {MARKUP}."
    heads = page.driver.find_elements("css selector", "#sentences thead th")
    assert heads[2].text.startswith("<i>Rus</i><img")
    assert page.driver.find_elements("css selector", "main :is(img, script, b, i)") == []
    assert page.driver.title == title


def test_nothing_is_said_on_the_console(page: Page, open_service: Open) -> None:
    page.open(open_service.address)
    page.press("#example")
    page.text("#status", "sentences")
    page.wait(lambda: page.shown("#jobs"), "the form for files")
    assert page.logged() == []
