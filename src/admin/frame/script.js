// Everything works without this: it folds the menu on small screens, warns before a login ends, and brings the reader to
// what is to be changed in a form.
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
    const button = event.target.querySelector("button[type=submit]");
    if (!button || event.target.dataset.sent) { if (event.target.dataset.sent) event.preventDefault(); return; }
    event.target.dataset.sent = "1";
    setTimeout(() => { delete event.target.dataset.sent; }, 3000);
  });
})();
