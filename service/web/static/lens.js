// The printed text of the chosen field, cut large from the page's picture.
const MOST_SCALE = 1.4;
const AROUND_PX = 8;
const LEAST_HEIGHT_PX = 44;
const TALL = 2;
const MOST_HEIGHT_PX = 150;

export function startLens(lens) {
  const picture = lens.querySelector("[data-lens-picture]");
  const words = lens.querySelector("[data-lens-words]");
  return {
    show: (rect, row) => {
      const image = rect.closest("[data-sheet]").querySelector("img");
      lens.hidden = false;
      picture.hidden = !image;
      if (image) showPart(picture, image, rect);
      const title = document.createElement("b");
      title.textContent = row?.dataset.title ?? "";
      const said = document.createElement("span");
      said.textContent = row?.querySelector(".printed")?.textContent ?? row?.textContent ?? "";
      words.replaceChildren(title, said);
    },
    hide: () => { lens.hidden = true; },
  };
}

function showPart(picture, image, rect) {
  const [x, y, width, height] = ["x", "y", "width", "height"].map((side) => Number(rect.getAttribute(side)));
  const box = { x, y, width, height };
  const sheet = image.closest("[data-sheet]").dataset;
  const frame = picture.clientWidth;
  const scale = Math.min((frame - 2 * AROUND_PX) / box.width, MOST_SCALE);
  const tall = Math.min(Math.max(box.height * scale + 2 * AROUND_PX, LEAST_HEIGHT_PX), MOST_HEIGHT_PX);
  const left = (frame - box.width * scale) / 2;
  const middle = (tall - box.height * scale) / 2;
  // A tall narrow cell prints its text in its middle, a tall wide one from its top.
  const top = box.height > TALL * box.width ? middle : Math.max(middle, AROUND_PX);
  picture.style.height = `${tall}px`;
  picture.style.backgroundImage = `url("${image.src}")`;
  picture.style.backgroundSize = `${sheet.width * scale}px ${sheet.height * scale}px`;
  picture.style.backgroundPosition = `${left - box.x * scale}px ${top - box.y * scale}px`;
  Object.assign(picture.querySelector(".lens-box").style, {
    left: `${left - 2}px`, top: `${top - 2}px`, width: `${box.width * scale + 4}px`, height: `${box.height * scale + 4}px`,
  });
}
