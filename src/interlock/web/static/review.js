// The queue and one request: keys, the live list, and what an edit changes while it is typed.
// Every page works without this file; nothing here decides anything.
"use strict";

(() => {
  const root = document.documentElement;
  root.classList.add("script");
  const byId = (id) => document.getElementById(id);
  const form = byId("decide");

  // Characters that show nothing stand as [U+202E] here too.
  const HIDDEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Co}\p{Cn}\p{Cs}]/gu;
  const visible = (text) => text.replace(HIDDEN, (char) =>
    char === "\n" || char === "\t" ? char : `[U+${char.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}]`);
  const plain = (text) => text.replace(/\r\n?/g, "\n");

  // What an edit changes ---------------------------------------------------------------------
  const inputs = form ? [...form.querySelectorAll("[data-was]")] : [];
  const drops = form ? [...form.querySelectorAll("[data-drop]")] : [];
  let edited = false;

  const nameOf = (input) => input.name.replace(/^change\./, "").replace(/\.(\d+)(?=\.|$)/g, (_, n) => `.${Number(n) + 1}`);

  function cell(tag, text, empty) {
    const found = document.createElement(tag === "th" ? "th" : "td");
    if (tag === "th") { found.scope = "row"; found.textContent = text; return found; }
    const inner = document.createElement(text === "" ? "span" : tag);
    inner.textContent = text === "" ? empty : visible(text);
    if (text === "") inner.className = "quiet";
    found.append(inner);
    return found;
  }

  function row(name, before, after) {
    const found = document.createElement("tr");
    found.append(cell("th", name), cell("del", before, "nothing"), cell("ins", after, "left out"));
    return found;
  }

  function compare() {
    const rows = [], gone = drops.filter((box) => box.checked).map((box) => box.dataset.drop);
    const dropped = (name) => gone.some((start) => name === start || name.startsWith(`${start}.`));
    for (const input of inputs) {
      const before = plain(input.dataset.was), after = dropped(input.name) ? "" : plain(input.value);
      const changed = before !== after;
      input.classList.toggle("changed", changed);
      if (changed) rows.push(row(nameOf(input), before, after));
    }
    for (const box of drops) box.closest(".item").classList.toggle("dropped", box.checked);
    edited = rows.length > 0;
    const diff = byId("diff");
    if (diff) {
      byId("diff-rows").replaceChildren(...rows);
      byId("diff-count").textContent = `${rows.length} ${rows.length === 1 ? "change" : "changes"}`;
      diff.hidden = !edited;
    }
    // Approving is of what was proposed: with changes there is only the edit, without them there is none.
    const approve = byId("approve"), edit = byId("edit");
    if (edit) {
      edit.disabled = !edited;
      if (approve) approve.disabled = edited;
    }
  }

  if (inputs.length) {
    form.addEventListener("input", compare);
    compare();
  }
  let sent = false;
  if (form) form.addEventListener("submit", (event) => {
    if (sent) { event.preventDefault(); return; }
    if (event.submitter && event.submitter.id === "reject") {
      const comment = byId("comment");
      if (!comment.value.trim()) {
        event.preventDefault();
        comment.setAttribute("aria-invalid", "true");
        comment.placeholder = "needed to reject";
        comment.focus();
        return;
      }
    }
    sent = true;
  });
  addEventListener("pageshow", () => { sent = false; });
  addEventListener("beforeunload", (event) => { if (edited && !sent) event.preventDefault(); });

  // The live list ----------------------------------------------------------------------------
  const list = byId("list");
  let picked = [];
  if (list && window.htmx) {
    list.addEventListener("htmx:beforeSwap", () => {
      picked = [...list.querySelectorAll("input:checked")].map((box) => [box.id, box.value]);
    });
    list.addEventListener("htmx:afterSwap", () => {
      for (const [id, revision] of picked) {
        const box = byId(id);
        if (box && box.value === revision) box.checked = true; // another revision was not looked at
      }
    });
    const live = byId("live");
    document.body.addEventListener("htmx:sseOpen", () => { live.hidden = false; live.classList.remove("lost"); live.textContent = "live"; });
    document.body.addEventListener("htmx:sseError", () => { live.hidden = false; live.classList.add("lost"); live.textContent = "not live"; });
  }

  // Keys ---------------------------------------------------------------------------------------
  const dialog = byId("keys"), button = byId("keys-button"), on = byId("keys-on");
  if (dialog && button) {
    button.hidden = false;
    button.addEventListener("click", () => dialog.showModal());
    on.checked = localStorage.getItem("interlock-keys") !== "off";
    on.addEventListener("change", () => localStorage.setItem("interlock-keys", on.checked ? "on" : "off"));
  }

  function step(by) {
    const links = [...document.querySelectorAll(".queue a")];
    const at = links.includes(document.activeElement)
      ? links.indexOf(document.activeElement) : links.findIndex((link) => link.hasAttribute("aria-current"));
    const next = links[Math.min(Math.max(at + by, 0), links.length - 1)];
    if (next) next.focus();
  }

  function pick() {
    const entry = document.activeElement.closest(".entry") || document.querySelector(".entry.here");
    const box = entry && entry.querySelector("input[type=checkbox]");
    if (box) box.click();
  }

  function to(element) {
    if (element && !element.disabled) { element.focus(); element.scrollIntoView({ block: "nearest" }); }
  }

  const keys = {
    j: () => step(1),
    k: () => step(-1),
    a: () => to(byId("approve")),
    e: () => to(document.querySelector("#arguments input, #arguments select, #arguments textarea")),
    r: () => to(byId("comment")),
    c: () => { const claim = document.querySelector("#claim button"); if (claim) claim.click(); },
    x: pick,
    "/": () => to(byId("q")),
    "?": () => dialog && !dialog.open && dialog.showModal(),
  };
  const typing = (element) => element.matches("textarea, select, [contenteditable], input:not([type=checkbox]):not([type=radio])");

  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && typing(event.target) && event.target.closest("#decide")) { event.target.blur(); return; }
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || event.repeat && event.key !== "j" && event.key !== "k") return;
    if (typing(event.target) || dialog && dialog.open || on && !on.checked) return;
    const act = keys[event.key];
    if (act) { event.preventDefault(); act(); }
  });

  // What was just refused or decided is read first.
  const first = byId("said") || document.querySelector(".note[role=status]");
  if (first) { first.tabIndex = -1; first.focus(); }
})();
