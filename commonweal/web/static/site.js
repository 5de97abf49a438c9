// Everything works without this file; it only saves a reload or a scroll.
import { createAll, Button, CharacterCount, ErrorSummary, SkipLink } from "./vendor/govuk-frontend.js";

document.body.classList.add("js-enabled", "govuk-frontend-supported");
for (const part of [Button, CharacterCount, ErrorSummary, SkipLink]) createAll(part);

// A voting code may come behind the # of an address, which no server sees: fill it in, and clear it.
const typed = document.querySelector("[data-from-hash]");
if (typed && location.hash.length > 1) {
  typed.value = decodeURIComponent(location.hash.slice(1)).slice(0, 100);
  history.replaceState(null, "", location.pathname);
}

// A form with data-autosubmit sends itself when a choice changes.
document.addEventListener("change", (event) => {
  const form = event.target.closest("form[data-autosubmit]");
  if (form) form.requestSubmit();
});

// Presses on a ballot wait for one another; each says what the form says when its turn has come.
document.addEventListener("htmx:before:request", (event) => {
  const { request } = event.detail.ctx;
  if (request.form?.id !== "ballot") return;
  const pressed = request.body.get("do");
  request.body = new URLSearchParams(new FormData(request.form));
  if (pressed) request.body.set("do", pressed);
});
