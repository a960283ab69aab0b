/* A model of features: a field for each, or rows of a table. */

import { parse } from "./csv.js";
import { element } from "./element.js";

const NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;
const WHOLE = /^-?\d{6,16}$/;
const INLINE_CHARS = 4000;

export async function features({ model, exampleUrl, ask }) {
  const example = await (await fetch(exampleUrl)).json();
  const fields = [...document.querySelectorAll("[data-feature]")];
  const rows = Array.isArray(example.rows) ? example.rows : [example];
  for (const field of fields) {
    fill(field, rows[0][field.dataset.feature]);
  }
  const given = rows === example.rows ? null : rowText(fields);
  const kinds = new Map(model.features.map((each) => [each.name, kindOf(each)]));
  const asked = () => question(rowText(fields), given);
  submitted("#form", async () => mark(fields, await ask(asked())));
  submitted("#rows", async () => {
    const table = tableOf(document.querySelector("#table").value, kinds);
    const problem = await ask(question(`{"rows": [${table.rows.map(objectText).join(", ")}]}`));
    document.querySelector("#pasted").replaceChildren(shown(table, problem));
  });
  return asked();
}

/* How a cell is read: categories that are texts stay texts, whatever they look like. */
function kindOf({ kind, categories }) {
  if (!categories) {
    return kind;
  }
  return categories.every((each) => typeof each === "string") ? "string" : "choice";
}

function submitted(form, act) {
  document.querySelector(form).addEventListener("submit", (event) => {
    event.preventDefault();
    act();
  });
}

function question(text, example) {
  const body = { body: text, mediaType: "application/json" };
  if (text.length <= INLINE_CHARS) {
    return { ...body, inline: text };
  }
  return text === example ? { ...body, isExample: true } : { ...body, file: "request.json", isMade: true };
}

function fill(field, value) {
  if (value === undefined || value === null) {
    field.value = "";
  } else if (field.dataset.kind === "choice") {
    const option = [...field.options].find((each) => each.value && JSON.parse(each.value) === value);
    field.value = option?.value ?? "";
  } else {
    field.value = String(value);
  }
}

/* The fields as the text of an object; what is empty is not sent. */
function rowText(fields) {
  return objectText(fields
    .filter((field) => field.value.trim() !== "")
    .map((field) => [field.dataset.feature, field.dataset.kind === "choice"
      ? field.value : valueText(field.value, field.dataset.kind)]));
}

function objectText(pairs) {
  return `{${pairs.map(([name, value]) => `${JSON.stringify(name)}: ${value}`).join(", ")}}`;
}

/* A number as it was typed, so that no digit is lost; what is none goes as the text that it is. */
function valueText(text, kind) {
  const trimmed = text.trim();
  const isNumber = { number: NUMBER, integer: NUMBER, datetime: WHOLE }[kind]?.test(trimmed);
  const isTruth = kind !== "string" && kind !== "datetime" && /^(?:true|false)$/i.test(trimmed);
  if (isTruth) {
    return trimmed.toLowerCase();
  }
  return isNumber ? trimmed : JSON.stringify(kind === "string" ? text : trimmed);
}

/* The pasted table: its columns' names and each row's pairs, by a first line of names or by order. */
function tableOf(text, kinds) {
  const cells = parse(text);
  const known = [...kinds.keys()];
  const isHead = cells.length > 0 && cells[0].some((cell) => kinds.has(cell.trim()));
  const names = isHead ? cells.shift().map((cell) => cell.trim()) : known;
  const rows = cells.map((row) => row.map((cell, at) => [names[at] ?? `column ${at + 1}`, cell])
    .filter(([name, cell]) => name !== "" && cell.trim() !== "") // an index has no name
    .map(([name, cell]) => [name, cellText(cell, kinds.get(name) ?? "string")]));
  return { names, cells, rows };
}

/* A category may be a text or a number; which, its own spelling tells. */
function cellText(cell, kind) {
  const isPlain = NUMBER.test(cell.trim()) || /^(?:true|false)$/.test(cell.trim());
  return kind === "choice" && isPlain ? cell.trim() : valueText(cell, kind === "choice" ? "string" : kind);
}

/* Show the service's faults beside the fields that their pointers name. */
function mark(fields, problem) {
  const faults = new Map((problem?.errors ?? []).map((each) => [stepsOf(each.pointer)[0], each.detail]));
  for (const field of fields) {
    const fault = faults.get(field.dataset.feature) ?? "";
    document.querySelector(`#${field.id}-fault`).textContent = fault;
    field.setAttribute("aria-invalid", String(fault !== ""));
  }
  fields.find((field) => field.ariaInvalid === "true")?.focus();
}

/* The rows as they were read, each with the faults of its cells. */
function shown({ names, cells }, problem) {
  const faults = new Map((problem?.errors ?? []).map((each) => [each.pointer, each.detail]));
  if (faults.size === 0) {
    return element("p", { class: "hint" }, `${cells.length} rows were sent.`);
  }
  const head = element("tr", {}, ...["row", ...names].map((name) => element("th", { scope: "col" }, name)));
  const lines = cells.map((row, number) => {
    const line = element("tr", {}, element("th", { scope: "row" }, String(number + 1)));
    line.append(...names.map((name, at) => cellOf(row[at] ?? "", faults.get(`/rows/${number}/${escaped(name)}`))));
    return line;
  });
  const table = element("table", {}, element("thead", {}, head), element("tbody", {}, ...lines));
  return element("div", { class: "wide", tabindex: 0, role: "region", "aria-label": "The rows as they were read" }, table);
}

function cellOf(text, fault) {
  return fault ? element("td", {}, text, element("p", { class: "fault" }, fault)) : element("td", {}, text);
}

/* JSON pointers: RFC 6901. */
function stepsOf(pointer) {
  return pointer.split("/").slice(1).map((step) => step.replaceAll("~1", "/").replaceAll("~0", "~"));
}

function escaped(step) {
  return step.replaceAll("~", "~0").replaceAll("/", "~1");
}
