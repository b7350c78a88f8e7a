// What is said to the reader for a moment, and what is asked before something is lost.

export function say(words, isWrong = false) {
  const toast = document.createElement("p");
  toast.className = isWrong ? "toast wrong" : "toast";
  toast.textContent = words;
  document.getElementById("toasts").append(toast);
  setTimeout(() => toast.remove(), isWrong ? 9000 : 4000);
}

/** Whether the reader says yes. */
export function ask({ title, words, yes }) {
  const dialog = document.getElementById("confirm");
  dialog.querySelector("h2").textContent = title;
  dialog.querySelector("[data-words]").textContent = words;
  dialog.querySelector("[data-yes]").textContent = yes;
  dialog.returnValue = "no";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true });
  });
}
