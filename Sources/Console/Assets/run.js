import { stream } from "./client.js";
import { badge, duration, element, moment, Refusal, request, statusOf } from "./dom.js";
import { RunModel } from "./run-model.js";
import { start } from "./workflows.js";

/** Raw events in the document at a time. */
const EVENTS_MAX = 100;

/** One execution: the bar with the step's name, live; what failed first; the timeline; inputs, outputs, raw events. */
export function runPage(main, executionID) {
  const view = new RunView(main, executionID);
  view.open();
}

class RunView {
  constructor(main, executionID) {
    this.main = main;
    this.executionID = executionID;
    this.model = new RunModel(executionID);
    this.rows = new Map();
    this.isDrawing = false;
    this.build();
  }

  build() {
    this.title = element("h1", {}, "Execution");
    this.meta = element("p.meta", {}, "", element("code", {}, this.executionID));
    this.cancel = element("button", { type: "button", hidden: true, onclick: () => this.askCancel() }, "Cancel");
    this.again = element(
      "button", { type: "button", hidden: true, onclick: () => this.runAgain() }, "Run again with these inputs");
    this.notice = element("p.banner", { role: "status", hidden: true });
    this.failure = element("section.failure", { "aria-label": "Failure", hidden: true });
    this.fill = element("i", {});
    const bar = { role: "progressbar", "aria-valuemin": 0, "aria-valuemax": 100, "aria-valuenow": 0 };
    this.bar = element("div.bar", { ...bar, "aria-label": "Progress" }, this.fill);
    this.percent = element("strong", {}, "0 %");
    this.sentence = element("span", {}, "waits for its first event");
    this.status = element("span.status", {});
    this.timeline = element("ol.timeline", {});
    this.took = element("em", {});
    this.data = element("div", {});
    this.events = element("ol.events", {});
    this.eventCount = element("em", {});
    this.main.replaceChildren(
      element(
        "div.top", {}, element("div", {}, this.title, this.meta),
        element("div.actions", {}, this.cancel, this.again)),
      this.notice, this.failure, this.bar,
      element("div.now", {}, this.percent, this.sentence, this.status),
      element("section.sheet", { "aria-label": "Timeline" }, element("h2", {}, "Timeline", this.took), this.timeline),
      this.data,
      element(
        "details.sheet", {}, element("summary", {}, "Events ", this.eventCount), this.events));
  }

  open() {
    this.stream = stream(this.executionID, {
      onEvent: (event) => {
        this.model.apply(event);
        if (event.type === "execution_started") this.started();
        if (event.final || event.type === "execution_completed") this.readReport();
        this.drawSoon();
      },
      onState: (state) => this.showConnection(state),
      onNotice: (notice) => {
        if (notice.type === "stream_snapshot") this.say(`Some events are not kept any more: ${notice.detail}.`, "wait");
      },
    });
    this.readReport();
  }

  /** The definition's steps, those too that have not begun. */
  async started() {
    const { workflow, revision } = this.model;
    try {
      const definition = await request(`/api/v1/workflows/${encodeURIComponent(workflow)}?revision=${revision}`);
      this.model.expect(definition.steps);
      this.drawSoon();
    } catch {
      // Deleted meanwhile, or no orchestrator here: the events name the steps as they begin.
    }
  }

  /** What no event carries: inputs, outputs, who started it, the last lines of a step that failed. */
  async readReport() {
    try {
      this.report = await request(`/api/v1/executions/${encodeURIComponent(this.executionID)}`);
    } catch (refusal) {
      const isUnknown = refusal instanceof Refusal && refusal.problem.status === 404 && this.model.events.length === 0;
      if (isUnknown) this.say("No execution has this identifier, or it is not kept any more.", "bad");
      return;
    }
    this.drawSoon();
  }

  showConnection(state) {
    switch (state.name) {
      case "waiting":
        this.say("The connection is lost. It is tried again, and nothing is missed.", "wait");
        break;
      case "failed":
        this.say(`There is nothing to follow: ${state.problem.detail ?? state.problem.title ?? "refused"}`, "bad");
        break;
      case "live":
        if (this.notice.dataset.kind === "wait") this.notice.hidden = true;
        break;
      default:
    }
    this.main.dataset.connection = state.name;
  }

  say(text, kind) {
    this.notice.textContent = text;
    this.notice.dataset.kind = kind;
    this.notice.hidden = false;
  }

