// Calls to the REST API. Every fault becomes an ApiFault with a code and a sentence.

import { _ } from "./text.js";

export class ApiFault extends Error {
  constructor(code, message, { status = 0, extra = {} } = {}) {
    super(message);
    this.code = code;
    this.status = status;
    this.extra = extra;
  }

  /** The server was not reached, or was not itself: worth another try later. */
  get passing() {
    return this.code === "offline" || this.status >= 500 || this.status === 429;
  }

  get loginEnded() {
    return this.status === 401 || this.code === "not_logged_in" || this.code === "not_authenticated";
  }
}

const PATIENCE = 15000;

/** `AbortSignal.timeout`, for browsers from before it. */
function timeout(patience) {
  if (AbortSignal.timeout) return AbortSignal.timeout(patience);
  const ending = new AbortController();
  setTimeout(() => ending.abort(), patience);
  return ending.signal;
}

const token = () => document.cookie.match(/(?:^|; )csrftoken=([^;]+)/)?.[1] ?? "";

export async function call(method, path, body, { patience = PATIENCE } = {}) {
  const headers = { Accept: "application/json" };
  if (method !== "GET") headers["X-CSRFToken"] = token();
  const isForm = body instanceof FormData || body instanceof URLSearchParams;
  if (body !== undefined && !isForm) headers["Content-Type"] = "application/json";
  let answer;
  try {
    answer = await fetch(path, {
      method,
      headers,
      body: body === undefined || isForm ? body : JSON.stringify(body),
      credentials: "same-origin",
      cache: "no-store",
      signal: timeout(patience),
    });
  } catch {
    throw new ApiFault("offline", _("The school's server cannot be reached."));
  }
  const said = await answer.json().catch(() => null);
  if (answer.ok) return said;
  throw new ApiFault(
    said?.code ?? `http_${answer.status}`,
    said?.message || _("That did not work. Try again in a moment."),
    {
      status: answer.status,
      extra: said?.extra ?? {},
    },
  );
}

const root = "/api/v1";
export const get = (path) => call("GET", root + path);
export const post = (path, body, options) => call("POST", root + path, body ?? {}, options);
export const put = (path, body) => call("PUT", root + path, body);
export const remove = (path, body) => call("DELETE", root + path, body);
