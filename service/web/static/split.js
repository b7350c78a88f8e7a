// The border between pages and record, moved by pointer or arrow keys and remembered.
const KEPT = "formloop.split";
const LEAST = 20;
const MOST = 80;

export function startSplit(handle, work) {
  const set = (percent) => {
    const share = Math.min(Math.max(percent, LEAST), MOST);
    work.style.setProperty("--left", `${share}fr`);
    work.style.setProperty("--right", `${100 - share}fr`);
    handle.setAttribute("aria-valuenow", String(Math.round(share)));
    localStorage.setItem(KEPT, String(share));
  };
  const kept = Number(localStorage.getItem(KEPT));
  if (kept) set(kept);
  handle.addEventListener("pointerdown", (event) => {
    handle.setPointerCapture(event.pointerId);
    event.preventDefault();
  });
  handle.addEventListener("pointermove", (event) => {
    if (!handle.hasPointerCapture(event.pointerId)) return;
    const frame = work.getBoundingClientRect();
    set((100 * (event.clientX - frame.left)) / frame.width);
  });
  handle.addEventListener("keydown", (event) => {
    const by = { ArrowLeft: -4, ArrowRight: 4 }[event.key];
    if (by) set(Number(handle.getAttribute("aria-valuenow")) + by);
  });
}
