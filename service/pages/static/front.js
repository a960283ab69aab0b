/* Models that are not ready: look ever more rarely whether they are, and then show the page anew. */

import { keyed } from "./key.js";

const FIRST_MS = 1000;
const MOST_MS = 60_000;

const shown = [...document.querySelectorAll("[data-model]")].map(({ dataset }) => [dataset.model, dataset.state]);
const names = new Set(shown.map(([name]) => name));
const isLoading = shown.some(([, state]) => state === "loading");

function listed(states) {
  return states.map((each) => each.join(" ")).sort().join();
}

/* Whether the service says something else than the page; not while nobody sees it. */
async function hasChanged() {
  if (document.hidden) {
    return false;
  }
  try {
    const root = new URL(document.querySelector(".home").getAttribute("href"), location);
    const { models } = await (await fetch(new URL("models", root), { headers: keyed({}) })).json();
    const now = models.filter(({ name }) => names.has(name)).map(({ name, state }) => [name, state]);
    return listed(now) !== listed(shown);
  } catch {
    return false; // the service may be restarting
  }
}

async function look(waitMs) {
  if (await hasChanged()) {
    location.reload();
    return;
  }
  setTimeout(look, waitMs, isLoading ? waitMs : Math.min(2 * waitMs, MOST_MS));
}

if (shown.some(([, state]) => state !== "ready")) {
  look(FIRST_MS);
}
