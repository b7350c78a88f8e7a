// Files from a drop or a dialog to the API, a few at a time; each gets its answer shown.
import { say } from "./dialogs.js";
import { chosenFiles, droppedFiles } from "./dropped.js";
import { csrfToken, language, problemInWords } from "./requests.js";
import { bytesInWords, text } from "./texts.js";

const MOST_FILES = 20;
const MOST_BYTES = 64 * 1024 * 1024;
const byName = new Intl.Collator("zh", { numeric: true });

for (const section of document.querySelectorAll("[data-upload]")) startUpload(section);

function startUpload(section) {
  const find = (name) => section.querySelector(`[data-${name}]`);
  const state = { waiting: [], archive: section.dataset.archive ?? null, total: 0, sent: 0, counts: {}, request: null, busy: false };

  const add = (files) => {
    if (!files.length) return;
    find("sending").hidden = false;
    find("stop").hidden = false;
    // A folder is read in the order of its disk.
    for (const item of files.sort((one, other) => byName.compare(one.name, other.name))) {
      state.total += item.file.size;
      state.waiting.push({ ...item, row: addRow(find("answers"), item.name, bytesInWords(item.file.size)) });
    }
    if (!state.busy) sendAll(section, state, find);
  };

  let depth = 0;
  const over = (on) => section.classList.toggle("over", on);
  // The whole window takes a drop: a file let go beside the frame must not replace the page.
  window.addEventListener("dragenter", () => { depth += 1; over(true); });
  window.addEventListener("dragleave", () => { depth -= 1; over(depth > 0); });
  window.addEventListener("dragover", (event) => event.preventDefault());
  window.addEventListener("drop", async (event) => {
    event.preventDefault();
    depth = 0;
    over(false);
    section.closest("details")?.setAttribute("open", "");
    add(await droppedFiles(event.dataTransfer));
  });
  for (const input of [find("files"), find("folder")]) {
    input.addEventListener("change", () => {
      add(chosenFiles(input.files));
      input.value = "";
    });
  }
  find("stop").addEventListener("click", () => {
    for (const item of state.waiting.splice(0)) answer(item.row, "stopped");
    state.request?.abort();
  });
  window.addEventListener("beforeunload", (event) => { if (state.busy) event.preventDefault(); });
}

async function sendAll(section, state, find) {
  state.busy = true;
  while (state.waiting.length) {
    const batch = takeBatch(state.waiting);
    for (const { row } of batch) show(row, "sending", text("upload.sending"));
    const size = batch.reduce((sum, item) => sum + item.file.size, 0);
    try {
      const answered = await sendBatch(state, batch, find, (loaded) => showTotal(state, find, Math.min(loaded, size)));
      state.archive ??= answered.id;
      showAnswers(state, find("answers"), batch, answered);
    } catch (error) {
      for (const { row } of batch) answer(row, error.name === "AbortError" ? "stopped" : "refused", error.message, state.counts);
    }
    state.sent += size;
    showTotal(state, find, 0);
  }
  state.busy = false;
  finish(section, state, find);
}

function takeBatch(waiting) {
  let size = 0;
  let count = 0;
  while (count < waiting.length && count < MOST_FILES && (count === 0 || size + waiting[count].file.size <= MOST_BYTES)) {
    size += waiting[count].file.size;
    count += 1;
  }
  return waiting.splice(0, count);
}

/** XMLHttpRequest, because fetch tells nothing of what has been sent. */
function sendBatch(state, batch, find, onProgress) {
  const form = new FormData();
  if (!state.archive) form.append("name", find("name")?.value.trim() || archiveName(batch));
  const formType = find("form-type")?.value;
  if (formType) form.append("form_type", formType);
  for (const { file, name } of batch) form.append("files", file, name);
  const address = state.archive ? `/api/archives/${state.archive}/documents` : "/api/archives";
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    state.request = request;
    request.open("POST", address);
    request.responseType = "json";
    request.setRequestHeader("Accept", "application/json");
    request.setRequestHeader("Accept-Language", language);
    request.setRequestHeader("X-CSRF-Token", csrfToken);
    request.upload.addEventListener("progress", (event) => onProgress(event.loaded));
    request.addEventListener("load", () => {
      if (request.status < 300) resolve(request.response);
      else reject(new Error(problemInWords(request.response, request.status)));
    });
    request.addEventListener("error", () => reject(new Error(text("request.offline"))));
    request.addEventListener("abort", () => reject(new DOMException(text("upload.state.stopped"), "AbortError")));
    request.send(form);
  });
}

