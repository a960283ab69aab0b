/* Tables as text: CSV (RFC 4180), with semicolons too, and cells as spreadsheets copy them. */

const BYTE_ORDER_MARK = /^\ufeff/;

/* The cells by row, without empty rows, of a table that may have the columns *names*. */
export function parse(text, names) {
  const plain = text.replace(BYTE_ORDER_MARK, "");
  const separator = separatorOf(plain, names);
  const rows = [[]];
  let cell = "";
  let isQuoted = false;
  const close = () => {
    rows.at(-1).push(cell);
    cell = "";
  };
  for (let at = 0; at < plain.length; at += 1) {
    const char = plain[at];
    if (isQuoted && char === '"' && plain[at + 1] === '"') {
      cell += char;
      at += 1;
    } else if (char === '"' && (isQuoted || cell === "")) {
      isQuoted = !isQuoted;
    } else if (isQuoted) {
      cell += char;
    } else if (char === separator) {
      close();
    } else if (char === "\n") {
      close();
      rows.push([]);
    } else if (char !== "\r") {
      cell += char;
    }
  }
  close();
  return rows.filter((row) => row.some((each) => each.trim() !== ""));
}

/*
What parts the first line: what makes names of it, or as many cells as there are names, else what
stands there most. A line of a table of one column is a cell.
*/
function separatorOf(text, names) {
  const line = text.trim().split("\n", 1)[0];
  const split = ["\t", ";", ","].map((each) => [each, line.split(each)]);
  const isHead = ([, cells]) => cells.some((cell) => names.includes(cell.trim().replaceAll('"', "")));
  const fits = ([, cells]) => cells.length > 1 && cells.length === names.length;
  const best = split.find(isHead) ?? split.find(fits);
  if (best || names.length === 1) {
    return best?.[0] ?? null;
  }
  return split.reduce((most, each) => (each[1].length > most[1].length ? each : most))[0];
}
