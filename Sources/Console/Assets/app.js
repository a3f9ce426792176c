import { element } from "./dom.js";
import { runPage } from "./run.js";
import { workflowsPage } from "./workflows.js";

/** Which page the address names. */
const pages = [
  { pattern: /^\/workflows$/, page: workflowsPage },
  { pattern: /^\/executions\/([^/]+)$/, page: (main, found) => runPage(main, decodeURIComponent(found[1])) },
];

const main = document.querySelector("main");
for (const { pattern, page } of pages) {
  const found = pattern.exec(location.pathname);
  if (!found) continue;
  page(main, found);
  for (const link of document.querySelectorAll("header nav a")) {
    if (link.pathname === location.pathname) link.setAttribute("aria-current", "page");
  }
}

// Keyboard: `g w` goes to the workflows, `/` to what filters a list, `?` shows the keys.
const help = element(
  "dialog.keys", { "aria-labelledby": "keys-title" },
  element("h2", { id: "keys-title" }, "Keys"),
  element(
    "dl", {},
    [["g w", "workflows"], ["/", "filter"], ["j k", "next and previous row"], ["?", "these keys"], ["Esc", "close"]]
      .map(([key, does]) => element("div", {}, element("dt", {}, element("kbd", {}, key)), element("dd", {}, does)))),
  element("form", { method: "dialog" }, element("button", {}, "Close")));
document.body.append(help);

let isAfterG = false;
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.closest("input, textarea, select, dialog")) return;
  const wasAfterG = isAfterG;
  isAfterG = event.key === "g";
  if (wasAfterG && event.key === "w") location.assign("/workflows");
  else if (event.key === "?") help.showModal();
  else if (event.key === "/") {
    const filter = document.querySelector("[data-filter]");
    if (filter) {
      event.preventDefault();
      filter.focus();
    }
  } else if (event.key === "j" || event.key === "k") {
    const rows = [...document.querySelectorAll("[data-row]")];
    const at = rows.indexOf(document.activeElement?.closest("[data-row]"));
    const next = rows[Math.min(rows.length - 1, Math.max(0, at + (event.key === "j" ? 1 : -1)))];
    (next?.querySelector("a, button") ?? next)?.focus();
  }
});
