// How the page talks to the service.

/** The answer of a route. Throws an Error with the service's own message, and the status where there was an answer. */
export async function send(path, options = {}) {
  const headers = new Headers(options.headers);
  const key = document.getElementById("key").value;
  if (key) headers.set("Authorization", `Bearer ${key}`);
  let response;
  try {
    response = await fetch(path, { ...options, headers });
  } catch {
    throw new Error("The service does not answer.");
  }
  if (!response.ok) throw Object.assign(new Error(await failure(response)), { status: response.status });
  return response;
}

/** What went wrong: the service's words, and how long to wait where it, or a proxy before it, is too busy. */
async function failure(response) {
  const busy = response.status === 429 || response.status === 503;
  const plain = busy ? "The service is busy" : `The service answered with status ${response.status}.`;
  const message = await response.json().then((body) => body.error.message).catch(() => plain);
  const wait = busy ? seconds(response.headers.get("Retry-After")) : null;
  if (wait === null || /try again in \d/.test(message)) return message;
  const time = wait < 90 ? `${wait} s` : `${Math.ceil(wait / 60)} min`;
  return `${message.replace(/; try again shortly$/, "")}; try again in ${time}`;
}

/** A Retry-After header, seconds or a date, in seconds from now; null where there is none. */
function seconds(header) {
  if (!header) return null;
  const wait = /^\d+$/.test(header) ? Number(header) : (Date.parse(header) - Date.now()) / 1000;
  return Number.isNaN(wait) ? null : Math.max(1, Math.ceil(wait));
}

/** The JSON of a route. */
export async function ask(path, options = {}) {
  return (await send(path, options)).json();
}

/** The same for a body in JSON. */
export function post(path, body) {
  return ask(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
}
