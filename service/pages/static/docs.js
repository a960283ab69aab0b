/* The viewer of the API's documentation, from this host's own files, light or dark as asked for. */

import { keyed } from "./key.js";

const place = document.querySelector("#docs");
const dark = matchMedia("(prefers-color-scheme: dark)");
const source = new URL(place.dataset.source, location).href;

const NAMES = { textarea: "Request body", select: "Choice", input: "Value" };

function follow() {
  document.documentElement.classList.toggle("dark-mode", dark.matches);
}

/* The viewer names some fields by what stands beside them, which assistive technology cannot see. */
function label() {
  for (const field of place.querySelectorAll("textarea, input, select")) {
    if (!field.hasAttribute("aria-label") && field.labels?.length === 0) {
      const beside = field.closest("tr")?.querySelector(".parameter__name")?.textContent;
      field.setAttribute("aria-label", beside || field.title || field.placeholder || NAMES[field.localName]);
    }
  }
  for (const heading of place.querySelectorAll("h3:not([role]), h4:not([role]), h5:not([role])")) {
    heading.setAttribute("role", "heading");
    heading.setAttribute("aria-level", heading.localName[1] - 1); // it leaves out the second level
  }
  for (const region of place.querySelectorAll("table[role=region]:not([aria-label])")) {
    region.setAttribute("aria-label", region.id.replaceAll("_", " "));
  }
  place.querySelector(".filter-container")?.setAttribute("role", "search");
  const about = place.querySelector(".information-container:not([role])");
  about?.setAttribute("role", "region");
  about?.setAttribute("aria-label", "About the API");
}

follow();
dark.addEventListener("change", follow);
new MutationObserver(label).observe(place, { childList: true, subtree: true });
window.SwaggerUIBundle({
  url: source,
  dom_id: "#docs",
  docExpansion: "list",
  filter: true,
  defaultModelsExpandDepth: 0,
  tryItOutEnabled: true,
  validatorUrl: null,
  // A key that is entered in the viewer itself counts before the tab's.
  requestInterceptor: (request) => {
    const own = Object.keys(request.headers).some((name) => /^(authorization|x-api-key)$/i.test(name));
    request.headers = own ? request.headers : keyed(request.headers);
    return request;
  },
});
