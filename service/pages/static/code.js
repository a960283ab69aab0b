/* The same request as a program sends it: curl, Python's requests, JavaScript's fetch. */

import { element } from "./element.js";
import { kept as keptKey } from "./key.js";

const COPIED_MS = 2000;

/*
A question's body is its example ({isExample}), a file that is there ({file}) or that this page has
made ({isMade}), or JSON that fits into the command ({inline}).
*/
export function code(question, url, exampleUrl) {
  const forms = { curl, Python: python, JavaScript: javascript };
  const listings = Object.entries(forms).map(([name, say]) => {
    const text = say(question, url, exampleUrl);
    const listing = element("pre", { "data-code": name }, element("code", {}, text));
    return element("section", {}, titleOf(name, text, listing), listing);
  });
  const before = question.isMade ? [kept(question)] : [];
  if (keptKey()) {
    before.push(element("p", {}, "It takes your key from the environment, where it is API_KEY."));
  }
  return [...before, ...listings];
}

let saved = "";

/* A file that this page has made is to be saved before a command can read it. */
function kept({ body, mediaType, file }) {
  URL.revokeObjectURL(saved);
  saved = URL.createObjectURL(new Blob([body], { type: mediaType }));
  const link = element("a", { href: saved, download: file, class: "button" }, `Save ${file}`);
  return element("p", {}, "It reads what was sent from a file: ", link);
}

function titleOf(name, text, listing) {
  const label = [element("span", { class: "unseen" }, `${name}: `), "Copy"];
  const button = element("button", { type: "button", class: "copy" }, ...label);
  button.addEventListener("click", async () => {
    const isCopied = await copy(text, listing);
    button.textContent = isCopied ? "Copied" : "Selected";
    setTimeout(() => button.replaceChildren(...label), COPIED_MS);
  });
  return element("div", { class: "titled" }, element("h3", {}, name), element("span", { role: "status" }, button));
}

/* Whether it is in the clipboard, which plain HTTP has on localhost alone; else it is selected. */
async function copy(text, listing) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    getSelection().selectAllChildren(listing);
    return document.execCommand("copy");
  }
}

function curl({ mediaType, inline, file, isExample }, url, exampleUrl) {
  const key = keptKey() ? '-H "X-API-Key: $API_KEY" ' : "";
  const end = `${key}-H ${shell(`Content-Type: ${mediaType}`)} \\\n  ${shell(url)}`;
  if (isExample) {
    return `curl -s ${key}${shell(exampleUrl)} |\n  curl --data-binary @- ${end}`;
  }
  if (file) {
    return `curl --data-binary ${shell(`@${file}`)} ${end}`;
  }
  return `curl --data-raw ${shell(inline)} \\\n  ${end}`;
}

function python({ mediaType, inline, file, isExample }, url, exampleUrl) {
  const isKeyed = keptKey() !== "";
  const imports = isKeyed ? "import os\nimport requests\n\n" : "import requests\n\n";
  const key = isKeyed ? '"X-API-Key": os.environ["API_KEY"]' : "";
  const keyAlone = key && `,\n    headers={${key}}`;
  const headers = `headers={"Content-Type": ${JSON.stringify(mediaType)}${key && `, ${key}`}}`;
  const end = "print(answer.json())";
  if (isExample) {
    return `${imports}example = requests.get(${JSON.stringify(exampleUrl)}${keyAlone}).content\n` +
      `answer = requests.post(${JSON.stringify(url)}, data=example,\n    ${headers})\n${end}`;
  }
  if (file) {
    return `${imports}with open(${JSON.stringify(file)}, "rb") as body:\n` +
      `    answer = requests.post(${JSON.stringify(url)}, data=body,\n        ${headers})\n${end}`;
  }
  const body = isPlain(inline)
    ? `json=${pythonLiteral(inline)}${keyAlone}`
    : `data=${JSON.stringify(inline)}.encode(),\n    ${headers}`;
  return `${imports}answer = requests.post(${JSON.stringify(url)},\n    ${body})\n${end}`;
}

function javascript({ mediaType, inline, file, isExample }, url, exampleUrl) {
  const key = keptKey() ? '"X-API-Key": process.env.API_KEY' : ""; // in a browser: wherever it is kept
  const ask = `const answer = await fetch(${JSON.stringify(url)}, {\n  method: "POST",\n` +
    `  headers: { "Content-Type": ${JSON.stringify(mediaType)}${key && `, ${key}`} },\n`;
  const end = "});\nconsole.log(await answer.json());";
  if (isExample) {
    return `const example = await fetch(${JSON.stringify(exampleUrl)}${key && `, { headers: { ${key} } }`});\n` +
      `${ask}  body: await example.arrayBuffer(),\n${end}`;
  }
  if (file) {
    return 'import { readFile } from "node:fs/promises"; // in a browser: the file of an <input>\n\n' +
      `${ask}  body: await readFile(${JSON.stringify(file)}),\n${end}`;
  }
  const body = isPlain(inline) ? `JSON.stringify(${inline})` : JSON.stringify(inline);
  return `${ask}  body: ${body},\n${end}`;
}

function shell(text) {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/* Plain JSON is Python but for three words. */
function pythonLiteral(json) {
  const words = { true: "True", false: "False", null: "None" };
  return json.replaceAll(/"(?:[^"\\]|\\.)*"|true|false|null/g, (found) => words[found] ?? found);
}

/*
Whether a literal of *json* is the same in either language, and sent as the same: no number that is
rounded or out of range, no escaped slash, no name with a meaning of its own or that stands twice, no
nesting that Python does not read.
*/
function isPlain(json) {
  if (/\d{16}|[eE][+-]?\d{3}|\\\/|__proto__|(?:\[\s*){50}|(?:\{[^{}]*){50}/.test(json)) {
    return false;
  }
  let members = 0;
  try {
    JSON.parse(json, (_name, value) => {
      members += value !== null && typeof value === "object" && !Array.isArray(value) ? Object.keys(value).length : 0;
      return value;
    });
  } catch {
    return false;
  }
  return members === (json.match(/"(?:[^"\\]|\\.)*"\s*:/g) ?? []).length;
}
