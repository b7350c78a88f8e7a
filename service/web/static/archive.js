// One archive: its counts live, its list renewed, and what is done with several documents.
import { ask, say } from "./dialogs.js";
import { renewListing } from "./listing.js";
import { send } from "./requests.js";
import { paceInWords, text } from "./texts.js";

const ACTIVE = ["received", "extracting"];
const DRAWN = ["done", "in_review", "extracting", "failed", "cancelled"];
const STATES = [...DRAWN, "received"];
const live = document.querySelector("[data-live]");
const listing = document.getElementById("listing");
const bulk = document.querySelector("[data-bulk]");
const picked = new Set();
let lastCounts = "";
let renewal = 0;

const events = new EventSource(live.dataset.live);
events.addEventListener("counts", (event) => showProgress(JSON.parse(event.data)));
events.addEventListener("error", () => { live.querySelector("[data-pace]").textContent = text("pace.lost"); });
events.addEventListener("gone", () => location.assign("/?said=archive_deleted"));
document.addEventListener("uploaded", renewSoon);
window.addEventListener("pagehide", () => events.close());

function showProgress(archive) {
  const { counts } = archive;
  const read = STATES.reduce((sum, state) => sum + counts[state], 0);
  for (const element of live.querySelectorAll("[data-count]")) {
    element.textContent = element.dataset.count === "all" ? read + counts.duplicates : counts[element.dataset.count];
  }
  live.querySelector("[data-pace]").textContent = paceInWords({
    active: ACTIVE.some((state) => counts[state]),
    pagesPerMinute: archive.pages_per_minute,
    secondsLeft: archive.seconds_left,
  });
  live.querySelector(".tile").hidden = !counts.duplicates;
  drawProgress(live.querySelector("[data-progress]"), counts, read);
  const shown = JSON.stringify(counts);
  if (lastCounts && shown !== lastCounts) renewSoon();
  lastCounts = shown;
}

function drawProgress(svg, counts, all) {
  for (const rect of svg.querySelectorAll("rect:not(.track)")) rect.remove();
  let at = 0;
  for (const state of DRAWN.filter((one) => counts[one])) {
    const rect = document.createElementNS("http://www.w3.org/2000/svg", "rect");
    const width = (100 * counts[state]) / all;
    rect.setAttribute("class", state);
    rect.setAttribute("x", at);
    rect.setAttribute("width", width);
    rect.setAttribute("height", 4);
    svg.append(rect);
    at += width;
  }
}

/** At most one renewal a second, however fast the pages come. */
function renewSoon() {
  if (renewal) return;
  renewal = setTimeout(() => {
    renewal = 0;
    renewListing(listing, showPicked);
  }, 1000);
}

function showPicked() {
  for (const row of listing.querySelectorAll("tr[data-id]")) {
    const isPicked = picked.has(row.dataset.id);
    row.classList.toggle("picked", isPicked);
    row.querySelector("input").checked = isPicked;
  }
  const all = listing.querySelector("[data-all]");
  const boxes = [...listing.querySelectorAll("tr[data-id] input")];
  if (all) {
    all.checked = boxes.length > 0 && boxes.every((box) => box.checked);
    all.indeterminate = !all.checked && boxes.some((box) => box.checked);
  }
  bulk.hidden = !picked.size;
  bulk.querySelector("[data-selected]").textContent = text("bulk.selected", { count: picked.size });
  for (const link of bulk.querySelectorAll("a[data-format]")) {
    const address = new URL(link.href);
    address.searchParams.delete("id");
    for (const id of picked) address.searchParams.append("id", id);
    link.href = address.href;
  }
}

listing.addEventListener("change", (event) => {
  const boxes = event.target.matches("[data-all]") ? listing.querySelectorAll("tr[data-id] input") : [event.target];
  for (const box of boxes) {
    if (event.target.checked) picked.add(box.value);
    else picked.delete(box.value);
  }
  showPicked();
});
listing.addEventListener("submit", (event) => event.preventDefault());

bulk.addEventListener("click", async (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  if ("clear" in button.dataset) picked.clear();
  else if (button.dataset.act) await act(button.dataset.act);
  showPicked();
});

async function act(what) {
  const ids = [...picked];
  if (what === "delete" || what === "reprocess" || what === "cancel") {
    const sure = await ask({
      title: text(`ask.${what}.title`, { count: ids.length }),
      words: text(`ask.${what}.words`),
      yes: text(`act.${what}`),
    });
    if (!sure) return;
  }
  let done = 0;
  const wrong = new Set();
  for (const id of ids) {
    try {
      if (what === "delete") await send("DELETE", `/api/documents/${id}`);
      else await send("POST", `/api/documents/${id}/${what}`);
      done += 1;
      picked.delete(id);
    } catch (error) {
      wrong.add(error.message);
    }
  }
  if (done) say(text(`did.${what}`, { count: done }));
  if (wrong.size) say(text("did.not", { count: ids.length - done, why: [...wrong].join("; ") }), true);
  await renewListing(listing, showPicked);
}

document.querySelector("[data-delete-archive]")?.addEventListener("click", async ({ currentTarget: { dataset } }) => {
  const sure = await ask({
    title: text("ask.archive.title", { name: dataset.name }),
    words: text("ask.archive.words"),
    yes: text("act.delete"),
  });
  if (!sure) return;
  try {
    await send("DELETE", `/api/archives/${dataset.deleteArchive}`);
    location.assign("/?said=archive_deleted");
  } catch (error) {
    say(error.message, true);
  }
});
