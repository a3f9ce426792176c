import { element, moment, Refusal, request, statusOf } from "./dom.js";
import { schemaForm } from "./schema-form.js";

/** Runs shown for each workflow. */
const RUNS_MAX = 12;
/** Rows in the document at a time; further ones come with the button below. */
const ROWS_MAX = 50;

/** The list of workflows, with a form to start each. */
export async function workflowsPage(main) {
  document.title = "Workflows · Stepstream";
  const filter = element("input", {
    type: "search", "data-filter": true, "aria-label": "Filter by name", placeholder: "Filter by name",
    value: new URLSearchParams(location.search).get("name") ?? "",
  });
  const list = element("div.sheet.workflows", {});
  const note = element("p.note", { role: "status" }, "Loading …");
  const more = element("button", { type: "button", hidden: true }, "Show more");
  main.replaceChildren(
    element("div.top", {}, element("h1", {}, "Workflows"), element("div.actions", {}, filter)), note, list, more);

  let workflows;
  try {
    workflows = await all("/api/v1/workflows?limit=500");
  } catch (refusal) {
    note.textContent = `The workflows cannot be read: ${refusal.message}`;
    note.classList.add("bad");
    return;
  }
  let shown = ROWS_MAX;
  const draw = () => {
    const wanted = filter.value.trim().toLowerCase();
    const found = workflows.filter(({ name }) => name.toLowerCase().includes(wanted));
    list.replaceChildren(...found.slice(0, shown).map(row));
    list.hidden = found.length === 0;
    more.hidden = found.length <= shown;
    if (workflows.length === 0) {
      const command = element("code", {}, "stepstream apply FILE");
      note.replaceChildren("There is no workflow yet. Write one and ", command, ".");
    } else note.textContent = found.length === workflows.length ? "" : `${found.length} of ${workflows.length}`;
  };
  filter.addEventListener("input", () => {
    shown = ROWS_MAX;
    const address = new URL(location.href);
    if (filter.value.trim() === "") address.searchParams.delete("name");
    else address.searchParams.set("name", filter.value.trim());
    history.replaceState(null, "", address);
    draw();
  });
  more.addEventListener("click", () => {
    shown += ROWS_MAX;
    draw();
  });
  draw();
}

/** Every page of a list. */
async function all(path) {
  const items = [];
  let next = null;
  do {
    const page = await request(next === null ? path : `${path}&cursor=${encodeURIComponent(next)}`);
    items.push(...page.items);
    next = page.next;
  } while (next !== null);
  return items;
}

function row(workflow) {
  const runs = element("div.runs", {});
  showRuns(runs, workflow.name);
  return element(
    "article.workflow", { "data-row": true },
    element(
      "div.name", {}, element("h2", {}, workflow.name),
      element("small", {}, `revision ${workflow.revision} · ${moment(workflow.created_at)}`)),
    runs,
    element(
      "button.main",
      { type: "button", "aria-label": `Start ${workflow.name}`, onclick: () => openStart(workflow.name) },
      element("span", { "aria-hidden": "true" }, "▶"), " Start"));
}

/** The outcomes of the last runs, the newest at the right, each a way to its page. */
async function showRuns(place, name) {
  let page;
  try {
    page = await request(`/api/v1/executions?limit=${RUNS_MAX}&workflow=${encodeURIComponent(name)}`);
  } catch (refusal) {
    place.append(element("small", {}, refusal.message));
    return;
  }
  if (page.items.length === 0) {
    place.append(element("small", {}, "no runs yet"));
    return;
  }
  const ended = page.items.filter((run) => ["completed", "failed"].includes(run.status));
  const good = ended.filter((run) => run.status === "completed").length;
  place.append(
    element("div.strip", {}, page.items.toReversed().map((run) => {
      const { shape, word, tone } = statusOf(run.status);
      const label = `${word}, ${moment(run.started_at)}`;
      const way = { href: `/executions/${run.execution_id}`, title: label, "aria-label": label };
      return element(`a.outcome.${tone}`, way, shape);
    })),
    element("small", {}, ended.length === 0 ? "" : `${good} of ${ended.length} completed`));
}

/** The form of a workflow's inputs, in a dialog. */
async function openStart(name) {
  const fault = element("div.faults", { role: "alert" });
  const body = element("div", {}, element("p.note", {}, "Loading …"));
  const execute = element("button.main", { type: "submit", disabled: true }, "Execute workflow");
  const dialog = element(
    "dialog.start", { "aria-labelledby": "start-title" },
    element("h2", { id: "start-title" }, `Start ${name}`));
  const form = element(
    "form", { novalidate: true }, body, fault,
    element(
      "div.actions", {}, element("button", { type: "button", onclick: () => dialog.close() }, "Cancel"), execute));
  dialog.append(form);
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();

  let fields;
  try {
    const workflow = await request(`/api/v1/workflows/${encodeURIComponent(name)}`);
    fields = schemaForm(workflow.inputs);
    body.replaceChildren(fields.element);
    execute.disabled = false;
    (body.querySelector("input:not([hidden]), textarea, select") ?? execute).focus();
  } catch (refusal) {
    body.replaceChildren();
    fault.textContent = refusal.message;
    return;
  }
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const inputs = fields.read();
    if (inputs === null) return;
    execute.disabled = true;
    fault.replaceChildren();
    try {
      const started = await start(name, inputs);
      location.assign(`/executions/${started.execution_id}`);
    } catch (refusal) {
      if (!(refusal instanceof Refusal)) throw refusal;
      fields.show(refusal.faults, refusal.message);
      execute.disabled = false;
    }
  });
}

/** Starts an execution. @param {string} inputs JSON text */
export function start(name, inputs) {
  const path = `/api/v1/workflows/${encodeURIComponent(name)}/execute`;
  return request(path, { method: "POST", text: `{"inputs":${inputs}}` });
}
