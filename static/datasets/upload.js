// The upload form with a progress bar. Without this file the form works too, only silently.
(() => {
  "use strict";
  const form = document.querySelector("form.upload");
  if (!form) return;
  const find = (name) => form.querySelector(`[data-upload-${name}]`);
  const errorBox = find("error"), progressBox = find("progress"), words = find("words"), chosen = find("chosen");
  const bar = progressBox.querySelector("progress"), stop = find("stop");
  const drop = form.querySelector(".drop"), file = form.elements.file, name = form.elements.name;
  const send = form.querySelector("button[type=submit]");
  const maxBytes = Number(form.dataset.maxBytes);
  const endings = (form.dataset.endings || ".zip").split(",");
  const foreign = form.dataset.foreign || "is not a ZIP. Pack your class folders as a ZIP and choose that.";
  const tooLarge = form.dataset.tooLarge || "Make the pictures smaller, or upload a part of them.";
  let request = null;

  const mib = (bytes) => (bytes < 2 ** 20 ? `${Math.ceil(bytes / 2 ** 10)} KiB` : `${Math.round(bytes / 2 ** 20).toLocaleString("en")} MiB`);
  const duration = (seconds) => (seconds < 60 ? `${Math.max(1, Math.round(seconds))} s` : `${Math.round(seconds / 60)} min`);

  function say(sentence) {
    errorBox.textContent = sentence;
    errorBox.hidden = !sentence;
    if (sentence) errorBox.scrollIntoView({ block: "nearest" });
  }

  // What can be seen without sending anything; the site decides.
  async function faultOf(picked) {
    const ending = endings.find((one) => picked.name.toLowerCase().endsWith(one));
    if (!ending) return `“${picked.name}” ${foreign}`;
    if (picked.size > maxBytes) return `This file has ${mib(picked.size)}; this site takes up to ${mib(maxBytes)}. ${tooLarge}`;
    const head = new Uint8Array(await picked.slice(0, 2).arrayBuffer());
    if (ending === ".zip" && (head[0] !== 0x50 || head[1] !== 0x4b)) return `“${picked.name}” is called .zip but is not a ZIP archive. Pack the folder anew.`;
    return "";
  }

  const nameFrom = (text) => text.replace(/\.[a-z0-9]+$/i, "").toLowerCase().replace(/[^a-z0-9]+/g, "-").slice(0, 39).replace(/^-+|-+$/g, "");

  async function look() {
    const picked = file.files[0];
    chosen.hidden = !picked;
    if (!picked) return false;
    chosen.textContent = `${picked.name}, ${mib(picked.size)}`;
    let fault;
    try {
      fault = await faultOf(picked);
    } catch {
      fault = `“${picked.name}” cannot be read. If it was changed or moved after you chose it, choose it again.`;
    }
    say(fault);
    if (!fault && !name.value) name.value = nameFrom(picked.name);
    return !fault;
  }

  function busy(on) {
    send.disabled = on;
    stop.hidden = !on;
    progressBox.hidden = !on;
    form.setAttribute("aria-busy", String(on));
  }

  function fail(sentence) {
    busy(false);
    request = null;
    say(sentence);
  }

  function answered() {
    let answer = {};
    try {
      answer = JSON.parse(request.responseText);
    } catch {
      // not ours: a proxy's page, told below by its number
    }
    if (request.status === 202 && answer.location) window.location.assign(answer.location);
    else if (answer.detail) fail(answer.detail);
    else if (request.status === 413) fail("A server in between refused the file as too large. Ask who runs this site to raise its limit.");
    else if (request.status === 403) fail("This form is too old. Reload the page and send it again.");
    else fail(`The site answered with error ${request.status}, so nothing was stored. Try again in a minute.`);
  }

  function upload() {
    const begun = performance.now();
    let sent = 0, total = file.files[0].size;
    request = new XMLHttpRequest();
    request.open("POST", form.action || window.location.href);
    request.setRequestHeader("Accept", "application/json");
    request.upload.onprogress = (event) => {
      if (!event.lengthComputable) return;
      [sent, total] = [event.loaded, event.total];
      const seconds = (performance.now() - begun) / 1000;
      bar.value = (100 * sent) / total;
      const left = seconds > 1.5 ? `, about ${duration((seconds * (total - sent)) / sent)} left` : "";
      words.textContent = sent < total ? `${mib(sent)} of ${mib(total)}${left}` : "All sent. The site looks at the list of files …";
    };
    request.onload = answered;
    request.onerror = () => fail(`The connection broke after ${mib(sent)} of ${mib(total)}, so nothing was stored. Check it and send the file again.`);
    request.onabort = () => fail("Stopped. Nothing was stored.");
    busy(true);
    bar.value = 0;
    words.textContent = "Beginning …";
    request.send(new FormData(form));
  }

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (!request && (await look())) upload();
  });
  file.addEventListener("change", look);
  stop.addEventListener("click", () => request && request.abort());
  window.addEventListener("beforeunload", (event) => {
    if (request && request.readyState < 4) event.preventDefault();
  });

  form.querySelector(".drop-hint").hidden = false;
  for (const kind of ["dragenter", "dragover", "dragleave", "drop"]) {
    drop.addEventListener(kind, (event) => {
      event.preventDefault();
      drop.classList.toggle("over", kind === "dragenter" || kind === "dragover");
    });
  }
  drop.addEventListener("drop", (event) => {
    if (!event.dataTransfer.files.length) return;
    file.files = event.dataTransfer.files;
    look();
  });
})();
