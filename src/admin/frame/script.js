// Everything works without this: it folds the menu on small screens, warns before a login ends, brings the reader to what is to
// be changed in a form, and lets a list be judged by keys without a reload.
"use strict";
(() => {
  const menu = document.querySelector(".menu details");
  const narrow = window.matchMedia("(max-width: 900px)");
  const fold = () => { if (menu) menu.open = !narrow.matches; };
  fold();
  narrow.addEventListener("change", fold);
  const summary = document.getElementById("summary");
  if (summary) summary.focus();
  const seconds = Number(document.body.dataset.seconds);
  const warning = document.getElementById("varning");
  if (seconds && warning) {
    setTimeout(() => { warning.hidden = false; }, Math.max(0, seconds - 120) * 1000);
  }
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.closest(".review")) { event.preventDefault(); judge(form.closest("tr")); return; }
    const button = form.querySelector("button[type=submit]");
    if (!button || form.dataset.sent) { if (form.dataset.sent) event.preventDefault(); return; }
    form.dataset.sent = "1";
    setTimeout(() => { delete form.dataset.sent; }, 3000);
  });

  const list = document.querySelector("table.review");
  if (!list) return;
  const rows = () => [...list.querySelectorAll("tr[id]")];
  const open = (row) => row.hasAttribute("data-open");
  const here = () => document.activeElement.closest("tr[id]");
  const go = (row) => { if (row) { row.focus(); row.scrollIntoView({ block: "nearest" }); } };
  const nextOpen = (row) => {
    const all = rows(), at = all.indexOf(row);
    return all.slice(at + 1).find(open) || all.find(open);
  };
  const tell = (told) => {
    const says = `${told.judged} ${list.dataset.of} ${told.of}`;
    document.getElementById("bedomt").textContent = says;
    const bar = document.getElementById("bedomda");
    if (bar) { bar.value = told.judged; document.getElementById("bedomda-av").textContent = says; }
  };
  let sending = false;
  async function judge(row) {
    const form = row && row.querySelector("form");
    if (!form || sending) return;
    sending = true;
    const body = new URLSearchParams(new FormData(form));
    body.set("row", "yes");
    try {
      const reply = await fetch(form.getAttribute("action"), { method: "POST", body, redirect: "error" });
      if (!reply.ok) throw new Error(String(reply.status));
      tell(await reply.json());
      row.removeAttribute("data-open");
      row.className = "judged";
      const chip = document.createElement("span");
      chip.className = "chip good";
      chip.textContent = `✓ ${list.dataset.done}`;
      form.replaceWith(chip);
      go(nextOpen(row) || row);
    } catch {
      // As without a script: the page says what is wrong.
      form.submit();
    } finally {
      sending = false;
    }
  }
  list.addEventListener("keydown", (event) => {
    const row = here();
    if (!row || event.ctrlKey || event.metaKey || event.altKey) return;
    const all = rows(), at = all.indexOf(row);
    const follow = (which) => { const to = row.querySelector(which); if (to) window.location.assign(to.href); };
    switch (event.key) {
      case "ArrowDown": go(all[at + 1]); break;
      case "ArrowUp": go(all[at - 1]); break;
      case "u": case "U": if (open(row)) judge(row); break;
      case "a": case "A": follow(".remark, .more-of"); break;
      case "f": case "F": follow(".full, .more-of"); break;
      case "?": { const keys = document.querySelector(".keys"); keys.open = !keys.open; break; }
      default: return;
    }
    event.preventDefault();
  });
  // By the keyboard one comes to the list at its first row that is left.
  const first = rows().find(open) || rows()[0];
  if (first) first.tabIndex = 0;
  const named = window.location.hash && document.querySelector(window.location.hash);
  if (named && list.contains(named)) go(named);
})();
