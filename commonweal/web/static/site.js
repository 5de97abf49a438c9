// Everything works without this file; it only saves a reload or a scroll.
import { createAll, Button, CharacterCount, ErrorSummary, SkipLink } from "./vendor/govuk-frontend.js";

document.body.classList.add("js-enabled", "govuk-frontend-supported");
for (const part of [Button, CharacterCount, ErrorSummary, SkipLink]) createAll(part);

// A form with data-autosubmit sends itself when a choice changes.
document.addEventListener("change", (event) => {
  const form = event.target.closest("form[data-autosubmit]");
  if (form) form.requestSubmit();
});
