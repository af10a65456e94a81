// Calls to the REST API. Every failure becomes an ApiError with a code and a sentence.

import { _ } from "./text.js";

/** @typedef {{ mark?: Mark | null, added?: Named[], removed?: Named[] }} ErrorExtra */

export class ApiError extends Error {
  /**
   * @param {string} code for programs
   * @param {string} message for people: what to do
   * @param {{ status?: number, extra?: ErrorExtra }} [options]
   */
  constructor(code, message, { status = 0, extra = {} } = {}) {
    super(message);
    this.code = code;
    this.status = status;
    this.extra = extra;
  }

  /** Whether the server was not reached, or could not answer: worth another try later. */
  get isTemporary() {
    return this.code === "offline" || this.status >= 500 || this.status === 429;
  }

  get loginEnded() {
    return this.status === 401 || this.code === "not_logged_in" || this.code === "not_authenticated";
  }
}

/**
 * Return what was thrown where it is an ApiError; throw anything else again.
 *
 * @param {unknown} thrown
 */
export function apiErrorOf(thrown) {
  if (thrown instanceof ApiError) return thrown;
  throw thrown;
}

// Milliseconds after which an answer is no longer waited for.
const TIMEOUT_MS = 15000;

/**
 * `AbortSignal.timeout`, for browsers without it too.
 *
 * @param {number} timeout milliseconds
 */
function abortAfter(timeout) {
  if (AbortSignal.timeout) return AbortSignal.timeout(timeout);
  const controller = new AbortController();
  setTimeout(() => controller.abort(), timeout);
  return controller.signal;
}

const csrfToken = () => document.cookie.match(/(?:^|; )csrftoken=([^;]+)/)?.[1] ?? "";

/**
 * Return the JSON that was answered, or throw an ApiError. Forms are sent as they are, any other body as JSON.
 *
 * @template Answer
 * @param {"GET" | "POST" | "PUT" | "DELETE"} method
 * @param {string} path
 * @param {FormData | URLSearchParams | object} [body]
 * @param {{ timeout?: number }} [options] milliseconds
 * @returns {Promise<Answer>}
 */
export async function call(method, path, body, { timeout = TIMEOUT_MS } = {}) {
  /** @type {Record<string, string>} */
  const headers = { Accept: "application/json" };
  if (method !== "GET") headers["X-CSRFToken"] = csrfToken();
  const isForm = body instanceof FormData || body instanceof URLSearchParams;
  if (body !== undefined && !isForm) headers["Content-Type"] = "application/json";
  let response;
  try {
    response = await fetch(path, {
      method,
      headers,
      body: body === undefined ? null : isForm ? body : JSON.stringify(body),
      credentials: "same-origin",
      cache: "no-store",
      signal: abortAfter(timeout),
    });
  } catch {
    throw new ApiError("offline", _("The school's server cannot be reached."));
  }
  const answer = await response.json().catch(() => null);
  if (response.ok) return answer;
  const message = answer?.message || _("That did not work. Try again in a moment.");
  throw new ApiError(answer?.code ?? `http_${response.status}`, message, {
    status: response.status,
    extra: answer?.extra ?? {},
  });
}

const ROOT = "/api/v1";

/**
 * @template Answer
 * @param {string} path
 * @returns {Promise<Answer>}
 */
export const get = (path) => call("GET", ROOT + path);

/**
 * @template Answer
 * @param {string} path
 * @param {FormData | object} [body]
 * @param {{ timeout?: number }} [options] milliseconds
 * @returns {Promise<Answer>}
 */
export const post = (path, body = {}, options = {}) => call("POST", ROOT + path, body, options);

/**
 * @template Answer
 * @param {string} path
 * @param {object} body
 * @returns {Promise<Answer>}
 */
export const put = (path, body) => call("PUT", ROOT + path, body);

/**
 * @template Answer
 * @param {string} path
 * @param {object} body
 * @returns {Promise<Answer>}
 */
export const remove = (path, body) => call("DELETE", ROOT + path, body);