/** The name of the folder or file, or the time when there are several. */
function archiveName(batch) {
  const tops = new Set(batch.map(({ name }) => name.split("/")[0]));
  if (tops.size === 1) return [...tops][0].replace(/\.\w{2,4}$/, "");
  return new Date().toLocaleString("sv-SE").slice(0, 16);
}

/** Answers by name; those of files inside a ZIP get rows of their own below it. */
function showAnswers(state, list, batch, { documents, refused }) {
  const rows = new Map();
  for (const { name, row } of batch) rows.set(name, [...(rows.get(name) ?? []), row]);
  const take = (name) => rows.get(name)?.shift() ?? addRow(list, name, "", parentRow(batch, name));
  for (const document of documents) {
    const row = take(document.name);
    const kind = document.duplicate_of ? "duplicate" : "accepted";
    answer(row, kind, "", state.counts);
    linkName(row, document.duplicate_of ?? document.id);
  }
  for (const refusal of refused) {
    const row = take(refusal.name);
    answer(row, "refused", refusalInWords(refusal), state.counts);
    row.title = refusal.reason;
  }
  for (const [name, left] of rows) {
    for (const row of left) show(row, "opened", name.toLowerCase().endsWith(".zip") ? text("upload.state.opened") : text("upload.state.unanswered"));
  }
}

/** By the number that it is about, else by its category, else as it was said. */
function refusalInWords({ category, facts, reason }) {
  const keys = [...Object.keys(facts).map((name) => `failure.${category}.${name}`), `failure.${category}`];
  const known = keys.find((key) => text(key) !== key);
  return known ? text(known, facts) : reason;
}

function parentRow(batch, name) {
  return batch.find((item) => name.startsWith(`${item.name}/`))?.row ?? null;
}

function addRow(list, name, size, after = null) {
  const row = document.createElement("li");
  for (const [kind, words] of [["state", text("upload.state.waiting")], ["name", name], ["why", size]]) {
    const part = document.createElement("span");
    part.className = kind;
    part.textContent = words;
    row.append(part);
  }
  row.querySelector(".name").title = name;
  if (after) after.after(row);
  else list.append(row);
  return row;
}

function show(row, kind, words) {
  row.className = kind;
  row.querySelector(".state").textContent = words;
}

function answer(row, kind, why = "", counts = null) {
  show(row, kind, text(`upload.state.${kind}`));
  if (why) row.querySelector(".why").textContent = why;
  if (counts) counts[kind] = (counts[kind] ?? 0) + 1;
}

function linkName(row, documentId) {
  const name = row.querySelector(".name");
  const link = document.createElement("a");
  link.href = `/documents/${documentId}`;
  link.textContent = name.textContent;
  name.replaceChildren(link);
}

function showTotal(state, find, loaded) {
  const done = state.sent + loaded;
  find("total").max = Math.max(state.total, 1);
  find("total").value = done;
  find("summary").textContent = text("upload.sent", { sent: bytesInWords(done), total: bytesInWords(state.total) });
}

function finish(section, state, find) {
  find("stop").hidden = true;
  find("summary").textContent = ["accepted", "duplicate", "refused", "stopped"]
    .filter((kind) => state.counts[kind])
    .map((kind) => text(`upload.count.${kind}`, { count: state.counts[kind] }))
    .join(" · ") || text("upload.state.stopped");
  if (!state.archive) return;
  if (!section.dataset.archive) {
    find("open").href = `/archives/${state.archive}`;
    find("open").hidden = false;
  }
  if (state.counts.accepted) say(text("upload.count.accepted", { count: state.counts.accepted }));
  document.dispatchEvent(new CustomEvent("uploaded", { detail: { archive: state.archive } }));
}
