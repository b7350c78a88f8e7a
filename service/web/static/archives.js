// The list of archives stays true while something is being read.
import { renewListing } from "./listing.js";

const EVERY_MS = 4000;
const listing = document.getElementById("listing");

setInterval(() => {
  if (document.visibilityState === "visible" && listing.querySelector("[data-busy]")) renewListing(listing);
}, EVERY_MS);
document.addEventListener("uploaded", () => renewListing(listing));
