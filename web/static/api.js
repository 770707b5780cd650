// The API, asked in one place: problems become errors with the server's own words, and every request says who is in front of the page.

const KEPT = "fraud-analyst";

export class Refused extends Error {
  constructor(status, body) {
    super(body.detail ?? `the server answered ${status}`);
    Object.assign(this, { status, code: body.code, errors: body.errors ?? [], requestId: body.request_id });
  }

  get told() {
    return this.requestId ? `${this.message} (request ${this.requestId})` : this.message;
  }
}

export const analyst = () => localStorage.getItem(KEPT) ?? "";

export function callMe(name) {
  if (name) localStorage.setItem(KEPT, name); else localStorage.removeItem(KEPT);
}

export async function ask(address, { method = "GET", body, keepalive = false, signal } = {}) {
  const headers = {};
  if (analyst()) headers["X-Analyst"] = analyst();
  if (body !== undefined) headers["Content-Type"] = "application/json";
  let answer;
  try {
    answer = await fetch(address, { method, headers, keepalive, signal, body: typeof body === "string" || body === undefined ? body : JSON.stringify(body) });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Refused(0, { detail: "the server does not answer" });
  }
  const kind = answer.headers.get("Content-Type") ?? "";
  const told = kind.includes("json") ? await answer.json() : {};
  if (!answer.ok && !told.checks) throw new Refused(answer.status, told);
  return told;
}

// Ask again and again, never twice at once, and not while nobody looks.
export function every(ms, task) {
  let timer;
  async function run() {
    clearTimeout(timer);
    if (!document.hidden) await task();
    clearTimeout(timer);
    timer = setTimeout(run, ms);
  }
  document.addEventListener("visibilitychange", () => { if (!document.hidden) run(); });
  run();
  return run;
}
