"""How the page talks to the service: corrections that the service takes, and errors that people can read."""

from __future__ import annotations

import json
import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest

import serving
from serving.config import Limits
from serving.feedback.correction import matched, read_feedback
from stance import Actor, Document, DocumentResult, StanceClassifier

PAGE = Path(serving.__file__).parent / "page"
DOM = """
class Node {
  constructor(name) { Object.assign(this, { name, attributes: {}, children: [], textContent: "" }); }
  setAttribute(key, value) { this.attributes[key] = String(value); }
  append(...children) { this.children.push(...children); }
  addEventListener(kind, act) { this[kind] = act; }
  focus() { globalThis.focused = this; }
  all(name) { return [...(this.name === name ? [this] : []), ...this.children.flatMap((c) => c.all?.(name) ?? [])]; }
}
const document = { createElement: (n) => new Node(n), getElementById: (id) => ({ value: id === "key" ? "k1" : "" }) };
globalThis.document = document;
const sent = [];
let reply = { status: 201, headers: {}, body: "{}" };
globalThis.fetch = async (path, options) => {
  sent.push({ path, method: options.method, key: options.headers.get("Authorization"), body: options.body });
  return new Response(reply.body, { status: reply.status, headers: reply.headers });
};
const [folder, given] = process.argv.slice(1);
const values = JSON.parse(given);
const { ask } = await import(`${folder}/service.js`);
const { corrections, feedbackOffered } = await import(`${folder}/feedback.js`);
const { sentenceTable } = await import(`${folder}/tables.js`);
"""


def run_page(script: str, **values: Any) -> Any:
    """What `script` logs, with `values` at hand, after the modules are loaded into a document of stubs."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("Node.js is not installed")
    command = [node, "--input-type=module", "-e", DOM + script, PAGE.as_uri(), json.dumps(values)]
    return json.loads(subprocess.run(command, capture_output=True, check=True, text=True).stdout)


CORRECT = """
const { result, asked, answer } = values;
if (answer) reply = answer;
const beside = corrections(asked, result, (id) => id.toUpperCase(), () => "ada");
const table = sentenceTable(result.sentences, result.actors, (id) => id.toUpperCase(), beside);
const seen = [];
for (const control of table.all("details")) {
  const [button] = control.all("button");
  await button.click();
  const status = control.all("span")[0];
  seen.push({ label: button.attributes["aria-label"], hidden: control.hidden === true, error: status.textContent });
}
console.log(JSON.stringify({ sent, seen, focused: globalThis.focused?.textContent ?? null }));
"""
ASKED = Document(
    id="page",
    text="😀 Orsan condemned Talvia. Brel praised the treaty.",
    actors=[Actor(id="orsan", name="Orsan"), Actor(id="talvia", name="Talvia")],
)


@pytest.fixture(scope="module")
def result(tiny_classifier: StanceClassifier) -> DocumentResult:
    (found,) = tiny_classifier.classify([ASKED], include_neutral=True, author=True, on_error="raise")
    return found


def correct(result: DocumentResult, **answer: Any) -> Any:
    asked = ASKED.model_dump(mode="json", exclude_none=True)
    return run_page(CORRECT, result=result.model_dump(mode="json"), asked=asked, **answer)


def test_a_correction_is_one_that_the_service_takes(result: DocumentResult) -> None:
    done = correct(result)
    answers = [
        one for s in result.sentences for one in (*s.sentiment, *s.stances) if getattr(one, "holder", "") != "author"
    ]
    assert len(done["sent"]) == len(answers) > 3
    kinds = set()
    for request in done["sent"]:
        assert (request["path"], request["method"], request["key"]) == ("v1/feedback", "POST", "Bearer k1")
        envelope, document = read_feedback(request["body"].encode(), Limits())
        assert (document, envelope.model, envelope.sender) == (ASKED, result.model, "ada")
        [(correction, answer)] = matched(envelope.corrections, result)
        assert correction.label != answer.label
        kinds.add(type(answer).__name__)
    assert kinds == {"SentimentResult", "StanceResult"}
    assert all(one["hidden"] and not one["error"] for one in done["seen"])
    assert done["focused"].startswith("Kept as ")
    assert done["seen"][0]["label"].startswith("ORSAN, sentence 0: it is ")


def test_a_correction_that_is_refused_says_why_and_can_be_sent_again(result: DocumentResult) -> None:
    body = json.dumps({"error": {"code": "model_replaced", "message": "classify the text again"}})
    done = correct(result, answer={"status": 409, "headers": {}, "body": body})
    assert all(one["error"] == "classify the text again" and not one["hidden"] for one in done["seen"])
    assert done["focused"] is None


@pytest.mark.parametrize(
    ("reply", "offered"),
    [
        ({"status": 200, "body": '{"paths": {"/v1/feedback": {}}}'}, True),
        ({"status": 200, "body": '{"paths": {"/v1/classify": {}}}'}, False),
        ({"status": 503, "body": "no"}, False),
    ],
)
def test_corrections_are_offered_where_the_service_takes_them(reply: dict[str, Any], offered: bool) -> None:
    script = "reply = { headers: {}, ...values.reply }; console.log(JSON.stringify(await feedbackOffered()));"
    assert run_page(script, reply=reply) is offered


def refused(status: int, message: str | None, wait: str | None) -> str:
    """What the page says of an answer."""
    body = "<html>" if message is None else json.dumps({"error": {"code": "c", "message": message}})
    reply = {"status": status, "headers": {} if wait is None else {"Retry-After": wait}, "body": body}
    script = "reply = values.reply; await ask('x').catch((e) => console.log(JSON.stringify(e.message)));"
    return str(run_page(script, reply=reply))


@pytest.mark.parametrize(
    ("status", "message", "wait", "said"),
    [
        (503, "too many requests at once; try again in 3 s", "3", "too many requests at once; try again in 3 s"),
        (
            503,
            "the model is still being loaded; try again shortly",
            "1",
            "the model is still being loaded; try again in 1 s",
        ),
        (429, None, "30", "The service is busy; try again in 30 s"),
        (429, None, "600", "The service is busy; try again in 10 min"),
        (503, None, None, "The service is busy"),
        (503, None, "soon", "The service is busy"),
        (502, None, "5", "The service answered with status 502."),
        (422, "text: is missing; add it", "5", "text: is missing; add it"),
    ],
)
def test_an_error_says_what_to_do_and_how_long_to_wait(
    status: int, message: str | None, wait: str | None, said: str
) -> None:
    assert refused(status, message, wait) == said


def test_a_date_to_wait_for_is_told_as_a_time() -> None:
    later = format_datetime(datetime.now(UTC) + timedelta(minutes=30), usegmt=True)
    assert refused(503, None, later) in {f"The service is busy; try again in {minutes} min" for minutes in (29, 30)}
