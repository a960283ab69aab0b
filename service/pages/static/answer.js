/* An answer as people read it: labels with bars, a number, a table; and the raw JSON. */

import { element } from "./element.js";
import { parse, write } from "./json.js";

const BARS = 10;
const RAW_CHARS = 100_000;
const TOLD_CHARS = 60;
const SHOWN_ROWS = 1000;

/* Show the answer that *text* is; *timing* is the field Server-Timing. */
export function answered(text, timing, tookMs) {
  const { response } = parse(text);
  const isList = Array.isArray(response);
  const content = isList ? [tableOf(response)] : partsOf(response);
  const said = isList ? `${counted(response.length)} answered` : `Answered${summaryOf(response)}`;
  return {
    summary: `${said} in ${tookMs.toFixed(0)} ms.`,
    content: [...content, times(timing), raw(text)],
  };
}

/* Show why there is no answer: in a sentence that is read aloud, and in a list if it is much. */
export function refused({ title, detail, errors }, text) {
  const listed = errors.map((each) =>
    element("li", {}, element("code", {}, each.pointer || "the request"), ` ${each.detail}`));
  const more = listed.length > 1 ? [element("ul", {}, ...listed)] : [];
  const said = more.length > 0 ? `${errors.length} faults, of which the first is ${errors[0].detail}` : detail;
  return { summary: `${title}: ${said}`, content: text ? [...more, raw(text)] : more };
}

function counted(rows) {
  return rows === 1 ? "1 row" : `${rows} rows`;
}

function summaryOf(response) {
  const said = isScalar(response?.label) ? response.label : response?.value;
  return isScalar(said) ? `: ${textOf(said).slice(0, TOLD_CHARS)}` : "";
}

/* What an answer's members are is told by their shape: an output may have any name. */
function isScalar(value) {
  return value !== undefined && value !== null && typeof value !== "object";
}

function isNumber(value) {
  return typeof value === "number" || typeof value === "bigint";
}

function areScores(value) {
  return value !== null && typeof value === "object" && !Array.isArray(value) &&
    Object.values(value).length > 0 && Object.values(value).every(isNumber);
}

function areBest(value) {
  return Array.isArray(value) && value.length > 0 &&
    value.every((each) => typeof each?.label === "string" && isNumber(each.score));
}

function areTexts(value) {
  return Array.isArray(value) && value.every((each) => typeof each === "string");
}

function textOf(value) {
  return typeof value === "string" ? value : write(value);
}

function partsOf(response) {
  if (response === null || typeof response !== "object") {
    return [element("p", { class: "label" }, textOf(response))];
  }
  return Object.entries(response).map(([name, value]) => part(name, value));
}

function part(name, value) {
  if ((name === "label" || name === "value") && isScalar(value)) {
    return element("p", { class: "label" }, shortened(textOf(value)));
  }
  if (name === "labels" && areTexts(value)) {
    const items = value.map((each) => element("li", {}, each));
    return items.length > 0 ? element("ul", { class: "labels" }, ...items) : element("p", {}, "No label applies.");
  }
  if (name === "scores" && areScores(value)) {
    return titled("Scores", bars(Object.entries(value)));
  }
  if (name === "top" && areBest(value)) {
    return titled("Best", bars(value.map(({ label, score }) => [label, score])));
  }
  if (value !== null && typeof value === "object" && !Array.isArray(value)) {
    return titled(name, ...partsOf(value));
  }
  return titled(name, element("pre", {}, shortened(textOf(value))));
}

function titled(name, ...content) {
  return element("section", {}, element("h3", {}, name), ...content);
}

/* Bars where all scores are shares of one, the numbers alone where they are not. */
function bars(scores) {
  const areShares = scores.every(([, score]) => score >= 0 && score <= 1);
  const sorted = [...scores].sort(([, one], [, other]) => Number(other) - Number(one));
  const items = sorted.slice(0, BARS).map(([label, score]) => {
    const meter = element("meter", { min: 0, max: 1, value: score, "aria-label": label });
    const number = element("span", { class: "score" }, areShares ? Number(score).toFixed(4) : textOf(score));
    return element("li", {}, element("span", {}, label), areShares ? meter : element("span"), number);
  });
  const list = element("ul", { class: "bars" }, ...items);
  if (scores.length > BARS) {
    list.append(element("li", {}, `and ${scores.length - BARS} more`));
  }
  return list;
}

/* One line a row: its label with its score, its number, or what else the model says. */
function tableOf(rows) {
  const names = [...new Set(rows.flatMap((row) => Object.keys(row ?? {})))].filter((name) =>
    !rows.every((row) => areBest(row?.[name])));
  const isScore = (name) => name === "scores" && rows.every((row) => areScores(row?.scores));
  const head = ["row", ...names.map((name) => (isScore(name) ? "score" : name))];
  const lines = rows.slice(0, SHOWN_ROWS).map((row, at) => {
    const cells = names.map((name) => element("td", {}, cell(row?.[name], isScore(name))));
    return element("tr", {}, element("th", { scope: "row" }, String(at + 1)), ...cells);
  });
  const heads = element("tr", {}, ...head.map((name) => element("th", { scope: "col" }, name)));
  const table = element("table", {}, element("thead", {}, heads), element("tbody", {}, ...lines));
  const framed = element("div", { class: "wide", tabindex: 0, role: "region", "aria-label": "Answers by row" }, table);
  return rows.length > SHOWN_ROWS ? element("div", {}, framed, `and ${rows.length - SHOWN_ROWS} more`) : framed;
}

function cell(value, isScore) {
  if (isScore) {
    return Math.max(...Object.values(value).map(Number)).toFixed(4);
  }
  return value === undefined ? "" : shortened(textOf(value));
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
    return write(parse(text), 2);
  } catch {
    return text;
  }
}

function shortened(text) {
  return text.length > RAW_CHARS ? `${text.slice(0, RAW_CHARS)} … ${text.length} characters` : text;
}
