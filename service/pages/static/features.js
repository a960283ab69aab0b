/* A model of features: a field for each, or rows of a table. */

import { parse, write } from "./json.js";
import { escaped, shown, tableOf } from "./table.js";

const NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;
const WHOLE = /^-?\d{6,16}$/;
const TRUTH = /^(?:true|false)$/i;
const INLINE_CHARS = 4000;

export async function features({ model, example, ask }) {
  const given = parse(await example.text());
  const fields = [...document.querySelectorAll("[data-feature]")];
  const isList = Array.isArray(given.rows);
  const filled = fill(fields, isList ? given.rows[0] : given);
  const golden = isList ? null : rowText(fields, filled);
  const asked = () => question(rowText(fields, filled), golden);
  const kinds = new Map(model.features.map((each) => [each.name, kindOf(each)]));
  const pasted = document.querySelector("#pasted");

  document.querySelector("#form").addEventListener("submit", async () => {
    const problem = await ask(asked());
    if (problem !== undefined) {
      mark(fields, problem);
      pasted.replaceChildren();
    }
  });
  document.querySelector("#rows").addEventListener("submit", async () => {
    const table = tableOf(document.querySelector("#table").value, kinds, cellText);
    const problem = await ask(question(`{"rows": [${table.rows.map(objectText).join(", ")}]}`));
    if (problem !== undefined) {
      mark(fields, null);
      pasted.replaceChildren(...shown(table, problem));
    }
  });
  return asked();
}

/* How a cell is read: categories that are texts stay texts, whatever they look like. */
function kindOf({ kind, categories }) {
  return kind !== "string" && categories ? "choice" : kind;
}

function question(text, golden) {
  const body = { body: text, mediaType: "application/json" };
  if (text.length <= INLINE_CHARS) {
    return { ...body, inline: text };
  }
  return text === golden ? { ...body, isExample: true } : { ...body, file: "request.json", isMade: true };
}

/* Fill the fields; returns what each shows and the JSON text of the value that it stands for. */
function fill(fields, row) {
  return new Map(fields.map((field) => {
    const value = row[field.dataset.feature] ?? null;
    if (value === null) {
      field.value = "";
    } else if (field.dataset.kind === "choice") {
      const option = [...field.options].find((each) => each.value && parse(each.value) === value);
      field.value = option?.value ?? "";
    } else {
      field.value = String(value);
    }
    return [field, { shown: field.value, text: value === null ? "" : write(value) }];
  }));
}

/* The fields as the text of an object: untouched ones as they were filled, empty ones not at all. */
function rowText(fields, filled) {
  const pairs = fields.map((field) => {
    const { shown: before, text } = filled.get(field);
    return [field.dataset.feature, field.value === before ? text : fieldText(field)];
  });
  return objectText(pairs.filter(([, text]) => text !== ""));
}

function fieldText(field) {
  if (field.value === "" || field.dataset.kind === "choice") {
    return field.value;
  }
  return valueText(field.value, field.dataset.kind);
}

function objectText(pairs) {
  return `{${pairs.map(([name, value]) => `${JSON.stringify(name)}: ${value}`).join(", ")}}`;
}

/* A number as it was typed, so that no digit is lost; what is none goes as the text that it is. */
function valueText(text, kind) {
  const trimmed = text.trim();
  const isNumber = { number: NUMBER, integer: NUMBER, datetime: WHOLE }[kind]?.test(trimmed);
  if (TRUTH.test(trimmed) && kind !== "string" && kind !== "datetime") {
    return trimmed.toLowerCase();
  }
  return isNumber ? trimmed : JSON.stringify(kind === "string" ? text : trimmed);
}

/* A category that is no text is a number or a truth, as its own spelling tells. */
function cellText(cell, kind) {
  return kind === "choice" ? valueText(cell, "number") : valueText(cell, kind);
}

/* Show the service's faults beside the fields that their pointers name. */
function mark(fields, problem) {
  const faults = new Map((problem?.errors ?? []).map((each) => [each.pointer, each.detail]));
  for (const field of fields) {
    const fault = faults.get(`/${escaped(field.dataset.feature)}`) ?? "";
    document.querySelector(`#${field.id}-fault`).textContent = fault;
    field.setAttribute("aria-invalid", String(fault !== ""));
  }
  fields.find((field) => field.getAttribute("aria-invalid") === "true")?.focus();
}
