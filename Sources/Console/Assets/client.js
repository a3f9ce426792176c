/**
 * The live stream of an execution, for any frontend: `import { stream } from "/client.js"`.
 *
 * One socket that heals: it resumes after the last event that was handed on, so each event comes once and in order,
 * whatever happens to the network or the gateway in between. Where no WebSocket gets through, server-sent events do.
 */

/** Longest pause between two tries, in milliseconds. */
const PAUSE_MAX = 10_000;
/** A first pause is somewhere below this; each failure doubles it. */
const PAUSE_FIRST = 400;
/** Failed WebSockets in a row, none of them opened, until server-sent events are tried. */
const SOCKETS_MAX = 2;
/** Without an event for so long, a page that comes to the front, or back on line, opens its stream anew. */
const SILENCE_MAX = 45_000;

/**
 * Follows an execution until its last event.
 *
 * @param {string} executionID
 * @param {object} [options]
 * @param {number} [options.after] sequence of the last event that is known already; 0: none
 * @param {(event: object) => void} [options.onEvent] each event once, in order
 * @param {(state: object) => void} [options.onState] `{name}`: connecting, live, waiting (with `retryAt`), ended, or
 *   failed (with `problem`): a stream that will not come whatever the client does
 * @param {(notice: object) => void} [options.onNotice] frames that are no events, such as `stream_snapshot`
 * @param {string} [options.url] where the gateway is; the page's own origin by default
 * @returns {{close(): void, readonly sequence: number}}
 */
export function stream(executionID, options = {}) {
  const follower = new Follower(executionID, options);
  follower.connect();
  return {
    close: () => follower.close(),
    get sequence() {
      return follower.sequence;
    },
  };
}

class Follower {
  constructor(executionID, { after = 0, onEvent, onState, onNotice, url = location.origin }) {
    this.sequence = after;
    this.path = new URL(`/api/v1/workflows/stream/${encodeURIComponent(executionID)}`, url);
    this.onEvent = onEvent ?? (() => {});
    this.onNotice = onNotice ?? (() => {});
    this.onState = onState ?? (() => {});
    this.failures = 0;
    this.unopenedSockets = 0;
    this.isOver = false;
    this.heardAt = performance.now();
    this.wake = () => this.lookAgain();
    globalThis.addEventListener?.("online", this.wake);
    globalThis.document?.addEventListener("visibilitychange", this.wake);
  }

  /** The stream's address after the last event that was handed on. */
  address(scheme) {
    const address = new URL(this.path);
    address.protocol = address.protocol.replace(/^(ws|http)/, scheme);
    address.searchParams.set("after", String(this.sequence));
    return address.href;
  }

  connect() {
    if (this.isOver) return;
    clearTimeout(this.timer);
    this.retryAt = undefined;
    this.heardAt = performance.now();
    this.say({ name: "connecting" });
    if (this.unopenedSockets < SOCKETS_MAX && typeof WebSocket === "function") this.openSocket();
    else this.openEvents();
  }

  openSocket() {
    const socket = new WebSocket(this.address("ws"));
    let isOpen = false;
    this.drop = () => {
      socket.onopen = socket.onmessage = socket.onclose = null;
      socket.close();
    };
    socket.onopen = () => {
      isOpen = true;
      this.unopenedSockets = 0;
      this.opened();
    };
    socket.onmessage = (message) => this.received(message.data);
    socket.onclose = () => {
      if (!isOpen) this.unopenedSockets += 1;
      this.lost();
    };
  }

  /** Server-sent events, read by `fetch`: an `EventSource` would not say why it is refused. */
  async openEvents() {
    const abort = new AbortController();
    this.drop = () => abort.abort();
    try {
      const answer = await fetch(this.address("http"), {
        headers: { accept: "text/event-stream" }, cache: "no-store", signal: abort.signal,
      });
      // Over already: the event that says so was handed on.
      if (answer.status === 204) return this.end();
      if (!answer.ok) {
        const problem = await answer.json().catch(() => ({ status: answer.status, detail: answer.statusText }));
        const isFinal = answer.status < 500 && answer.status !== 429 && answer.status !== 408;
        return isFinal ? this.fail(problem) : this.lost();
      }
      this.opened();
      const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
      let text = "";
      for (let part = await reader.read(); !part.done; part = await reader.read()) {
        text += part.value;
        const ends = text.lastIndexOf("\n\n");
        if (ends < 0) continue;
        for (const block of text.slice(0, ends).split("\n\n")) this.receivedBlock(block);
        text = text.slice(ends + 2);
      }
      this.lost();
    } catch {
      if (!abort.signal.aborted) this.lost();
    }
  }

  receivedBlock(block) {
    const data = block.split("\n").filter((line) => line.startsWith("data: ")).map((line) => line.slice(6));
    if (data.length > 0) this.received(data.join("\n"));
  }

  opened() {
    this.heardAt = performance.now();
    this.say({ name: "live" });
  }

  received(text) {
    if (this.isOver) return;
    this.heardAt = performance.now();
    this.failures = 0;
    const event = JSON.parse(text);
    if (typeof event.sequence !== "number") return this.onNotice(event);
    // What a stream that was opened again sends once more.
    if (event.sequence <= this.sequence) return;
    this.sequence = event.sequence;
    this.onEvent(event);
    if (event.final) this.end();
  }

  lost() {
    if (this.isOver) return;
    const pause = Math.random() * Math.min(PAUSE_MAX, PAUSE_FIRST * 2 ** this.failures);
    this.failures += 1;
    this.retryAt = Date.now() + pause;
    this.timer = setTimeout(() => this.connect(), pause);
    this.say({ name: "waiting", retryAt: this.retryAt });
  }

  /** The page came to the front or the network came back: a pause ends, and a silent stream is not trusted. */
  lookAgain() {
    if (this.isOver || globalThis.document?.visibilityState === "hidden") return;
    const isSilent = performance.now() - this.heardAt > SILENCE_MAX;
    if (this.retryAt === undefined && !isSilent) return;
    this.drop?.();
    this.connect();
  }

  end() {
    this.close();
    this.say({ name: "ended" });
  }

  fail(problem) {
    this.close();
    this.say({ name: "failed", problem });
  }

  close() {
    this.isOver = true;
    clearTimeout(this.timer);
    globalThis.removeEventListener?.("online", this.wake);
    globalThis.document?.removeEventListener("visibilitychange", this.wake);
    this.drop?.();
  }

  say(state) {
    this.onState(state);
  }
}
