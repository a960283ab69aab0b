/* JSON in which no integer is rounded: those beyond 2^53 are BigInts, where the browser can tell. */

const WHOLE = /^-?\d+$/;

export function parse(text) {
  return JSON.parse(text, (_name, value, context) => {
    const isRounded = typeof value === "number" && Number.isInteger(value) && !Number.isSafeInteger(value);
    return isRounded && WHOLE.test(context?.source ?? "") ? BigInt(context.source) : value;
  });
}

export function write(value, indent) {
  const exact = (_name, each) => (typeof each === "bigint" ? JSON.rawJSON(String(each)) : each);
  return JSON.stringify(value, exact, indent);
}