  async askCancel() {
    this.cancel.disabled = true;
    try {
      const path = `/api/v1/executions/${encodeURIComponent(this.executionID)}/cancel`;
      await request(path, { method: "POST", text: "{}" });
    } catch (refusal) {
      this.say(`It cannot be cancelled: ${refusal.message}`, "bad");
      this.cancel.disabled = false;
    }
  }

  async runAgain() {
    this.again.disabled = true;
    try {
      const started = await start(this.model.workflow, JSON.stringify(this.report.inputs ?? {}));
      location.assign(`/executions/${started.execution_id}`);
    } catch (refusal) {
      this.say(`It cannot be started again: ${refusal.message}`, "bad");
      this.again.disabled = false;
    }
  }

  // Drawing: at most once a frame, whatever arrives.

  drawSoon() {
    if (this.isDrawing) return;
    this.isDrawing = true;
    requestAnimationFrame(() => {
      this.isDrawing = false;
      this.draw();
    });
  }

  draw() {
    const { model } = this;
    const name = model.workflow || this.report?.workflow || "Execution";
    this.title.textContent = name;
    document.title = `${name} · ${statusOf(model.status).word} ${model.progress} %`;
    this.drawMeta();
    const shown = model.progress;
    this.bar.setAttribute("aria-valuenow", String(shown));
    this.bar.setAttribute("aria-valuetext", `${shown} %, ${model.sentence}`);
    this.bar.dataset.tone = statusOf(model.status).tone;
    this.fill.style.inlineSize = `${shown}%`;
    this.percent.textContent = `${shown} %`;
    this.sentence.textContent = model.sentence;
    if (this.status.dataset.shown !== model.status) {
      this.status.dataset.shown = model.status;
      this.status.replaceChildren(badge(model.status));
    }
    this.cancel.hidden = model.startedAt === null || model.isOver;
    this.again.hidden = !model.isOver || !this.report;
    this.drawFailure();
    this.drawTimeline();
    this.drawData();
    this.drawEvents();
    if (!model.isOver && model.startedAt !== null) this.tick();
  }

