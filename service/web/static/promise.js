// Moves the target: which point of the curve would be used, and what people would have to see.
import { text } from "./texts.js";

const HEIGHT = 300;
const move = document.querySelector("[data-move]");
const range = move.querySelector("input");
const line = document.querySelector("[data-line]");
const targets = move.dataset.targets.split(" ").map(Number);
/** Of each threshold, strict to loose: the lowest target it serves, and its automation. */
const choices = JSON.parse(move.dataset.choices);

function showTarget() {
  const target = targets[range.valueAsNumber];
  const automation = automationAt(target);
  move.querySelector("[data-target]").textContent = `${+(100 * target).toFixed(3)}%`;
  move.querySelector("[data-cost]").textContent = text("promise.cost", { count: Math.round(1000 * (1 - automation)) });
  const y = HEIGHT * (1 - Math.min(1, target / Number(line.dataset.most)));
  line.setAttribute("y1", y);
  line.setAttribute("y2", y);
  const field = document.querySelector("form [name=target]");
  if (field) field.value = +(100 * target).toFixed(3);
}

/** The loosest threshold that serves the target. */
function automationAt(target) {
  return choices.reduce((best, [asked, automation]) => (asked <= target ? Math.max(best, automation) : best), 0);
}

range.addEventListener("input", showTarget);
