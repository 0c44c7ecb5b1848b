// Elements without markup: text is only ever set as text.

const SVG = "http://www.w3.org/2000/svg";
const SIGNS = { against: "−", negative: "−", neutral: "○", favor: "+", positive: "+" };

/** An HTML element with attributes and children (elements or text). */
export function element(name, attributes = {}, ...children) {
  return fill(document.createElement(name), attributes, children);
}

/** The same for SVG. */
export function svg(name, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, name), attributes, children);
}

function fill(node, attributes, children) {
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  node.append(...children);
  return node;
}

/** 0.914 as "91%". */
export function percent(value) {
  return `${Math.round(value * 100)}%`;
}

/** A coloured label with its confidence; colour, sign and word say the same. `word` stands in for the label. */
export function chip(answer, before = "", word = answer.label) {
  const kind = `chip ${answer.label}${answer.abstained ? " abstained" : ""}`;
  const scores = Object.entries(answer.scores ?? {}).map(([label, score]) => `${label} ${percent(score)}`).join(", ");
  const doubt = answer.abstained ? " (abstains)" : "";
  const text = `${before}${SIGNS[answer.label]} ${word} ${percent(answer.confidence)}${doubt}`;
  return element("span", { class: kind, title: scores }, text);
}
