/* A model of tensors: the request as JSON. */

import { parse, write } from "./json.js";

const INLINE_CHARS = 4000;

/* A longer example is not put into the editor, which it would stop. */
const EDITED_CHARS = 200_000;

export async function tensor({ example, ask }) {
  const text = await example.text();
  const editor = document.querySelector("#json");
  if (text.length <= EDITED_CHARS) {
    editor.value = written(parse(text), "");
  } else {
    editor.placeholder = `The example has ${text.length} characters; it is sent as it is while this is empty.`;
  }
  const given = editor.value;
  const asked = () => question(editor.value === given ? text : editor.value, editor.value === given);
  document.querySelector("#form").addEventListener("submit", async () => {
    const problem = await ask(asked());
    if (problem !== undefined) {
      document.querySelector("#json-fault").textContent = problem?.detail ?? "";
      editor.setAttribute("aria-invalid", String(problem !== null));
    }
  });
  return asked();
}

function question(text, isExample) {
  const body = { body: text, mediaType: "application/json" };
  if (text.length <= INLINE_CHARS) {
    return { ...body, inline: text };
  }
  return isExample ? { ...body, isExample } : { ...body, file: "request.json", isMade: true };
}

/* Lists of lists a line each. */
function written(value, indent) {
  const inner = `${indent}  `;
  if (Array.isArray(value) && value.some(Array.isArray)) {
    return `[\n${value.map((each) => inner + written(each, inner)).join(",\n")}\n${indent}]`;
  }
  if (value !== null && typeof value === "object" && !Array.isArray(value)) {
    const members = Object.entries(value).map(([name, each]) =>
      `${inner}${JSON.stringify(name)}: ${written(each, inner)}`);
    return `{\n${members.join(",\n")}\n${indent}}`;
  }
  return write(value);
}
