/** The small things every page needs: elements, requests, times. */

/**
 * Makes an element. Strings become text, so nothing of a definition or an event is ever read as markup.
 *
 * @param {string} tag `name`, or `name.class`
 * @param {object} [attributes] `on…`: a listener; `true` and `false`: present or not; `null`: left out
 * @param {...(Node|string|number|null|Array)} children
 */
export function element(tag, attributes = {}, ...children) {
  const [name, ...classes] = tag.split(".");
  const made = document.createElement(name);
  if (classes.length > 0) made.className = classes.join(" ");
  for (const [key, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else made.setAttribute(key, value === true ? "" : value);
  }
  for (const child of children.flat(Infinity)) {
    if (child !== null && child !== undefined) made.append(child instanceof Node ? child : String(child));
  }
  return made;
}

/** What the server refused, with its faults. */
export class Refusal extends Error {
  constructor(problem) {
    super(problem.detail ?? problem.title ?? "the request was refused");
    this.problem = problem;
  }

  /** The faults as `{path, message}`. */
  get faults() {
    return this.problem.faults ?? [];
  }
}

/**
 * A request to the server, for JSON.
 * @param {object} [options] `text`: the body, which is JSON already
 * @throws {Refusal} for every status but 2xx, and when the server does not answer
 */
export async function request(path, { method = "GET", text: body, headers = {} } = {}) {
  let answer;
  try {
    answer = await fetch(path, {
      method,
      headers: {
        accept: "application/json", ...(body === undefined ? {} : { "content-type": "application/json" }), ...headers,
      },
      body,
    });
  } catch {
    throw new Refusal({ detail: "the server does not answer; look whether it runs, and try again" });
  }
  const text = await answer.text();
  let value = null;
  try {
    value = text === "" ? null : JSON.parse(text);
  } catch {
    // Of something in front of the server.
  }
  if (!answer.ok) {
    const detail = `the answer was ${answer.status} ${answer.statusText}`;
    throw new Refusal(value ?? { status: answer.status, detail });
  }
  return value;
}

/** `1.28 s`, `340 ms`, `2 min 5 s`. */
export function duration(milliseconds) {
  if (!(milliseconds >= 0)) return "";
  if (milliseconds < 1) return "< 1 ms";
  if (milliseconds < 1000) return `${Math.round(milliseconds)} ms`;
  const seconds = milliseconds / 1000;
  if (seconds < 10) return `${seconds.toFixed(2)} s`;
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${Math.round(seconds % 60)} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** The time of day here, with the date when that is another day. */
export function moment(text) {
  const date = new Date(text);
  const time = date.toLocaleTimeString([], { hour12: false });
  return date.toDateString() === new Date().toDateString() ? time : `${date.toLocaleDateString()} ${time}`;
}

/** A status as a shape and a word, so that its colour says nothing alone. */
export const STATUSES = {
  pending: { shape: "○", word: "not started", tone: "idle" },
  running: { shape: "◐", word: "running", tone: "run" },
  completed: { shape: "✓", word: "completed", tone: "ok" },
  failed: { shape: "✕", word: "failed", tone: "bad" },
  cancelled: { shape: "⊘", word: "cancelled", tone: "idle" },
  skipped: { shape: "–", word: "skipped", tone: "idle" },
  retrying: { shape: "↻", word: "waits to try again", tone: "wait" },
  waiting: { shape: "◇", word: "waits for a decision", tone: "wait" },
};

export function statusOf(name) {
  return STATUSES[name] ?? { shape: "?", word: String(name), tone: "idle" };
}

export function badge(name) {
  const { shape, word, tone } = statusOf(name);
  return element(`span.badge.${tone}`, {}, element("span.shape", { "aria-hidden": "true" }, shape), word);
}
