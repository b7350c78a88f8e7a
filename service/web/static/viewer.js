// The pages of a document, to zoom and to move about in. Boxes scale with the picture.
const STEPS = [0.1, 0.15, 0.2, 0.25, 0.33, 0.4, 0.5, 0.6, 0.75, 0.9, 1, 1.25, 1.5, 2, 3, 4];
const MARGIN_PX = 28;
const CAPTION_PX = 22;

export function startViewer(viewer) {
  const viewport = viewer.querySelector("[data-viewport]");
  const stage = viewer.querySelector("[data-stage]");
  const sheets = [...viewer.querySelectorAll("[data-sheet]")];
  let zoom = 1;
  let fit = "width";

  const setZoom = (wanted, at = null) => {
    const frame = viewport.getBoundingClientRect();
    const x = (at?.x ?? frame.left + frame.width / 2) - frame.left;
    const y = (at?.y ?? frame.top + frame.height / 2) - frame.top;
    const before = { left: (viewport.scrollLeft + x) / zoom, top: (viewport.scrollTop + y) / zoom };
    zoom = Math.min(Math.max(wanted, STEPS[0]), STEPS.at(-1));
    for (const sheet of sheets) sheet.style.setProperty("--width", `${Math.round(sheet.dataset.width * zoom)}px`);
    for (const sheet of sheets) sheet.style.containIntrinsicSize = `${sheet.dataset.width * zoom}px ${sheet.dataset.height * zoom + CAPTION_PX}px`;
    viewport.scrollLeft = before.left * zoom - x;
    viewport.scrollTop = before.top * zoom - y;
    viewer.querySelector("[data-zoom-shown]").textContent = `${Math.round(zoom * 100)}%`;
  };
  const zoomBy = (direction, at = null) => {
    fit = null;
    const next = direction > 0 ? STEPS.find((step) => step > zoom + 0.005) : STEPS.findLast((step) => step < zoom - 0.005);
    setZoom(next ?? zoom, at);
  };
  const fitTo = (what) => {
    fit = what;
    const sheet = sheets[page() - 1] ?? sheets[0];
    const across = (viewport.clientWidth - MARGIN_PX) / sheet.dataset.width;
    const down = (viewport.clientHeight - MARGIN_PX - CAPTION_PX) / sheet.dataset.height;
    const at = page();
    setZoom(what === "page" ? Math.min(across, down) : across);
    if (what === "page") showPage(at);
  };
  const page = () => {
    const middle = viewport.getBoundingClientRect().top + viewport.clientHeight / 2;
    const at = sheets.findIndex((sheet) => sheet.getBoundingClientRect().bottom > middle);
    return (at < 0 ? sheets.length - 1 : at) + 1;
  };
  const showPage = (number) => {
    const sheet = sheets[Math.min(Math.max(number, 1), sheets.length) - 1];
    viewport.scrollTop += sheet.getBoundingClientRect().top - viewport.getBoundingClientRect().top - MARGIN_PX / 2;
  };
  const showAt = () => { viewer.querySelector("[data-at]").textContent = `${page()} / ${sheets.length}`; };

  viewer.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    if (button.dataset.pageStep) showPage(page() + Number(button.dataset.pageStep));
    else if (button.dataset.zoom === "in") zoomBy(1);
    else if (button.dataset.zoom === "out") zoomBy(-1);
    else if (button.dataset.zoom) fitTo(button.dataset.zoom);
  });
  viewport.addEventListener("scroll", showAt, { passive: true });
  viewport.addEventListener("wheel", (event) => {
    if (!event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    fit = null;
    setZoom(zoom * Math.exp(-event.deltaY / 400), event);
  }, { passive: false });
  viewport.addEventListener("dblclick", (event) => {
    if (!event.target.closest("[data-mark]")) zoomBy(event.shiftKey ? -1 : 1, event);
  });
  startPanning(viewport);
  new ResizeObserver(() => fit && fitTo(fit)).observe(viewport);

  const setLayer = (layer) => {
    stage.classList.toggle("show-fields", layer === "fields");
    stage.classList.toggle("show-cells", layer === "cells");
    viewer.querySelector(`[name=layer][value=${layer}]`).checked = true;
  };
  viewer.addEventListener("change", (event) => { if (event.target.name === "layer") setLayer(event.target.value); });
  setLayer("fields");
  fitTo("width");
  viewport.scrollTop = 0;
  showAt();

  return {
    zoomBy,
    fitTo,
    step: (by) => showPage(page() + by),
    nextLayer: () => {
      const order = ["fields", "cells", "none"];
      const now = viewer.querySelector("[name=layer]:checked").value;
      setLayer(order[(order.indexOf(now) + 1) % order.length]);
    },
    /** Brings a box into the middle unless it is well in view. */
    reveal: (rect) => {
      // A sheet far away is not laid out until it comes near.
      rect.closest("[data-sheet]").scrollIntoView({ block: "nearest" });
      const box = rect.getBoundingClientRect();
      const frame = viewport.getBoundingClientRect();
      const inside = box.top > frame.top + 30 && box.bottom < frame.bottom - 30 && box.left > frame.left && box.right < frame.right;
      if (inside) return;
      viewport.scrollTop += (Math.max(box.top, box.bottom - frame.height + 60) + Math.min(box.bottom, box.top + frame.height - 60)) / 2 - (frame.top + frame.height / 2);
      viewport.scrollLeft += (Math.max(box.left, box.right - frame.width + 40) + Math.min(box.right, box.left + frame.width - 40)) / 2 - (frame.left + frame.width / 2);
    },
  };
}

/** The hand: what is held stays under the pointer. A short press remains a click. */
function startPanning(viewport) {
  let held = null;
  let wasMoved = false;
  viewport.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || event.pointerType === "touch") return;
    held = { x: event.clientX, y: event.clientY, left: viewport.scrollLeft, top: viewport.scrollTop, moved: false };
  });
  window.addEventListener("pointermove", (event) => {
    if (!held) return;
    if (!event.buttons) { held = null; viewport.classList.remove("dragging"); return; }
    const dx = event.clientX - held.x;
    const dy = event.clientY - held.y;
    if (!held.moved && Math.hypot(dx, dy) < 4) return;
    held.moved = true;
    viewport.classList.add("dragging");
    viewport.scrollLeft = held.left - dx;
    viewport.scrollTop = held.top - dy;
  });
  window.addEventListener("pointerup", () => {
    viewport.classList.remove("dragging");
    wasMoved = Boolean(held?.moved);
    held = null;
  });
  // The end of a move is no click on what lies under the pointer then.
  viewport.addEventListener("click", (event) => { if (wasMoved) event.stopPropagation(); wasMoved = false; }, { capture: true });
}
