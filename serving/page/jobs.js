// Whole files: sends one as a job, shows the newest jobs and how far they are, and fetches their tables.

import { parseActors } from "./actors.js";
import { element } from "./dom.js";
import { ask, send } from "./service.js";

const SHOWN = 10;
const TABLES = ["results", "sentiment", "stances", "relations", "errors"];
const SOON = 1000;
const LATER = 15000;

const find = (id) => document.getElementById(id);
let timer;

/** Offer jobs where the service does; called again when a key was typed. */
export function offerJobs() {
  find("upload").addEventListener("submit", (event) => {
    event.preventDefault();
    upload();
  });
  find("key").addEventListener("change", refresh);
  refresh();
}

async function upload() {
  const button = find("send");
  button.disabled = true;
  tell("Sending …");
  try {
    await ask("v1/jobs", { method: "POST", body: order() });
    find("upload").reset();
    tell("");
    await refresh();
  } catch (error) {
    tell("", error.message);
  } finally {
    button.disabled = false;
  }
}

/** The form that the service takes; actors and options are those of the text above. */
function order() {
  const form = new FormData();
  form.append("file", find("file").files[0]);
  form.append("text_column", find("text-column").value);
  form.append("id_column", find("id-column").value);
  form.append("include_neutral", find("neutral").checked);
  form.append("author", find("author").checked);
  const actors = parseActors(find("actors").value);
  if (actors) form.append("actors", JSON.stringify(actors));
  return form;
}

/** Show the newest jobs, and look again soon while one has not ended. */
async function refresh() {
  clearTimeout(timer);
  let jobs;
  try {
    ({ jobs } = await ask(`v1/jobs?limit=${SHOWN}`));
  } catch ({ status }) {
    if (status === 401 || status === 404) find("jobs").hidden = true; // the key is missing, or they are not offered
    else timer = setTimeout(refresh, LATER); // the service is away or busy, and may come back
    return;
  }
  find("jobs").hidden = false;
  if (find("job-list").matches(":active")) {
    timer = setTimeout(refresh, SOON); // a button that is being pressed must still be there when it is let go
    return;
  }
  const rows = jobs.map(row);
  const table = element("table", {}, element("tbody", {}, ...rows));
  const held = document.activeElement?.dataset.key; // whoever stands on a button must not lose it to a newer table
  find("job-list").replaceChildren(...(rows.length ? [table] : []));
  if (held) find("job-list").querySelector(`[data-key="${held}"]`)?.focus();
  find("job-list").hidden = !rows.length;
  const busy = jobs.some((job) => job.state === "queued" || job.state === "running");
  timer = setTimeout(refresh, busy ? SOON : LATER);
}

function row(job) {
  const name = element("th", { scope: "row", class: "sentence" }, job.input.name);
  const ended = job.state !== "queued" && job.state !== "running";
  const button = pressed(job, ended ? "Remove" : "Cancel", "plain");
  button.addEventListener("click", () => act(() => ask(`v1/jobs/${job.id}`, { method: "DELETE" })));
  const resume = pressed(job, "Resume", "plain");
  resume.addEventListener("click", () => act(() => ask(`v1/jobs/${job.id}/resume`, { method: "POST" })));
  const buttons = job.state === "failed" ? [resume, button] : [button];
  return element("tr", {}, name, element("td", {}, job.state), element("td", {}, ...details(job)), element("td", {}, ...buttons));
}

function details(job) {
  if (job.error) return [job.error.message];
  if (job.state === "running" && job.progress) return progress(job.progress);
  if (job.state !== "done") return [];
  const { rows, failed } = job.summary;
  const links = TABLES.filter((table) => table !== "errors" || failed).map((table) => link(job, table));
  return [`${rows} rows, ${failed} failed `, element("span", { class: "links" }, ...links)];
}

function progress({ phase, rows, rows_total: total, rate, seconds_left: left }) {
  if (phase === "reading") return [`reading, ${rows} rows so far`];
  const bar = element("progress", { value: rows, max: total, "aria-label": "Progress" });
  const pace = rate ? `, ${Math.round(rate)} sentences a second` : "";
  const rest = left ? `, ${left < 90 ? `${Math.ceil(left)} s` : `${Math.ceil(left / 60)} min`} left` : "";
  return [bar, ` ${rows} of ${total} rows${pace}${rest}`];
}

function link(job, table) {
  const button = pressed(job, table, "link");
  button.addEventListener("click", () => act(() => save(job.id, table)));
  return button;
}

/** A button of one job; its label names the file, since every job has the same buttons. */
function pressed(job, word, kind) {
  const named = { "aria-label": `${word}: ${job.input.name}`, "data-key": `${job.id} ${word}` };
  return element("button", { type: "button", class: kind, ...named }, word);
}

/** Fetched and not linked, for a link cannot carry the key. */
async function save(job, table) {
  const blob = await (await send(`v1/jobs/${job}/result?table=${table}`)).blob();
  const address = URL.createObjectURL(blob);
  element("a", { href: address, download: `${table}.jsonl` }).click();
  setTimeout(() => URL.revokeObjectURL(address), LATER);
}

async function act(action) {
  try {
    await action();
    tell("");
  } catch (error) {
    tell("", error.message);
  }
  await refresh();
}

function tell(status, error = "") {
  find("job-status").textContent = status;
  find("job-error").textContent = error;
}
