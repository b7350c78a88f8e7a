"use strict";
(() => {
  const partners = new Map();
  for (const element of document.querySelectorAll("[data-mark]")) {
    const mark = element.dataset.mark;
    if (!mark) continue;
    if (!partners.has(mark)) partners.set(mark, []);
    partners.get(mark).push(element);
  }
  let kept = null;
  const light = (mark, on) => {
    for (const element of partners.get(mark) || []) element.classList.toggle("lit", on);
  };
  const markOf = (event) => event.target.closest?.("[data-mark]")?.dataset.mark || null;
  const isShown = (element) => element.getClientRects().length > 0;

  const keep = (element, mark) => {
    if (kept) light(kept, false);
    kept = mark;
    light(mark, true);
    const onPage = element.matches("rect");
    const other = partners.get(mark).find((one) => one.matches("rect") !== onPage && isShown(one));
    other?.scrollIntoView({ block: "center", inline: "nearest" });
  };

  document.addEventListener("mouseover", (event) => { const mark = markOf(event); if (mark) light(mark, true); });
  document.addEventListener("mouseout", (event) => { const mark = markOf(event); if (mark && mark !== kept) light(mark, false); });
  document.addEventListener("click", (event) => {
    const mark = markOf(event);
    if (mark) keep(event.target.closest("[data-mark]"), mark);
  });
  document.addEventListener("focusin", (event) => { const mark = markOf(event); if (mark) light(mark, true); });
  document.addEventListener("focusout", (event) => { const mark = markOf(event); if (mark && mark !== kept) light(mark, false); });
  document.addEventListener("keydown", (event) => {
    const mark = markOf(event);
    if (mark && (event.key === "Enter" || event.key === " ")) {
      event.preventDefault();
      keep(event.target.closest("[data-mark]"), mark);
    } else if (event.key === "Escape" && kept) {
      light(kept, false);
      kept = null;
    }
  });
  document.getElementById("all-cells").addEventListener("change", (event) => {
    document.body.classList.toggle("all-cells", event.target.checked);
  });
})();
