/* An answer as people read it: labels with bars, a number, a table; and the raw JSON. */

import { element } from "./element.js";

const BARS = 10;
const RAW_CHARS = 100_000;

/* Show the answer that *text* is; *timing* is the field Server-Timing. */
export function answered(text, timing, tookMs) {
  const { response } = JSON.parse(text);
  const several = Array.isArray(response);
  const content = several ? [tableOf(response)] : partsOf(response);
  const said = several ? `${response.length} rows answered` : `Answered${summaryOf(response)}`;
  return {
    summary: `${said} in ${tookMs.toFixed(0)} ms.`,
    content: [...content, times(timing), raw(text)],
  };
}

/* Show why there is no answer. */
export function refused(problem, text) {
  const title = problem.status ? `${problem.status} ${problem.title}` : "No answer";
  const listed = problem.errors.map((each) =>
    element("li", {}, element("code", {}, each.pointer || "the request"), ` ${each.detail}`));
  const said = listed.length > 0 ? element("ul", {}, ...listed) : element("p", {}, problem.detail);
  const told = element("div", { class: "problem" }, said);
  return { summary: `${title}.`, content: text ? [told, raw(text)] : [told] };
}

function summaryOf(response) {
  const said = response?.label ?? response?.value;
  return said === undefined ? "" : `: ${said}`;
}

function partsOf(response) {
  if (response === null || typeof response !== "object") {
    return [element("p", { class: "label" }, JSON.stringify(response))];
  }
  return Object.entries(response).map(([name, value]) => part(name, value));
}

function part(name, value) {
  if (name === "label" || name === "value") {
    return element("p", { class: "label" }, typeof value === "string" ? value : JSON.stringify(value));
  }
  if (name === "labels" && Array.isArray(value)) {
    return element("p", { class: "label" }, value.join(", ") || "none");
  }
  if (name === "scores") {
    return titled("Scores", bars(Object.entries(value)));
  }
  if (name === "top" && Array.isArray(value)) {
    return titled("Best", bars(value.map(({ label, score }) => [label, score])));
  }
  if (value !== null && typeof value === "object" && !Array.isArray(value)) {
    return titled(name, ...partsOf(value));
  }
  return titled(name, element("pre", {}, shortened(JSON.stringify(value))));
}

function titled(name, ...content) {
  return element("section", {}, element("h3", {}, name), ...content);
}

/* Bars where all scores are shares of one, the numbers alone where they are not. */
function bars(scores) {
  const are = scores.every(([, score]) => score >= 0 && score <= 1);
  const sorted = [...scores].sort(([, one], [, other]) => other - one);
  const items = sorted.slice(0, BARS).map(([label, score]) => {
    const meter = element("meter", { min: 0, max: 1, value: score, "aria-label": label });
    const number = element("span", { class: "score" }, are ? score.toFixed(4) : String(score));
    return element("li", {}, element("span", {}, label), are ? meter : element("span"), number);
  });
  const list = element("ul", { class: "bars" }, ...items);
  if (scores.length > BARS) {
    list.append(element("li", {}, `and ${scores.length - BARS} more`));
  }
  return list;
}

/* One line a row: its label with its score, its number, or what else the model says. */
function tableOf(rows) {
  const names = [...new Set(rows.flatMap((row) => Object.keys(row)))].filter((name) => name !== "top");
  const head = element("tr", {}, element("th", { scope: "col" }, "row"));
  head.append(...names.map((name) => element("th", { scope: "col" }, name === "scores" ? "score" : name)));
  const lines = rows.map((row, at) => {
    const line = element("tr", {}, element("th", { scope: "row" }, String(at + 1)));
    line.append(...names.map((name) => element("td", {}, cell(name, row))));
    return line;
  });
  const table = element("table", {}, element("thead", {}, head), element("tbody", {}, ...lines));
  return element("div", { class: "wide", tabindex: 0, role: "region", "aria-label": "Answers by row" }, table);
}

function cell(name, row) {
  const value = row[name];
  if (name === "scores") {
    return Math.max(...Object.values(value)).toFixed(4);
  }
  return typeof value === "string" ? value : shortened(JSON.stringify(value) ?? "");
}

/* The stages that the service has measured; https://www.w3.org/TR/server-timing/ */
function times(timing) {
  const stages = (timing ?? "").split(",").map((each) => each.trim().match(/^([\w-]+);.*?dur=([\d.]+)/));
  const rows = stages.filter(Boolean).map(([, name, ms]) =>
    element("tr", {}, element("th", { scope: "row" }, name), element("td", { class: "number" }, `${ms} ms`)));
  const table = element("table", { id: "stages" }, element("tbody", {}, ...rows));
  return element("details", { open: "" }, element("summary", {}, "Where the time went"), table);
}

function raw(text) {
  const pretty = text.length > RAW_CHARS ? text : laidOut(text);
  return element("details", {}, element("summary", {}, "Raw JSON"), element("pre", { id: "raw" }, shortened(pretty)));
}

/* JSON on lines of its own; what a proxy says instead, as it says it. */
function laidOut(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

function shortened(text) {
  return text.length > RAW_CHARS ? `${text.slice(0, RAW_CHARS)} … ${text.length} characters` : text;
}
