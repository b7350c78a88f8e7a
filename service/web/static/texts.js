// The texts of the scripts, in the language of the page, from its data block.
const texts = JSON.parse(document.getElementById("texts").textContent);

/** The text of `key` with its {names} filled in; `one|many` is chosen by `values.count`. */
export function text(key, values = {}) {
  let found = texts[key] ?? key;
  if (found.includes("|") && "count" in values) {
    const [one, many] = found.split("|");
    found = values.count === 1 ? one : many;
  }
  return found.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? String(values[name]) : whole));
}

export function bytesInWords(bytes) {
  const units = ["B", "KB", "MB", "GB", "TB"];
  let size = bytes;
  let unit = 0;
  while (size >= 1000 && unit < units.length - 1) {
    size /= 1024;
    unit += 1;
  }
  return `${unit && size < 10 ? size.toFixed(1) : Math.round(size)} ${units[unit]}`;
}

/** "12 pages a minute · about 3 min left", or why there is no pace. */
export function paceInWords({ active, pagesPerMinute, secondsLeft }) {
  if (!active) return text("pace.still");
  if (!pagesPerMinute) return text("pace.starting");
  const pace = text("pace.speed", { pages: pagesPerMinute < 10 ? pagesPerMinute.toFixed(1) : Math.round(pagesPerMinute) });
  if (secondsLeft === null || secondsLeft === undefined) return pace;
  return `${pace} · ${timeLeftInWords(secondsLeft)}`;
}

function timeLeftInWords(seconds) {
  if (seconds < 60) return text("pace.seconds_left", { count: Math.max(1, Math.round(seconds)) });
  if (seconds < 5400) return text("pace.minutes_left", { count: Math.round(seconds / 60) });
  return text("pace.hours_left", { count: (seconds / 3600).toFixed(1) });
}
