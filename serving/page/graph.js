// The relations as a graph: holders point at targets, red against, green favor, grey mixed.

import { svg } from "./dom.js";

const WIDTH = 680;
const HEIGHT = 400;
/** Half the width and height of the ellipse on which the actors stand; beside it there is room for their names. */
const RADIUS_X = 150;
const RADIUS_Y = 160;
const NODE = 7;
const LONGEST_NAME = 22;

/** An SVG of `relations`; `names` gives each actor's name. The table beside it says the same in words. */
export function drawGraph(relations, names) {
  const ids = [...new Set(relations.flatMap((relation) => [relation.holder, relation.target]))];
  const places = new Map(ids.map((id, index) => [id, place(index, ids.length)]));
  const label = `Graph of ${relations.length} relations between ${ids.length} actors; the table lists them`;
  const picture = svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": label });
  for (const relation of relations) picture.append(...edge(relation, places, names));
  for (const id of ids) picture.append(...node(places.get(id), names(id)));
  return picture;
}

function place(index, count) {
  const angle = (2 * Math.PI * index) / count - Math.PI / 2;
  return { x: WIDTH / 2 + RADIUS_X * Math.cos(angle), y: HEIGHT / 2 + RADIUS_Y * Math.sin(angle), angle };
}

/** A bent line, so that two opposite relations lie side by side, and its arrow head. */
function edge(relation, places, names) {
  const from = places.get(relation.holder);
  const to = places.get(relation.target);
  const [dx, dy] = [to.x - from.x, to.y - from.y];
  const length = Math.hypot(dx, dy);
  const bend = { x: (from.x + to.x) / 2 - dy * 0.16, y: (from.y + to.y) / 2 + dx * 0.16 };
  const back = Math.hypot(to.x - bend.x, to.y - bend.y);
  const [ux, uy] = [(to.x - bend.x) / back, (to.y - bend.y) / back];
  const tip = { x: to.x - ux * (NODE + 3), y: to.y - uy * (NODE + 3) };
  const foot = { x: tip.x - ux * 11, y: tip.y - uy * 11 };
  const kind = `${relation.label}${relation.abstained ? " abstained" : ""}`;
  const width = 1.2 + 3 * Math.abs(relation.score);
  const line = svg("path", {
    class: `edge ${kind}`,
    d: `M ${from.x} ${from.y} Q ${bend.x} ${bend.y} ${length ? foot.x : to.x} ${length ? foot.y : to.y}`,
    "stroke-width": width.toFixed(2),
  });
  line.append(svg("title", {}, `${names(relation.holder)} → ${names(relation.target)}: ${relation.label}`));
  const wings = [tip, { x: foot.x - uy * 5, y: foot.y + ux * 5 }, { x: foot.x + uy * 5, y: foot.y - ux * 5 }];
  const head = svg("polygon", { class: `head ${relation.label}`, points: wings.map((p) => `${p.x},${p.y}`).join(" ") });
  return [line, head];
}

/** A dot with its name outside of the ellipse, clear of the edges: above, below, or beside the dot. */
function node(at, name) {
  const side = Math.abs(Math.cos(at.angle)) < 0.1 ? 0 : Math.sign(Math.cos(at.angle));
  const x = at.x + side * (NODE + 6);
  const y = at.y + (side ? 5 : Math.sin(at.angle) > 0 ? NODE + 17 : -NODE - 7);
  const anchor = ["end", "middle", "start"][side + 1];
  const shown = name.length > LONGEST_NAME ? `${name.slice(0, LONGEST_NAME - 1)}…` : name;
  return [
    svg("circle", { class: "node", cx: at.x, cy: at.y, r: NODE }),
    svg("text", { x, y, "text-anchor": anchor }, shown),
  ];
}