  /** While a step runs, its segment grows: four times a second is enough for the eye. */
  tick() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.drawTimeline(), 250);
  }

  drawMeta() {
    const { model, report } = this;
    const parts = [];
    if (model.revision !== null) parts.push(`revision ${model.revision}`);
    const by = report?.started_by ? ` by ${report.started_by}` : "";
    if (model.startedAt !== null) parts.push(`started ${moment(model.startedAt)}${by}`);
    const text = parts.map((part) => `${part} · `).join("");
    if (this.meta.firstChild.nodeValue !== text) {
      this.meta.replaceChildren(text, element("code", {}, this.executionID));
    }
  }

  drawFailure() {
    const { failure, status } = this.model;
    this.failure.hidden = failure === null;
    const shown = JSON.stringify([failure, status, Boolean(this.report)]);
    if (failure === null || this.failure.dataset.shown === shown) return;
    this.failure.dataset.shown = shown;
    const step = this.report?.steps?.find((one) => one.step_name === failure.step);
    const lines = step?.attempts?.findLast((attempt) => attempt.diagnostics)?.diagnostics;
    const title = failure.step ? `${failure.step} failed` : "The execution failed";
    this.failure.replaceChildren(
      element("h2", {}, title, failure.code ? [" ", element("code", {}, failure.code)] : null),
      element("p.message", {}, failure.message));
    if (lines) {
      this.failure.append(
        element(
          "details", { open: true }, element("summary", {}, "Last lines of the step"), element("pre", {}, lines)));
    }
  }

  drawTimeline() {
    const { model } = this;
    if (model.startedAt === null) return;
    const end = model.endedAt ?? Math.max(Date.now(), ...model.events.slice(-1).map((event) => Date.parse(event.time)));
    const span = Math.max(end - model.startedAt, 1);
    const at = (time) => `${Math.min(100, Math.max(0, ((time - model.startedAt) / span) * 100))}%`;
    for (const step of model.steps.values()) {
      let row = this.rows.get(step.path);
      if (row === undefined) {
        row = {
          shape: element("span.shape", {}), name: element("span", {}), detail: element("small", {}),
          track: element("span.track", {}), took: element("span.took", {}),
        };
        row.element = element(
          "li.step", { "data-row": true, tabindex: "-1" },
          row.shape, element("span.name", {}, row.name, row.detail), row.track, row.took);
        this.rows.set(step.path, row);
        this.timeline.append(row.element);
      }
      const { shape, word, tone } = statusOf(step.status);
      row.element.dataset.tone = tone;
      row.shape.textContent = shape;
      row.shape.setAttribute("aria-label", word);
      row.shape.setAttribute("role", "img");
      row.name.textContent = step.path;
      const attempts = step.attempts.length > 1 ? `${step.attempts.length} attempts` : null;
      row.detail.textContent = [step.function, attempts, step.reason].filter(Boolean).join(" · ");
      const ran = step.attempts.reduce((sum, attempt) => sum + ((attempt.endedAt ?? end) - attempt.startedAt), 0);
      row.took.textContent = step.attempts.length === 0 ? "" : duration(step.attempts.at(-1).milliseconds ?? ran);
      row.track.replaceChildren(
        ...step.attempts.flatMap((attempt, index) => {
          const before = step.attempts[index - 1]?.endedAt;
          const pause = before ? [segment("pause", before, attempt.startedAt, at, "waits to try again")] : [];
          return [...pause, ...segments(attempt, end, at)];
        }));
    }
    // The definition may come after the first event; its order is the page's.
    const order = [...model.steps.keys()];
    if (order.some((path, index) => this.timeline.children[index] !== this.rows.get(path).element)) {
      this.timeline.append(...order.map((path) => this.rows.get(path).element));
    }
    this.took.textContent = duration(end - model.startedAt);
    if (!model.isOver) this.tick();
  }

  drawData() {
    const { report } = this;
    const key = report ? `${report.status} ${report.steps.filter((step) => step.output !== null).length}` : "";
    if (this.data.dataset.shown === key) return;
    this.data.dataset.shown = key;
    if (!report) return;
    const output = report.output === null ? null : jsonSheet("Output", report.output);
    const outputs = report.steps.filter((step) => step.output !== null);
    this.data.replaceChildren(
      element("div.two", {}, jsonSheet("Inputs", report.inputs), output),
      ...outputs.map((step) => jsonSheet(`Output of ${step.step_name}`, step.output, false)));
  }

  drawEvents() {
    const { events } = this.model;
    this.eventCount.textContent = String(events.length);
    const shown = events.slice(-EVENTS_MAX);
    const last = Number(this.events.dataset.last ?? 0);
    for (const event of shown.filter(({ sequence }) => sequence > last)) {
      this.events.append(
        element(
          "li", {}, element("span.sequence", {}, event.sequence), element("b", {}, event.type),
          element("code", {}, clip(JSON.stringify(event.data), 400))));
    }
    while (this.events.children.length > EVENTS_MAX) this.events.firstElementChild.remove();
    this.events.dataset.last = String(events.at(-1)?.sequence ?? 0);
  }
}

/** Waiting for a host dotted, then the attempt itself. */
function segments(attempt, end, at) {
  const until = attempt.endedAt ?? end;
  const isMeasured = attempt.endedAt !== null && typeof attempt.milliseconds === "number";
  const from = isMeasured ? Math.max(attempt.startedAt, until - attempt.milliseconds) : attempt.startedAt;
  const parts = [];
  if (from - attempt.startedAt >= 1) parts.push(segment("queued", attempt.startedAt, from, at, "waits for a host"));
  const code = attempt.errorCode ? `: ${attempt.errorCode}` : "";
  parts.push(segment(attempt.outcome, from, until, at, `attempt ${attempt.number}, ${attempt.outcome}${code}`));
  return parts;
}

function segment(kind, from, until, at, label) {
  const made = element(`i.${kind}`, { title: `${label}, ${duration(until - from)}` });
  made.style.insetInlineStart = at(from);
  made.style.inlineSize = `calc(${at(until)} - ${at(from)})`;
  return made;
}

/** Characters of a value that are shown; a long one freezes no page. */
const TEXT_MAX = 20_000;

function jsonSheet(title, value, isOpen = true) {
  const text = typeof value === "string" ? value : JSON.stringify(value, null, 2);
  const isCut = text.length > TEXT_MAX;
  const note = isCut ? element("p.note", {}, `the first ${TEXT_MAX} of ${text.length} characters`) : null;
  return element(
    "details.sheet", { open: isOpen }, element("summary", {}, title, " ", element("em", {}, bytes(text.length))),
    element("pre", { tabindex: "0" }, clip(text, TEXT_MAX)), note);
}

function clip(text, max) {
  return text.length > max ? `${text.slice(0, max)} …` : text;
}

function bytes(count) {
  return count < 1000 ? `${count} characters` : `${(count / 1000).toFixed(1)} k`;
}
