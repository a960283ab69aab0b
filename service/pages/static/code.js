/* The same request as a program sends it: curl, Python's requests, JavaScript's fetch. */

import { element } from "./element.js";

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
  return question.isMade ? [kept(question), ...listings] : listings;
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
  const button = element("button", { type: "button", class: "copy", "aria-label": `Copy ${name}` }, "Copy");
  button.addEventListener("click", async () => {
    await copy(text, listing);
    button.textContent = "Copied";
    setTimeout(() => button.replaceChildren("Copy"), COPIED_MS);
  });
  return element("div", { class: "titled" }, element("h3", {}, name), button);
}

/* Outside of secure contexts, which plain HTTP is but on localhost, there is no clipboard. */
async function copy(text, listing) {
  if (navigator.clipboard) {
    await navigator.clipboard.writeText(text);
    return;
  }
  getSelection().selectAllChildren(listing);
  document.execCommand("copy");
}

function curl({ mediaType, inline, file, isExample }, url, exampleUrl) {
  const end = `-H ${shell(`Content-Type: ${mediaType}`)} \\\n  ${shell(url)}`;
  if (isExample) {
    return `curl -s ${shell(exampleUrl)} |\n  curl --data-binary @- ${end}`;
  }
  if (file) {
    return `curl --data-binary ${shell(`@${file}`)} ${end}`;
  }
  return `curl -d ${shell(inline)} \\\n  ${end}`;
}

function python({ mediaType, inline, file, isExample }, url, exampleUrl) {
  const headers = `headers={"Content-Type": ${JSON.stringify(mediaType)}}`;
  const end = "print(answer.json())";
  if (isExample) {
    return `import requests\n\nexample = requests.get(${JSON.stringify(exampleUrl)}).content\n` +
      `answer = requests.post(${JSON.stringify(url)}, data=example,\n    ${headers})\n${end}`;
  }
  if (file) {
    return `import requests\n\nwith open(${JSON.stringify(file)}, "rb") as body:\n` +
      `    answer = requests.post(${JSON.stringify(url)}, data=body,\n        ${headers})\n${end}`;
  }
  return `import requests\n\nanswer = requests.post(${JSON.stringify(url)},\n` +
    `    json=${pythonLiteral(inline)})\n${end}`;
}

function javascript({ mediaType, inline, file, isExample }, url, exampleUrl) {
  const ask = `const answer = await fetch(${JSON.stringify(url)}, {\n  method: "POST",\n` +
    `  headers: { "Content-Type": ${JSON.stringify(mediaType)} },\n`;
  const end = "});\nconsole.log(await answer.json());";
  if (isExample) {
    return `const example = await fetch(${JSON.stringify(exampleUrl)});\n` +
      `${ask}  body: await example.arrayBuffer(),\n${end}`;
  }
  if (file) {
    return 'import { readFile } from "node:fs/promises"; // in a browser: the file of an <input>\n\n' +
      `${ask}  body: await readFile(${JSON.stringify(file)}),\n${end}`;
  }
  return `${ask}  body: ${javascriptBody(inline)},\n${end}`;
}

function shell(text) {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/* JSON is Python but for three words, and for the escaped slash. */
function pythonLiteral(json) {
  const words = { true: "True", false: "False", null: "None" };
  return json.replaceAll(/"(?:[^"\\]|\\.)*"|true|false|null/g, (found) =>
    words[found] ?? found.replaceAll("\\/", "/"));
}

/* JSON is JavaScript but for integers that it would round, and for one name. */
function javascriptBody(json) {
  const isLiteral = !/\d{16}|__proto__/.test(json);
  return isLiteral ? `JSON.stringify(${json})` : JSON.stringify(json);
}
