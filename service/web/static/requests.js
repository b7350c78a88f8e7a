// What the pages ask of the API: same origin, with the page's CSRF token.
import { text } from "./texts.js";

export const csrfToken = document.querySelector('meta[name="csrf-token"]')?.content ?? "";
export const language = document.documentElement.lang;

/** What went wrong, in words that can be shown. */
export class RequestFailed extends Error {}

/** Sends a request; its JSON answer (null where there is none), or RequestFailed. */
export async function send(method, address, body) {
  let response;
  try {
    response = await fetch(address, {
      method,
      headers: headers(body !== undefined),
      body: body === undefined ? undefined : JSON.stringify(body),
      credentials: "same-origin",
    });
  } catch {
    throw new RequestFailed(text("request.offline"));
  }
  if (response.status === 401) toLogin();
  const answer = await response.json().catch(() => null);
  if (!response.ok) throw new RequestFailed(problemInWords(answer, response.status));
  return answer;
}

/** A part of a page, as HTML of our own templates; null when it did not come. */
export async function fetchFragment(address) {
  try {
    const response = await fetch(address, { headers: { "X-Fragment": "1" }, credentials: "same-origin" });
    if (response.status === 401) toLogin();
    return response.ok && !response.redirected ? await response.text() : null;
  } catch {
    return null;
  }
}

export function headers(isJson) {
  const sent = { Accept: "application/json", "Accept-Language": language, "X-CSRF-Token": csrfToken };
  if (isJson) sent["Content-Type"] = "application/json";
  return sent;
}

export function problemInWords(answer, status) {
  if (answer?.title) return answer.detail ? `${answer.title} (${answer.detail})` : answer.title;
  return text("request.failed", { status });
}

function toLogin() {
  location.assign(`/login?next=${encodeURIComponent(location.pathname + location.search)}`);
}
