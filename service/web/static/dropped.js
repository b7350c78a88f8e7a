// Dropped files and folders to a flat list of files with their paths.
const SYSTEM_FILES = /^(\.|thumbs\.db$|desktop\.ini$|__macosx$)/i;

/** All files of a drop, folders opened; each `{file, name}` with `/` between folders. */
export async function droppedFiles(transfer) {
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  if (!entries.length) return chosenFiles(transfer.files);
  const lists = await Promise.all(entries.map((entry) => entryFiles(entry, "")));
  return lists.flat();
}

/** The files of a file input, without those that the system keeps for itself. */
export function chosenFiles(files) {
  return [...files]
    .map((file) => ({ file, name: file.webkitRelativePath || file.name }))
    .filter(({ name }) => !name.split("/").some((part) => SYSTEM_FILES.test(part)));
}

async function entryFiles(entry, folder) {
  if (SYSTEM_FILES.test(entry.name)) return [];
  const name = folder + entry.name;
  if (entry.isFile) {
    return [{ file: await new Promise((resolve, reject) => entry.file(resolve, reject)), name }];
  }
  const found = [];
  const reader = entry.createReader();
  // A reader gives at most a hundred entries at a time, and an empty list at the end.
  for (;;) {
    const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (!some.length) return found;
    for (const child of some) found.push(...(await entryFiles(child, `${name}/`)));
  }
}
