// A document's result as tables: relations, and sentences × actors.

import { chip, element, percent } from "./dom.js";

/** One row a directed pair, the strongest first. */
export function relationTable(relations, names) {
  const strongest = [...relations].sort((a, b) => Math.abs(b.score) - Math.abs(a.score));
  const rows = strongest.map((relation) =>
    element(
      "tr",
      {},
      element("td", {}, names(relation.holder)),
      element("td", {}, chip(relation, "", relation.label === "neutral" ? "mixed" : relation.label)),
      element("td", {}, names(relation.target)),
      element("td", { class: "number" }, `${relation.score < 0 ? "−" : "+"}${Math.abs(relation.score).toFixed(2)}`),
      element("td", {}, relation.sentences.join(", ")),
    ),
  );
  return table("Relations", ["Holder", "Stance", "Target", "Score", "Sentences"], rows);
}

/**
 * A row a sentence and a column an actor: how it portrays the actor, and what the actor holds toward others.
 * `beside(sentence, answer)`, where given, makes what stands under each answer.
 */
export function sentenceTable(sentences, actors, names, beside = null) {
  const rows = sentences.map((sentence) =>
    element(
      "tr",
      {},
      element("td", { class: "number" }, String(sentence.index)),
      element("th", { scope: "row", class: "sentence" }, ...marked(sentence)),
      ...actors.map((actor) => element("td", { class: "cell" }, ...cell(sentence, actor.id, names, beside))),
    ),
  );
  return table("Sentences and actors", ["#", "Sentence", ...actors.map((actor) => actor.name)], rows);
}

function cell(sentence, actor, names, beside) {
  const portrayed = sentence.sentiment.filter((answer) => answer.actor === actor);
  const held = sentence.stances.filter((answer) => answer.holder === actor);
  const shown = (answer, before) =>
    element("div", {}, chip(answer, before), ...(beside ? [beside(sentence, answer)] : []));
  return [
    ...portrayed.map((answer) => shown(answer, "portrayed ")),
    ...held.map((answer) => shown(answer, `→ ${names(answer.target)} `)),
  ];
}

/** The sentence with its mentions marked. Offsets count code points, JavaScript's strings do not. */
function marked(sentence) {
  const points = Array.from(sentence.text);
  const parts = [];
  let at = 0;
  for (const mention of [...sentence.mentions].sort((a, b) => a.start - b.start)) {
    const [start, end] = [mention.start - sentence.start, mention.end - sentence.start];
    if (start < at) continue;
    parts.push(points.slice(at, start).join(""));
    const title = `${mention.actor}, ${percent(mention.score)}`;
    parts.push(element("mark", { title }, points.slice(start, end).join("")));
    at = end;
  }
  return [...parts, points.slice(at).join("")];
}

function table(caption, heads, rows) {
  const head = element("tr", {}, ...heads.map((text) => element("th", { scope: "col" }, text)));
  return element("table", { "aria-label": caption }, element("thead", {}, head), element("tbody", {}, ...rows));
}
