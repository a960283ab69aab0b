/* Tables as text: CSV (RFC 4180), with semicolons too, and cells as spreadsheets copy them. */

export function parse(text) {
  const separator = separatorOf(text);
  const rows = [[]];
  let cell = "";
  let isQuoted = false;
  for (let at = 0; at < text.length; at += 1) {
    const char = text[at];
    if (isQuoted) {
      if (char !== '"') {
        cell += char;
      } else if (text[at + 1] === '"') {
        cell += '"';
        at += 1;
      } else {
        isQuoted = false;
      }
    } else if (char === '"' && cell === "") {
      isQuoted = true;
    } else if (char === separator) {
      rows.at(-1).push(cell);
      cell = "";
    } else if (char === "\n") {
      rows.at(-1).push(cell);
      cell = "";
      rows.push([]);
    } else if (char !== "\r") {
      cell += char;
    }
  }
  rows.at(-1).push(cell);
  return rows.filter((row) => row.some((each) => each.trim() !== ""));
}

function separatorOf(text) {
  const line = text.trimStart().split("\n", 1)[0];
  if (line.includes("\t")) {
    return "\t";
  }
  return line.split(";").length > line.split(",").length ? ";" : ",";
}
