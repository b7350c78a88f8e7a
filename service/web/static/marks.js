// A place on a page and all that speaks of it: pointing at one lights the others.

/** `onKeep(mark, origin)` is called when a mark is chosen by click or key. */
export function startMarks(onKeep) {
  const partners = new Map();
  for (const element of document.querySelectorAll("[data-mark]")) {
    const mark = element.dataset.mark;
    partners.set(mark, [...(partners.get(mark) ?? []), element]);
  }
  const paint = (mark, name, on) => {
    for (const element of partners.get(mark) ?? []) element.classList.toggle(name, on);
  };
  const elementOf = (event) => event.target.closest?.("[data-mark]");
  let kept = null;

  const keep = (mark, origin = null) => {
    if (kept) paint(kept, "kept", false);
    kept = mark;
    if (!mark) return;
    paint(mark, "kept", true);
    onKeep(mark, origin);
  };
  for (const [on, off] of [["mouseover", "mouseout"], ["focusin", "focusout"]]) {
    document.addEventListener(on, (event) => { const found = elementOf(event); if (found) paint(found.dataset.mark, "lit", true); });
    document.addEventListener(off, (event) => { const found = elementOf(event); if (found) paint(found.dataset.mark, "lit", false); });
  }
  document.addEventListener("click", (event) => {
    const found = elementOf(event);
    if (found) keep(found.dataset.mark, found);
  });
  document.addEventListener("keydown", (event) => {
    const found = elementOf(event);
    if (found && (event.key === "Enter" || event.key === " ") && !found.matches("button")) {
      event.preventDefault();
      keep(found.dataset.mark, found);
    }
  });
  return { keep, kept: () => kept, partners: (mark) => partners.get(mark) ?? [] };
}
