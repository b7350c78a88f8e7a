// A list that is rendered by the server and fetched again when something has changed.
import { fetchFragment } from "./requests.js";
import { showLocalTimes } from "./times.js";

/** Renews the list in place; calls `onRenewed` when it has changed. */
export async function renewListing(listing, onRenewed = () => {}) {
  const html = await fetchFragment(listing.dataset.refresh);
  if (html === null || html === listing.dataset.shown) return;
  listing.dataset.shown = html;
  const focused = document.activeElement?.closest("[data-id]")?.dataset.id;
  // The server's own template, escaped there.
  listing.innerHTML = html;
  showLocalTimes(listing);
  onRenewed();
  if (focused) listing.querySelector(`[data-id="${CSS.escape(focused)}"] a`)?.focus();
}
