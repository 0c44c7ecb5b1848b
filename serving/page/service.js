// How the page talks to the service.

/** The answer of a route. Throws an Error with the service's own message. */
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
  if (!response.ok) throw new Error((await response.json()).error.message);
  return response;
}

/** The JSON of a route. */
export async function ask(path, options = {}) {
  return (await send(path, options)).json();
}

/** The same for a body in JSON. */
export function post(path, body) {
  return ask(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
}
