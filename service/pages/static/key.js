/* The key of whoever looks at the pages: this tab's, until it is closed. */

const NAME = "weir-key";

export function kept() {
  return sessionStorage.getItem(NAME) ?? "";
}

export function keep(key) {
  sessionStorage.setItem(NAME, key);
}

export function forget() {
  sessionStorage.removeItem(NAME);
}

/* The fields of a request, with the key if there is one. */
export function keyed(fields) {
  return kept() ? { ...fields, Authorization: `Bearer ${kept()}` } : fields;
}
