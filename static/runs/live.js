/* A run page that is open: what people opened stays open when a piece is replaced, and times are told in their clock. */
"use strict";

function tellTimes(root) {
  for (const time of root.querySelectorAll("time[data-clock]")) {
    const moment = new Date(time.dateTime);
    const today = moment.toDateString() === new Date().toDateString();
    const clock = { hour: "2-digit", minute: "2-digit", second: "2-digit" };
    time.textContent = moment.toLocaleString([], today ? clock : { ...clock, month: "short", day: "numeric" });
    time.title = moment.toLocaleString();
  }
}

document.addEventListener("DOMContentLoaded", () => tellTimes(document));

document.addEventListener("htmx:oobBeforeSwap", (event) => {
  const { target, fragment } = event.detail;
  tellTimes(fragment);
  for (const open of target.querySelectorAll("details[open][id]")) {
    fragment.querySelector(`#${CSS.escape(open.id)}`)?.setAttribute("open", "");
  }
  const scrolled = [...target.querySelectorAll(".scroll")].map((box) => [box.getAttribute("aria-label"), box.scrollLeft, box.scrollTop]);
  const id = target.id;
  const focused = target.contains(document.activeElement) ? document.activeElement : null;
  const mark = focused?.id ? `#${CSS.escape(focused.id)}` : focused?.matches("summary") && focused.parentElement.id ? `#${CSS.escape(focused.parentElement.id)} > summary` : null;
  requestAnimationFrame(() => {
    const now = document.getElementById(id);
    for (const [label, left, top] of scrolled) {
      now?.querySelector(`.scroll[aria-label="${CSS.escape(label)}"]`)?.scrollTo(left, top);
    }
    if (mark && document.activeElement === document.body) now?.querySelector(mark)?.focus({ preventScroll: true });
  });
});
