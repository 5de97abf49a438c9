// A kiosk forgets whoever has left: after ninety seconds without a touch it asks, then begins anew.
// Without script the page does so by itself after ten minutes.
const start = document.body.dataset.start;
const dialog = document.getElementById("still-there");
const [ASKS, FORGETS] = [90_000, 30_000];
let timer;

function wait() {
  clearTimeout(timer);
  timer = setTimeout(ask, ASKS);
}

function ask() {
  dialog.showModal();
  timer = setTimeout(() => location.replace(start), FORGETS);
}

if (start) {
  for (const kind of ["pointerdown", "keydown", "scroll", "input"]) {
    addEventListener(kind, () => dialog.open || wait(), { passive: true });
  }
  // Not at the touch, whose end would press what lies beneath. Escape closes without a submit; that
  // it closed may be told late, when it asks again already.
  dialog.addEventListener("submit", wait);
  dialog.addEventListener("close", () => dialog.open || wait());
  addEventListener("pageshow", (event) => event.persisted && location.replace(start));
  wait();
}
