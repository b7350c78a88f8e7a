// Times come in UTC and are shown in the reader's own zone.
const format = new Intl.DateTimeFormat("sv-SE", { dateStyle: "short", timeStyle: "short" });
const exact = new Intl.DateTimeFormat(document.documentElement.lang, { dateStyle: "full", timeStyle: "long" });

export function showLocalTimes(root = document) {
  for (const element of root.querySelectorAll("time[datetime]:not([title])")) {
    const at = new Date(element.dateTime);
    element.textContent = format.format(at);
    element.title = exact.format(at);
  }
}
