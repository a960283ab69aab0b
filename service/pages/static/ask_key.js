/* The page that asks for a key: asks for the same address with it, and shows what comes in its place. */

import { forget, keep, kept, keyed } from "./key.js";

const told = document.querySelector("#told");
const field = document.querySelector("#key");

/* A page comes as a whole: it replaces this one, which a navigation could not have asked for with a key. */
async function open() {
  const answer = await fetch(location.href, { headers: keyed({ Accept: "text/html" }) });
  const text = await answer.text();
  if (answer.ok || answer.status === 404 || answer.status === 503) {
    document.open();
    document.write(text);
    document.close();
    return;
  }
  if (answer.status === 401) {
    forget();
  }
  told.textContent = saidBy(text) ?? `${answer.status} ${answer.statusText}`;
  field.focus();
}

/* What a refusal says, as a page or as a problem. */
function saidBy(text) {
  try {
    return JSON.parse(text).detail;
  } catch {
    return new DOMParser().parseFromString(text, "text/html").querySelector("#told")?.textContent;
  }
}

async function tryToOpen() {
  told.textContent = "Opening …";
  try {
    await open();
  } catch (error) {
    told.textContent = `No answer came: ${error.message}`;
  }
}

document.querySelector("#ask-key").addEventListener("submit", (event) => {
  event.preventDefault();
  const key = field.value.trim();
  if (/[^\x21-\x7e]/.test(key)) {
    told.textContent = "A key has letters, digits and signs of ASCII, and no space.";
    return;
  }
  keep(key);
  tryToOpen();
});
if (kept()) {
  tryToOpen();
}
