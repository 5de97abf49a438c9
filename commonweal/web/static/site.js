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

// Presses on a ballot wait for one another; each says what the form says when its turn has come. A
// total that somebody else's turn will tell is not asked for, and who goes on to check waits as well.
const lost = document.querySelector("#ballot-lost");
const isBallot = (event) => event.detail.ctx.request?.form?.id === "ballot";
let waiting = 0, onward = "";

document.addEventListener("htmx:config:request", (event) => { if (isBallot(event)) waiting += 1; });

document.addEventListener("htmx:before:request", (event) => {
  if (!isBallot(event)) return;
  const { request } = event.detail.ctx;
  const pressed = request.body.get("do");
  if (!pressed && waiting > 1) event.preventDefault();
  request.body = new URLSearchParams(new FormData(request.form));
  if (pressed) request.body.set("do", pressed);
  if (lost) lost.hidden = true;
});

document.addEventListener("htmx:finally:request", (event) => {
  if (!isBallot(event)) return;
  waiting -= 1;
  if (waiting || !onward) return;
  const { form } = event.detail.ctx.request;
  const button = [...form.elements].find((one) => one.name === "do" && one.value === onward);
  onward = "";
  if (button && !lost?.checkVisibility()) form.requestSubmit(button);
});

document.addEventListener("submit", (event) => {
  if (event.target.id !== "ballot" || !waiting) return;
  event.preventDefault();
  onward = event.submitter?.value ?? "";
});

// What did not come through is said; the form stays as it was.
const isLost = (event) => { if (lost && isBallot(event)) lost.hidden = false; };
document.addEventListener("htmx:error", isLost);
document.addEventListener("htmx:before:response", (event) => {
  if (!isBallot(event) || event.detail.ctx.response.status < 400) return;
  event.preventDefault();
  isLost(event);
});

// Of a double click only the first counts, or the second would take out what the first put in. What
// lies there by then may be another button: of the same idea, or at the same place of the page. Points
// one by one and steps in one direction are meant, and so are quick taps with a scroll between them.
const NEAR = 30;
let last = { x: -NEAR, y: -NEAR, value: "" };

document.addEventListener("click", (event) => {
  const button = event.target.closest("button[name=do][hx-post]");
  if (!button || /^(more|less)-/.test(button.value)) return;
  const here = { x: event.pageX, y: event.pageY, value: button.value };
  const isPlace = Math.abs(here.x - last.x) < NEAR && Math.abs(here.y - last.y) < NEAR;
  const isIdea = here.value.split("-")[1] === last.value.split("-")[1];
  const isStep = here.value === last.value && /^(up|down)-/.test(here.value);
  last = here;
  if (event.detail < 2 || isStep || !(isPlace || isIdea)) return;
  event.preventDefault();
  event.stopImmediatePropagation();
}, true);

document.addEventListener("click", (event) => { if (event.target.closest("[data-print]")) print(); });
