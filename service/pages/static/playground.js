/* A model's playground: what the form asks, sent to the public API, and its answer shown. */

import { answered, refused } from "./answer.js";
import { code } from "./code.js";
import { features } from "./features.js";
import { picture } from "./picture.js";
import { tensor } from "./tensor.js";

const KINDS = { image: picture, features, tensor };

const place = document.querySelector("#playground");
const address = new URL(place.dataset.address, location);
const predictUrl = new URL(`${address.pathname}/predict`, address).href;
const exampleUrl = new URL(`${address.pathname}/example`, address).href;
const status = document.querySelector("#status");

let latest = 0;

/* Send *question* ({body, mediaType, …}) and show what comes; returns the problem, if it is one. */
async function ask(question) {
  const turn = (latest += 1);
  status.textContent = "Asking …";
  document.querySelector("#code").replaceChildren(...code(question, predictUrl, exampleUrl));
  const begun = performance.now();
  let shown;
  let problem = null;
  try {
    const headers = { "Content-Type": question.mediaType, Accept: "application/json" };
    const answer = await fetch(predictUrl, { method: "POST", headers, body: question.body });
    const text = await answer.text();
    const tookMs = performance.now() - begun;
    if (answer.ok) {
      shown = answered(text, answer.headers.get("Server-Timing"), tookMs);
    } else {
      problem = problemOf(text, answer);
      shown = refused(problem, text);
    }
  } catch (error) {
    problem = { detail: `no answer came: ${error.message}`, errors: [] };
    shown = refused(problem, "");
  }
  if (turn !== latest) {
    return null; // a later question has been asked meanwhile
  }
  status.textContent = shown.summary;
  document.querySelector("#answer").replaceChildren(...shown.content);
  status.scrollIntoView({ block: "nearest" });
  return problem;
}

function problemOf(text, answer) {
  try {
    return { errors: [], ...JSON.parse(text) };
  } catch {
    return { detail: `${answer.status} ${answer.statusText}`, errors: [] };
  }
}

const card = await fetch(address, { headers: { Accept: "application/json" } });
const { model } = await card.json();
const first = await KINDS[place.dataset.kind]({ model, exampleUrl, ask });
document.querySelector("#code").replaceChildren(...code(first, predictUrl, exampleUrl));
place.dataset.ready = "yes";
