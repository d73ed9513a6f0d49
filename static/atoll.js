/* Boxes that scroll can be reached and scrolled by keyboard, and say what they hold; menus close by themselves. */
"use strict";

function nameOf(box) {
  const caption = box.querySelector("caption");
  if (caption) return caption.textContent.trim();
  for (let place = box; place && place.tagName !== "MAIN"; place = place.parentElement) {
    for (let before = place.previousElementSibling; before; before = before.previousElementSibling) {
      if (/^H[1-6]$/.test(before.tagName)) return before.textContent.trim();
    }
  }
  return "Table";
}

function openToKeyboard(root) {
  for (const box of root.querySelectorAll(".scroll, figure, pre")) {
    const scrolls = box.scrollWidth > box.clientWidth + 1 || box.scrollHeight > box.clientHeight + 1;
    if (!scrolls || box.hasAttribute("tabindex")) continue;
    box.tabIndex = 0;
    if (box.tagName === "DIV") {
      box.setAttribute("role", "region");
      if (!box.hasAttribute("aria-label")) box.setAttribute("aria-label", nameOf(box));
    }
  }
}

document.addEventListener("DOMContentLoaded", () => openToKeyboard(document));
document.addEventListener("htmx:afterSettle", () => openToKeyboard(document));
document.addEventListener("toggle", () => openToKeyboard(document), true);
window.addEventListener("resize", () => openToKeyboard(document));

function closeMenus(except) {
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (!except || !menu.contains(except)) menu.open = false;
  }
}

document.addEventListener("click", (event) => closeMenus(event.target));
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  document.activeElement?.closest?.("details.menu[open]")?.querySelector("summary").focus();
  closeMenus(null);
});
