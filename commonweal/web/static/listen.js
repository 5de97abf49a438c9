// Statements by keys and by swipe. Everything here is a press of a button that stands on the page: without
// this file one presses it oneself.
const OFF = "keys-off"; // kept in this browser only
const KEYS = { a: "agree", arrowright: "agree", d: "disagree", arrowleft: "disagree", p: "pass" };
const FAR = 90, EDGE = 24, SETTLE = 350; // pixels, pixels, milliseconds
const told = document.querySelector("#told"), lost = document.querySelector("#turn-lost");
const calm = matchMedia("(prefers-reduced-motion: reduce)");
const turn = () => document.querySelector("#turn");
const button = (value) => turn()?.querySelector(`button[value="${value}"]`);
let since = -SETTLE; // a page that has just come takes the first press

// What was pressed twice counts once: the second press would fall on the next statement, unread.
const press = (value) => {
  if (performance.now() - since < SETTLE || turn()?.getAttribute("aria-busy")) return;
  button(value)?.click();
};

document.addEventListener("click", (event) => {
  if (!event.target.closest("#turn .cw-vote__btn")) return;
  if (event.detail < 2 && performance.now() - since >= SETTLE) return;
  event.preventDefault();
  event.stopImmediatePropagation();
}, true);

// Once the card is another, htmx speaks of that one: so what was sent is remembered.
const sent = new WeakSet();
const isTurn = (event) => sent.has(event.detail.ctx ?? event);
document.addEventListener("htmx:before:request", (event) => {
  if (event.detail.ctx.sourceElement?.id !== "turn") return;
  sent.add(event.detail.ctx);
  turn()?.setAttribute("aria-busy", "true");
  if (lost) lost.hidden = true;
});

document.addEventListener("htmx:finally:request", (event) => {
  if (!isTurn(event)) return;
  turn()?.removeAttribute("aria-busy");
  since = performance.now();
  ready();
  const said = document.querySelector("#card")?.dataset.told;
  if (told && said) told.textContent = said;
});

// What did not come through is said; the statement stays as it was. Answers that say why are shown.
const isLost = (event) => { if (lost && isTurn(event)) lost.hidden = false; };
document.addEventListener("htmx:error", isLost);
document.addEventListener("htmx:before:response", (event) => {
  if (!isTurn(event) || event.detail.ctx.response.status < 500) return;
  event.preventDefault();
  isLost(event);
});

// Keys: never while somebody writes or chooses, never with another key held, and not for who turned them off.
const areOff = () => { try { return localStorage.getItem(OFF) === "1"; } catch { return false; } };
const turnKeys = (off) => { try { localStorage.setItem(OFF, off ? "1" : "0"); } catch { /* then for this page only */ } };

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey || event.shiftKey || event.repeat || areOff()) return;
  if (event.defaultPrevented || event.target.closest("input, textarea, select, summary, [contenteditable]")) return;
  const key = event.key.toLowerCase();
  if (key === "u") {
    const back = document.querySelector("#card [data-key=back]");
    if (back) { event.preventDefault(); back.click(); }
    return;
  }
  if (!KEYS[key] || !button(KEYS[key])) return;
  event.preventDefault();
  press(KEYS[key]);
});

// Swipes: the card follows the finger, and says what it would do; let go early, and nothing happens.
let from = null;
const card = (event) => event.target.closest?.(".cw-swipe");
const away = (event) => event.clientX - from.x;
const still = () => {
  if (from) { from.card.removeAttribute("style"); delete from.card.dataset.leans; }
  from = null;
};

document.addEventListener("pointerdown", (event) => {
  if (event.pointerType !== "touch" || !event.isPrimary || !card(event)) return still();
  if (event.clientX < EDGE || event.clientX > innerWidth - EDGE) return; // there the browser goes back
  from = { x: event.clientX, y: event.clientY, card: card(event) };
});

document.addEventListener("pointermove", (event) => {
  if (!from || event.pointerType !== "touch") return;
  const x = away(event), y = event.clientY - from.y;
  if (Math.abs(y) > 40 && Math.abs(y) > Math.abs(x)) return still();
  if (!calm.matches) from.card.style.transform = `translateX(${Math.round(x / 2)}px)`;
  if (Math.abs(x) >= FAR) from.card.dataset.leans = x > 0 ? "agree" : "disagree";
  else delete from.card.dataset.leans;
});

document.addEventListener("pointerup", (event) => {
  if (!from) return;
  const leans = from.card.dataset.leans;
  still();
  if (leans && event.pointerType === "touch") press(leans);
});
document.addEventListener("pointercancel", still);

// What only works with this file is told only where it works.
function ready() {
  const keys = document.querySelector("[data-keys]");
  if (keys) {
    keys.hidden = !matchMedia("(hover: hover)").matches;
    const words = keys.querySelector("[data-keys-words]"), toggle = keys.querySelector("button");
    const show = () => {
      words.hidden = areOff();
      toggle.textContent = areOff() ? keys.dataset.off : keys.dataset.on;
    };
    toggle.addEventListener("click", () => { turnKeys(!areOff()); show(); });
    show();
  }
  const swipes = document.querySelector("[data-swipes]");
  if (swipes) swipes.hidden = !matchMedia("(pointer: coarse)").matches;
}
ready();
