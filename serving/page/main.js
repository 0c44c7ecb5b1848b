// The page: sends the text to POST /v1/classify and shows what comes back.

import { parseActors } from "./actors.js";
import { element } from "./dom.js";
import { corrections, feedbackOffered } from "./feedback.js";
import { drawGraph } from "./graph.js";
import { offerJobs } from "./jobs.js";
import { ask, post } from "./service.js";
import { relationTable, sentenceTable } from "./tables.js";

const EXAMPLE =
  "Kastria accused Velmark of arming the rebels of the Northern Front. Velmark's president, Ada Merrin, rejected the " +
  "accusation and called the government of Kastria a band of thieves. She thanked Senegal for its support. " +
  "The United States condemned the Northern Front and imposed sanctions on Velmark.";

const find = (id) => document.getElementById(id);

find("form").addEventListener("submit", (event) => {
  event.preventDefault();
  classify();
});
find("example").addEventListener("click", () => {
  find("text").value = EXAMPLE;
  classify();
});
find("key").addEventListener("change", showModel);
showModel();
offerJobs();
const feedback = feedbackOffered();
feedback.then((offered) => (find("sending").hidden = !offered));

async function classify() {
  report("Reading …", "");
  const pressed = document.activeElement; // a button that is switched off loses the focus
  hold(true);
  find("result").hidden = true; // an old result must not stand under a new text, or under an error
  try {
    const started = performance.now();
    const asked = request();
    const answer = await post("v1/classify", asked);
    const [result] = answer.results;
    if (result.error) throw new Error(result.error.message);
    show(result, (await feedback) ? asked : null);
    const seconds = ((performance.now() - started) / 1000).toFixed(2);
    report(`${count(result.sentences, "sentence")}, ${count(result.actors, "actor")}, ${seconds} s.`, "");
  } catch (error) {
    report("", error.message);
  } finally {
    hold(false);
    if (document.activeElement === document.body) pressed.focus();
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

function count(items, what) {
  return `${items.length} ${what}${items.length === 1 ? "" : "s"}`;
}

/** `asked` is the request, where answers may be corrected. */
function show(result, asked) {
  const known = new Map(result.actors.map((actor) => [actor.id, actor.name]));
  const names = (id) => known.get(id) ?? (id === "author" ? "the text" : id);
  const relations = result.relations;
  const none = element("p", { class: "quiet" }, "No relations: nobody in this text takes a stance toward another actor.");
  find("graph").replaceChildren(...(relations.length ? [drawGraph(relations, names)] : []));
  find("graph").hidden = !relations.length;
  find("relations").replaceChildren(relations.length ? relationTable(relations, names) : none);
  find("sentences").replaceChildren(sentenceTable(result.sentences, columns(result), names, correcting(result, asked, names)));
  const absent = result.actors.filter((actor) => actor.mentions === 0).map((actor) => actor.name);
  find("absent").textContent = absent.length ? `Not mentioned: ${absent.join(", ")}.` : "";
  find("result").hidden = false;
  find("result").focus({ preventScroll: true });
}

function correcting(result, asked, names) {
  if (!asked) return null;
  const document = { ...asked.documents[0], ...(asked.actors && { actors: asked.actors }) };
  return corrections(document, result, names, () => find("sender").value.trim() || "page");
}

/** The actors that the text mentions, and the text's own voice where it holds something. */
function columns(result) {
  const voice = result.sentences.some((sentence) => sentence.stances.some((stance) => stance.holder === "author"));
  const mentioned = result.actors.filter((actor) => actor.mentions > 0);
  return voice ? [...mentioned, { id: "author", name: "the text" }] : mentioned;
}

/** One text at a time: the answer to an earlier one must not come after that to a later one. */
function hold(held) {
  find("submit").disabled = find("example").disabled = held;
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
