// While a run is open its table is fetched again; the rest of the page stays as it is.
import { showLocalTimes } from "./times.js";

const PAUSE_MS = 2000;

async function renew() {
  const runs = document.getElementById("runs");
  if (!runs || !("open" in runs.dataset)) return;
  const answer = await fetch("/models", { headers: { "X-Fragment": "1" } }).catch(() => null);
  if (answer && answer.ok) {
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = page.getElementById("runs");
    if (fresh && !runs.querySelector("details[open]")) {
      runs.replaceWith(fresh);
      showLocalTimes();
      // What the run has made stands in the other table.
      if (!("open" in fresh.dataset)) location.reload();
    }
  }
  setTimeout(renew, PAUSE_MS);
}

setTimeout(renew, PAUSE_MS);
