// One document: pages and record side by side, moved about in by pointer or by keys.
import { ask, say } from "./dialogs.js";
import { startLens } from "./lens.js";
import { startMarks } from "./marks.js";
import { send } from "./requests.js";
import { startSplit } from "./split.js";
import { startTabs } from "./tabs.js";
import { text } from "./texts.js";
import { startViewer } from "./viewer.js";

const work = document.querySelector("[data-document]");
const viewerElement = work.querySelector("[data-viewer]");
if (viewerElement) startWork();
else if (["received", "extracting"].includes(work.dataset.state)) waitForRecord();

document.querySelector("[data-help]").addEventListener("click", () => document.getElementById("help").showModal());
for (const button of document.querySelectorAll("[data-act]")) button.addEventListener("click", () => act(button.dataset.act));

function startWork() {
  const viewer = startViewer(viewerElement);
  const tabs = startTabs(work.querySelector("[role=tablist]"));
  const lens = startLens(work.querySelector("[data-lens]"));
  const doubtful = [...work.querySelectorAll("#panel-fields [data-doubtful]")];
  let at = -1;
  startSplit(work.querySelector("[data-split]"), work);

  const marks = startMarks((mark, origin) => {
    const all = marks.partners(mark);
    const rect = all.find((element) => element.matches("rect"));
    const row = all.find((element) => element.id && element === origin) ?? all.find((element) => element.id);
    if (rect) {
      viewer.reveal(rect);
      lens.show(rect, row ?? origin);
    }
    if (origin?.matches("rect")) {
      const shown = all.find((element) => element !== rect && element.getClientRects().length) ?? row;
      if (shown) bringIntoView(shown);
    }
    const found = doubtful.indexOf(row);
    if (found >= 0) showDoubt(found);
  });
  const bringIntoView = (element) => {
    if (!element.getClientRects().length) tabs.show(element.closest("[role=tabpanel]").id);
    element.scrollIntoView({ block: "center", inline: "nearest" });
  };
  const showDoubt = (number) => {
    at = number;
    work.querySelector("[data-doubt-at]").textContent = text("doubts.at", { at: number + 1, count: doubtful.length });
  };
  const stepDoubt = (by) => {
    if (!doubtful.length) return;
    showDoubt((at + by + doubtful.length + (at < 0 && by < 0 ? 1 : 0)) % doubtful.length);
    const row = doubtful[at];
    bringIntoView(row);
    row.focus({ preventScroll: true });
    marks.keep(row.dataset.mark ?? null, row);
    if (!row.dataset.mark) lens.hide();
  };
  for (const button of work.querySelectorAll("[data-doubt-step]")) {
    button.addEventListener("click", () => stepDoubt(Number(button.dataset.doubtStep)));
  }
  for (const button of work.querySelectorAll("[data-goto]")) {
    button.addEventListener("click", () => bringIntoView(document.getElementById(button.dataset.goto)));
  }
  work.querySelector("[data-only]")?.addEventListener("change", (event) => {
    document.getElementById("panel-fields").classList.toggle("only-doubtful", event.target.checked);
  });

  const keys = {
    j: () => stepDoubt(1), n: () => stepDoubt(1), k: () => stepDoubt(-1), p: () => stepDoubt(-1),
    "+": () => viewer.zoomBy(1), "=": () => viewer.zoomBy(1), "-": () => viewer.zoomBy(-1), 0: () => viewer.fitTo("width"),
    "[": () => viewer.step(-1), "]": () => viewer.step(1), c: () => viewer.nextLayer(),
    1: () => tabs.show("panel-fields"), 2: () => tabs.show("panel-tables"), 3: () => tabs.show("panel-checks"), 4: () => tabs.show("panel-history"),
    "?": () => document.getElementById("help").showModal(),
    Escape: () => { marks.keep(null); lens.hide(); },
  };
  document.addEventListener("keydown", (event) => {
    const isTyping = event.target.matches("input:not([type=checkbox], [type=radio]), select, textarea");
    if (isTyping || event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
    const doIt = keys[event.key];
    if (!doIt) return;
    event.preventDefault();
    doIt();
  });
  if (location.hash === "#doubtful") stepDoubt(1);
  const answer = /^#annotation-\d+$/.test(location.hash) && document.getElementById(location.hash.slice(1));
  if (answer) bringIntoView(answer);
}

async function act(what) {
  if (what !== "retry") {
    const sure = await ask({ title: text(`ask.${what}.title`, { count: 1 }), words: text(`ask.${what}.words`), yes: text(`act.${what}`) });
    if (!sure) return;
  }
  try {
    if (what === "delete") {
      await send("DELETE", `/api/documents/${work.dataset.document}`);
      location.assign(`/archives/${work.dataset.archive}?said=document_deleted`);
    } else {
      await send("POST", `/api/documents/${work.dataset.document}/${what}`);
      location.assign(`/documents/${work.dataset.document}`);
    }
  } catch (error) {
    say(error.message, true);
  }
}

/** Until the record is there, the archive's events tell when to look again. */
function waitForRecord() {
  const events = new EventSource(`/api/archives/${work.dataset.archive}/events`);
  const look = async () => {
    const found = await send("GET", `/api/documents/${work.dataset.document}`).catch(() => null);
    const bar = work.querySelector("progress");
    if (bar && found?.pages_done !== undefined) bar.value = found.pages_done;
    if (found && found.state !== work.dataset.state) location.reload();
  };
  events.addEventListener("counts", look);
  window.addEventListener("pagehide", () => events.close());
}
