// The page: sends the text to POST /v1/classify and shows what comes back.

import { parseActors } from "./actors.js";
import { element } from "./dom.js";
import { drawGraph } from "./graph.js";
import { relationTable, sentenceTable } from "./tables.js";

const EXAMPLE =
  "The African Union condemned the coup in Kastria on Monday and demanded that the army free the president. " +
  "Northern Kastria's army rejected the demand. Senegal praised the union for its firmness, " +
  "and the United States suspended its aid to Kastria.";

const find = (id) => document.getElementById(id);

find("form").addEventListener("submit", (event) => {
  event.preventDefault();
  classify();
});
find("example").addEventListener("click", () => {
  find("text").value = EXAMPLE;
  classify();
});
showModel();

async function classify() {
  report("Reading …", "");
  find("submit").disabled = true;
  try {
    const started = performance.now();
    const answer = await ask("v1/classify", { method: "POST", body: JSON.stringify(request()) });
    const [result] = answer.results;
    if (result.error) throw new Error(result.error.message);
    show(result);
    const seconds = ((performance.now() - started) / 1000).toFixed(2);
    report(`${result.sentences.length} sentences, ${result.actors.length} actors, ${seconds} s.`, "");
  } catch (error) {
    report("", error.message);
  } finally {
    find("submit").disabled = false;
  }
}

function request() {
  const actors = parseActors(find("actors").value);
  return {
    documents: [{ id: "page", text: find("text").value }],
    ...(actors && { actors }),
    include_neutral: find("neutral").checked,
    author: find("author").checked,
  };
}

/** The JSON of a route. Throws an Error with the service's own message. */
async function ask(path, options = {}) {
  const headers = { "Content-Type": "application/json" };
  const key = find("key").value;
  if (key) headers.Authorization = `Bearer ${key}`;
  let response;
  try {
    response = await fetch(path, { ...options, headers });
  } catch {
    throw new Error("The service does not answer.");
  }
  const body = await response.json();
  if (!response.ok) throw new Error(body.error.message);
  return body;
}

function show(result) {
  const known = new Map(result.actors.map((actor) => [actor.id, actor.name]));
  const names = (id) => known.get(id) ?? (id === "author" ? "the text" : id);
  const relations = result.relations;
  const none = element("p", { class: "quiet" }, "No relations: nobody in this text takes a stance toward another actor.");
  find("graph").replaceChildren(...(relations.length ? [drawGraph(relations, names)] : []));
  find("graph").hidden = !relations.length;
  find("relations").replaceChildren(relations.length ? relationTable(relations, names) : none);
  find("sentences").replaceChildren(sentenceTable(result.sentences, columns(result), names));
  find("result").hidden = false;
  find("result").focus({ preventScroll: true });
}

/** The actors that the text mentions, and the text's own voice where it holds something. */
function columns(result) {
  const voice = result.sentences.some((sentence) => sentence.stances.some((stance) => stance.holder === "author"));
  const mentioned = result.actors.filter((actor) => actor.mentions > 0);
  return voice ? [...mentioned, { id: "author", name: "the text" }] : mentioned;
}

function report(status, error) {
  find("status").textContent = status;
  find("error").textContent = error;
}

async function showModel() {
  try {
    find("model").textContent = (await ask("v1/model")).tag;
  } catch {
    find("model").textContent = ""; // it may need the key that nobody has typed yet
  }
}
