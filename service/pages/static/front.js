/* Models that load: look each second whether they still do, and then show the page anew. */

const LOOK_MS = 1000;

const shown = [...document.querySelectorAll("[data-model]")].map(({ dataset }) => [dataset.model, dataset.state]);
const names = new Set(shown.map(([name]) => name));

function listed(states) {
  return states.map((each) => each.join(" ")).sort().join();
}

async function look() {
  try {
    const root = new URL(document.querySelector(".home").getAttribute("href"), location);
    const { models } = await (await fetch(new URL("models", root))).json();
    const now = models.filter(({ name }) => names.has(name)).map(({ name, state }) => [name, state]);
    if (listed(now) !== listed(shown)) {
      location.reload();
      return;
    }
  } catch {
    // The service may be restarting: the next look tells.
  }
  setTimeout(look, LOOK_MS);
}

if (shown.some(([, state]) => state !== "ready")) {
  look();
}
