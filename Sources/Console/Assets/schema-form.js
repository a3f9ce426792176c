import { element } from "./dom.js";

/**
 * A form for a value that a JSON Schema describes: one field for each property, or the whole value as JSON text.
 * What was typed is never lost: a change to the other view carries it over, and a refusal leaves it as it is.
 */
export class SchemaForm {
  /** @param {object|null} schema of an object; null: any object */
  constructor(schema) {
    this.schema = schema ?? {};
    this.properties = Object.entries(this.schema.properties ?? {});
    this.required = new Set(this.schema.required ?? []);
    this.fields = new Map();
    const fields = this.properties.map(([name, property]) => this.field(name, property ?? {}));
    this.fieldsView = element("div.fields", {}, fields);
    this.rawText = element("textarea.mono", {
      id: id("json"), name: "json", rows: 10, spellcheck: "false", "aria-describedby": id("json-fault"),
    });
    this.rawFault = element("p.fault", { id: id("json-fault"), hidden: true });
    this.rawView = element(
      "div.fields", { hidden: true },
      element("div.field", {}, element("label", { for: id("json") }, "Inputs as JSON"), this.rawText, this.rawFault));
    this.general = element("div.faults", { role: "alert" });
    this.tabs = element("button.quiet", { type: "button", onclick: () => this.toggle() }, "Edit as JSON");
    this.element = element("div.schema-form", {}, this.general, this.fieldsView, this.rawView, this.tabs);
    if (this.properties.length === 0) {
      this.rawText.value = "{}";
      this.isRaw = true;
      this.rawView.hidden = false;
      this.fieldsView.hidden = true;
      this.tabs.hidden = true;
      if (schema !== null && schema !== undefined) this.fieldsView.textContent = "";
    }
  }

  field(name, property) {
    const kind = kindOf(property);
    const fieldID = id(name);
    const help = [property.description, property.format && kind === "text" ? `as ${property.format}` : null]
      .filter(Boolean).join(" · ");
    const attributes = {
      id: fieldID, name, "aria-required": this.required.has(name) ? "true" : null,
      "aria-describedby": `${fieldID}-help ${fieldID}-fault`,
    };
    // What may be left out can be left empty.
    const none = this.required.has(name) ? null : element("option", { value: "" }, "");
    let input;
    switch (kind) {
      case "choice":
        input = element(
          "select", attributes, none,
          property.enum.map((choice, index) => {
            const text = typeof choice === "string" ? choice : JSON.stringify(choice);
            return element("option", { value: String(index) }, text);
          }));
        break;
      case "boolean":
        input = element(
          "select", attributes, none, element("option", { value: "true" }, "yes"),
          element("option", { value: "false" }, "no"));
        break;
      case "number":
        input = element("input", { ...attributes, inputmode: "decimal", autocomplete: "off" });
        break;
      case "json":
        input = element("textarea.mono", {
          ...attributes, rows: 3, spellcheck: "false", placeholder: property.type === "array" ? "[ ]" : "{ }",
        });
        break;
      default: {
        const types = { date: "date", email: "email", uri: "url" };
        input = types[property.format]
          ? element("input", { ...attributes, type: types[property.format] })
          : element("textarea", { ...attributes, rows: 1 });
      }
    }
    if (property.default !== undefined) this.put(input, kind, property, property.default);
    const fault = element("p.fault", { id: `${fieldID}-fault`, hidden: true });
    const label = property.title ?? name;
    const file = kind === "text" && input.tagName === "TEXTAREA" ? this.file(input, label) : null;
    this.fields.set(name, { input, kind, property, fault });
    return element(
      "div.field", {},
      element(
        "div.label", {}, element("label", { for: fieldID }, label),
        this.required.has(name) ? element("span.required", {}, "required") : null, file),
      input, element("p.help", { id: `${fieldID}-help` }, help), fault);
  }

  /** A file read as text into the field. */
  file(input, label) {
    const chooser = element("input", {
      type: "file", hidden: true, "aria-label": `File for ${label}`,
      onchange: async () => {
        const [chosen] = chooser.files;
        if (chosen) input.value = await chosen.text();
      },
    });
    return [chooser, element("button.quiet", { type: "button", onclick: () => chooser.click() }, "from a file")];
  }

  put(input, kind, property, value) {
    if (kind === "choice") input.value = String(property.enum.findIndex((choice) => same(choice, value)));
    else if (kind === "json") input.value = JSON.stringify(value, null, 2);
    else input.value = String(value);
  }

  toggle() {
    this.clear();
    if (!this.isRaw) {
      this.rawText.value = this.textOfFields(false);
    } else {
      let value;
      try {
        value = JSON.parse(this.rawText.value);
      } catch (error) {
        return this.say(this.rawFault, this.rawText, `this is no JSON: ${error.message}`);
      }
      this.fill(value);
    }
    this.isRaw = !this.isRaw;
    this.rawView.hidden = !this.isRaw;
    this.fieldsView.hidden = this.isRaw;
    this.tabs.textContent = this.isRaw ? "Edit as a form" : "Edit as JSON";
  }

