/* Rows that were pasted: read by a first line of names or by order, and shown with their faults. */

import { parse } from "./csv.js";
import { element } from "./element.js";

const SHOWN_ROWS = 100;

/* JSON pointers cut a long name there (service/faults.py). */
const STEP_CHARS = 100;

/* The table that *text* is for features of *kinds*: names, cells, and each row's pairs for *valueText*. */
export function tableOf(text, kinds, valueText) {
  const known = [...kinds.keys()];
  const cells = parse(text, known);
  const isHead = cells.length > 0 && cells[0].some((cell) => kinds.has(cell.trim()));
  const names = isHead ? cells.shift().map((cell) => cell.trim()) : known;
  const rows = cells.map((row) => row.map((cell, at) => [names[at] ?? `column ${at + 1}`, cell])
    .filter(([name, cell]) => name !== "" && cell.trim() !== "") // an index has no name
    .map(([name, cell]) => [name, valueText(cell, kinds.get(name) ?? "string")]));
  return { names, cells, rows };
}

/* What became of the rows: how many were answered, or those that have faults, in their cells. */
export function shown({ names, cells }, problem) {
  const count = cells.length === 1 ? "1 row" : `${cells.length} rows`;
  if (!problem) {
    return [element("p", { class: "hint" }, `${count} answered.`)];
  }
  const faults = new Map(problem.errors.map((each) => [each.pointer, each.detail]));
  const lines = [];
  for (const [number, row] of cells.entries()) {
    const told = names.map((name) => take(faults, `/rows/${number}/${escaped(name)}`));
    if (told.some(Boolean) && lines.length < SHOWN_ROWS) {
      lines.push(line(number, row, told));
    }
  }
  const others = [...faults].map(([pointer, detail]) =>
    element("p", { class: "fault" }, `${pointer || "the rows"}: ${detail}`));
  return lines.length > 0 ? [...others, framed(names, lines)] : others;
}

function take(faults, pointer) {
  const fault = faults.get(pointer);
  faults.delete(pointer);
  return fault;
}

function line(number, row, told) {
  const cells = told.map((fault, at) => {
    const text = row[at] ?? "";
    return fault ? element("td", {}, text, element("p", { class: "fault" }, fault)) : element("td", {}, text);
  });
  return element("tr", {}, element("th", { scope: "row" }, String(number + 1)), ...cells);
}

function framed(names, lines) {
  const head = element("tr", {}, ...["row", ...names].map((name) => element("th", { scope: "col" }, name)));
  const table = element("table", {}, element("thead", {}, head), element("tbody", {}, ...lines));
  return element("div", { class: "wide", tabindex: 0, role: "region", "aria-label": "Rows with faults" }, table);
}

/* A step of a JSON pointer: RFC 6901. */
export function escaped(step) {
  return step.slice(0, STEP_CHARS).replaceAll("~", "~0").replaceAll("/", "~1");
}
