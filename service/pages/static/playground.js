/* A model's playground: what the form asks, sent to the public API, and its answer shown. */

import { answered, refused } from "./answer.js";
import { code } from "./code.js";
import { features } from "./features.js";
import { keyed } from "./key.js";
import { picture } from "./picture.js";
import { tensor } from "./tensor.js";

const KINDS = { image: picture, features, tensor };

const place = document.querySelector("#playground");
const address = new URL(place.dataset.address, location);
const predictUrl = new URL(`${address.pathname}/predict`, address).href;
const exampleUrl = new URL(`${address.pathname}/example`, address).href;

let latest = 0;

/*
Send *question* ({body, mediaType, …}) and show what comes. Returns the problem, null if it is none,
and undefined where a later question has been asked meanwhile.
*/
async function ask(question) {
  const turn = (latest += 1);
  tell("Asking …");
  print(question);
  const begun = performance.now();
  const headers = { "Content-Type": question.mediaType, Accept: "application/json" };
  const got = await received(predictUrl, { method: "POST", headers, body: question.body });
  if (turn !== latest) {
    return undefined;
  }
  const shown = got.problem
    ? refused(got.problem, got.text)
    : answered(got.text, got.timing, performance.now() - begun);
  document.querySelector("#answer").replaceChildren(...shown.content);
  tell(shown.summary, got.problem !== null);
  document.querySelector("#status").scrollIntoView({ block: "nearest" });
  return got.problem;
}

/* Answers as a text and what is wrong with it, if anything is; a network's failure is a problem too. */
async function received(url, options) {
  try {
    const answer = await fetch(url, { ...options, headers: keyed(options.headers) });
    const text = await answer.text();
    const isAnswer = answer.ok && memberOf(text, "success") === true;
    const problem = isAnswer ? null : problemOf(text, answer);
    return { text, problem, timing: answer.headers.get("Server-Timing") };
  } catch (error) {
    return { text: "", problem: { title: "No answer", detail: `no answer came: ${error.message}`, errors: [] } };
  }
}

/* What a refusal says; also one of a proxy's, which may be anything. */
function problemOf(text, answer) {
  const title = `${answer.status} ${memberOf(text, "title") ?? answer.statusText}`.trim();
  const errors = memberOf(text, "errors");
  const listed = Array.isArray(errors) ? errors : [];
  return {
    title,
    detail: memberOf(text, "detail") ?? `${title}, in words that are not this service's`,
    errors: listed.map((each) => ({ pointer: each?.pointer ?? "", detail: each?.detail ?? "" })),
  };
}

function memberOf(text, name) {
  try {
    return JSON.parse(text)?.[name] ?? undefined;
  } catch {
    return undefined;
  }
}

function print(question) {
  document.querySelector("#code").replaceChildren(...code(question, predictUrl, exampleUrl));
}

function tell(text, isProblem = false) {
  const status = document.querySelector("#status");
  status.textContent = text;
  status.classList.toggle("problem", isProblem);
}

/* Fetch what the page begins with. Throws an Error with the service's own words. */
async function found(url, headers) {
  const answer = await fetch(url, { headers: keyed(headers) });
  if (!answer.ok) {
    throw new Error(problemOf(await answer.text(), answer).detail);
  }
  return answer;
}

async function begin() {
  const card = await found(address, { Accept: "application/json" });
  const { model } = await card.json();
  const example = await found(exampleUrl, {});
  print(await KINDS[place.dataset.kind]({ model, example, ask, tell }));
  place.dataset.ready = "yes";
}

document.addEventListener("submit", (event) => event.preventDefault()); // also while it begins
try {
  await begin();
} catch (error) {
  tell(`The model cannot be tried now: ${error.message}. Load the page again.`, true);
}