  /** Shows a value; what no field has is kept and sent with the rest. */
  fill(value) {
    this.others = {};
    for (const [name, { input, kind, property }] of this.fields) {
      if (value?.[name] === undefined) input.value = "";
      else this.put(input, kind, property, value[name]);
    }
    for (const [name, other] of Object.entries(value ?? {})) {
      if (!this.fields.has(name)) this.others[name] = other;
    }
    if (this.properties.length === 0) this.rawText.value = JSON.stringify(value ?? {}, null, 2);
  }

  /**
   * The value as JSON text, numbers as they were typed: a double would change the long ones.
   * @returns {string|null} null: a fault is shown beside its field
   */
  read() {
    this.clear();
    if (!this.isRaw) return this.textOfFields(true);
    try {
      JSON.parse(this.rawText.value);
      return this.rawText.value;
    } catch (error) {
      this.say(this.rawFault, this.rawText, `this is no JSON: ${error.message}`);
      return null;
    }
  }

  /** @param {boolean} says whether what cannot be read is a fault; otherwise it is carried over as a text */
  textOfFields(says) {
    const members = Object.entries(this.others ?? {}).map(([name, value]) => [name, JSON.stringify(value)]);
    let isReadable = true;
    for (const [name, { input, kind, property, fault }] of this.fields) {
      // An empty field is left out: what is missing is for the server to say.
      if (input.value === "") continue;
      const read = readField(kind, property, input.value);
      if (read.fault === undefined) members.push([name, read.json]);
      else if (!says) members.push([name, JSON.stringify(input.value)]);
      else {
        this.say(fault, input, read.fault);
        isReadable = false;
      }
    }
    if (!isReadable) this.element.querySelector("[aria-invalid=true]")?.focus();
    const lines = members.map(([name, json]) => `  ${JSON.stringify(name)}: ${json}`);
    return isReadable ? (lines.length === 0 ? "{}" : `{\n${lines.join(",\n")}\n}`) : null;
  }

  /** Shows what the server refused: each fault beside its field, the others above. */
  show(faults, otherwise) {
    this.clear();
    const above = [];
    for (const { path = "", message } of faults) {
      const [, root, name, ...rest] = path.split("/").map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"));
      const field = root === "inputs" && !this.isRaw ? this.fields.get(name) ?? this.missing(message) : undefined;
      if (field) this.say(field.fault, field.input, rest.length > 0 ? `${rest.join(".")}: ${message}` : message);
      else above.push(path.replace(/^\/inputs\/?/, "") ? `${path.replace(/^\/inputs\/?/, "")}: ${message}` : message);
    }
    if (faults.length === 0) above.push(otherwise);
    this.general.replaceChildren(...above.map((text) => element("p", {}, text)));
    this.element.querySelector("[aria-invalid=true]")?.focus();
  }

  /** The field that a fault of the whole value names: "… is missing" stands at the object, not at its member. */
  missing(message) {
    for (const [name, field] of this.fields) {
      if (message.includes(`"${name}"`) || message.includes(`'${name}'`)) return field;
    }
    return undefined;
  }

  say(fault, input, message) {
    fault.textContent = message;
    fault.hidden = false;
    input.setAttribute("aria-invalid", "true");
  }

  clear() {
    this.general.replaceChildren();
    for (const fault of this.element?.querySelectorAll(".fault") ?? []) fault.hidden = true;
    for (const input of this.element?.querySelectorAll("[aria-invalid]") ?? []) input.removeAttribute("aria-invalid");
  }
}

let forms = 0;
function id(name) {
  return `input-${forms}-${name}`;
}

/** Begins a form, whose fields' identifiers are its own. */
export function schemaForm(schema) {
  forms += 1;
  return new SchemaForm(schema);
}

function kindOf(property) {
  if (Array.isArray(property.enum)) return "choice";
  switch (property.type) {
    case "boolean": return "boolean";
    case "integer":
    case "number": return "number";
    case "string": return "text";
    default: return "json";
  }
}

/** @returns {{json: string}|{fault: string}} */
export function readField(kind, property, text) {
  switch (kind) {
    case "choice": return { json: JSON.stringify(property.enum[Number(text)]) };
    case "boolean": return { json: text };
    case "number": {
      const number = text.trim();
      if (/^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/.test(number)) return { json: number };
      return { fault: `"${text}" is no number` };
    }
    case "json":
      try {
        JSON.parse(text);
        return { json: text };
      } catch (error) {
        return { fault: `this is no JSON: ${error.message}` };
      }
    default: return { json: JSON.stringify(text) };
  }
}

function same(a, b) {
  return JSON.stringify(a) === JSON.stringify(b);
}
