// What a user writes into the actors field: an actors file (JSON, or the YAML of the README), or one name a line.

/** The actors of `source`, or null where it is empty. Throws an Error that names the line, or says that there are none. */
export function parseActors(source) {
  if (!source.trim()) return null;
  const actors = read(source);
  if (!actors.length) throw new Error("Actors: there are none; add one, or leave the field empty to have all found.");
  return actors;
}

function read(source) {
  const text = source.trim();
  if (/^[{[]/.test(text)) return listed(parseJson(text));
  const lines = source.split(/\r?\n/).map((line) => line.replace(/(^|\s)#.*$/, "").trimEnd());
  const used = lines.filter((line) => line.trim());
  if (used.some((line) => /^\s*-\s/.test(line) || /^actors:/.test(line))) return parseYaml(lines);
  return uniqueIds(used.map(parseName));
}

function parseJson(text) {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Error(`Actors: not JSON: ${error.message}`);
  }
}

function listed(value) {
  const actors = Array.isArray(value) ? value : value.actors;
  if (!Array.isArray(actors)) throw new Error("Actors: expected a list, or an object with the key actors.");
  return actors;
}

/** "Russia = Moscow, Russian" */
function parseName(line) {
  const [name, aliases = ""] = line.split(/\s*=\s*/, 2).map((part) => part.trim());
  return { id: identifier(name), name, aliases: aliases.split(",").map((alias) => alias.trim()).filter(Boolean) };
}

function identifier(name) {
  const plain = name.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
  return plain.replace(/[^\p{L}\p{N}]+/gu, "-").replace(/^-|-$/g, "") || "actor";
}

function uniqueIds(actors) {
  const seen = new Map();
  for (const actor of actors) {
    const count = (seen.get(actor.id) ?? 0) + 1;
    seen.set(actor.id, count);
    if (count > 1) actor.id += `-${count}`;
  }
  return actors;
}

/** The YAML that actors files use: a list of flow or block mappings, lists of plain or quoted words. */
function parseYaml(lines) {
  const actors = [];
  let open = null; // a list whose items stand on the lines that follow
  let indent = 0;
  lines.forEach((line, index) => {
    if (!line.trim() || /^actors:\s*$/.test(line)) return;
    const item = /^(\s*)-\s+(.*)$/.exec(line);
    if (item && open && item[1].length > indent) {
      open.push(scalar(item[2], index));
      return;
    }
    if (item) {
      indent = item[1].length;
      actors.push({});
    }
    if (!actors.length) throw misread(index);
    open = readEntry(item ? item[2] : line.trim(), actors.at(-1), index);
  });
  return actors;
}

/** Puts `key: value`, or a whole `{...}`, into `actor`; returns the list that the next lines fill, if any. */
function readEntry(entry, actor, index) {
  if (entry.startsWith("{")) {
    Object.assign(actor, scalar(entry, index));
    return null;
  }
  const pair = /^(\w+):\s*(.*)$/.exec(entry);
  if (!pair) throw misread(index);
  const [, key, value] = pair;
  actor[key] = value === "" ? [] : scalar(value, index);
  return value === "" ? actor[key] : null;
}

/** A flow value: {a: b}, [a, b], "quoted", 'quoted' or plain. */
function scalar(source, index) {
  const tokens = source.match(/"(?:[^"\\]|\\.)*"|'(?:[^']|'')*'|[{}[\],]|:(?=\s|$)|(?:[^{}[\],:"']|:(?!\s|$)|\b['"])+/g) ?? [];
  const rest = tokens.map((token) => token.trim()).filter(Boolean);
  const value = flow(rest, index);
  if (rest.length) throw misread(index);
  return value;
}

function flow(rest, index) {
  const token = rest.shift();
  if (token === undefined || /^[}\],:]$/.test(token)) throw misread(index);
  if (token === "[") return sequence(rest, "]", index, () => flow(rest, index));
  if (token === "{") return Object.fromEntries(sequence(rest, "}", index, () => pair(rest, index)));
  if (token.startsWith('"')) return JSON.parse(token);
  if (token.startsWith("'")) return token.slice(1, -1).replaceAll("''", "'");
  return token;
}

function pair(rest, index) {
  const key = flow(rest, index);
  if (rest.shift() !== ":") throw misread(index);
  return [key, flow(rest, index)];
}

function sequence(rest, end, index, read) {
  const items = [];
  while (rest[0] !== end) {
    items.push(read());
    if (rest[0] === ",") rest.shift();
    else if (rest[0] !== end) throw misread(index);
  }
  rest.shift();
  return items;
}

function misread(index) {
  return new Error(`Actors, line ${index + 1}: not understood; write one name a line, or use JSON.`);
}
