"use strict";
// The page works without this file: it keeps what is shown up to date, and adds keys.

const $ = (selector) => document.querySelector(selector);
const live = $("#live");
let timer = 0, loading = false, stale = false;

// refresh asks for the page once more and replaces what has changed.
async function refresh() {
  timer = 0;
  if (loading) { stale = true; return; }
  loading = true;
  try {
    const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
    if (answer.ok) swap(new DOMParser().parseFromString(await answer.text(), "text/html"));
  } catch { /* the stream says when the sandbox is back */ }
  loading = false;
  if (stale) { stale = false; soon(); }
}

function soon() { if (!timer) timer = setTimeout(refresh, 120); }

function swap(fresh) {
  for (const now of document.querySelectorAll("[data-live]")) {
    const then = fresh.getElementById(now.id);
    if (!then || then.isEqualNode(now.shadow || now)) continue;
    const focus = place(now, document.activeElement);
    const open = new Set([...now.querySelectorAll("details[open][id]")].map((d) => d.id));
    now.shadow = then.cloneNode(true);
    now.replaceChildren(...then.childNodes);
    for (const d of now.querySelectorAll("details[id]")) d.open = open.has(d.id);
    const target = focus === null ? null : now.querySelectorAll("a, button, summary, input")[focus];
    if (target) target.focus({ preventScroll: true });
  }
  filter();
  mark();
}

// place is the position of what has the focus among all that can have it.
function place(inside, element) {
  const at = [...inside.querySelectorAll("a, button, summary, input")].indexOf(element);
  return at < 0 ? null : at;
}

function follow() {
  const stream = new EventSource("/api/events?after=" + document.body.dataset.last);
  stream.onmessage = (message) => {
    const news = JSON.parse(message.data);
    if (news.say) live.textContent = news.say;
    soon();
  };
  stream.addEventListener("gap", soon);
}

function filter() {
  const wanted = $("#filter").value.trim().toLowerCase();
  for (const card of document.querySelectorAll(".card")) card.hidden = !card.textContent.toLowerCase().includes(wanted);
  for (const group of document.querySelectorAll(".group")) group.hidden = !group.querySelector(".card:not([hidden])");
}

let at = -1; // the row that j and k lead to
function rows() { return [...document.querySelectorAll(".row")]; }
function mark() { rows().forEach((row, i) => row.classList.toggle("at", i === at)); }
function step(by) {
  const all = rows();
  if (!all.length) return;
  if (at < 0) at = all.findIndex((row) => row.classList.contains("now"));
  at = Math.max(0, Math.min(all.length - 1, at < 0 ? (by > 0 ? 0 : all.length - 1) : at + by));
  mark();
  all[at].querySelector("a").focus();
}

function help(show) {
  $("#help").hidden = !show;
  $("#help-button").setAttribute("aria-expanded", String(show));
}

// press does what the button with a key does; without one it opens the marked row.
function press(key) {
  const button = document.querySelector(`[data-key="${key}"]`);
  if (button) { const d = button.closest("details"); if (d) d.open = true; button.click(); return; }
  const row = rows()[at] || rows().at(-1);
  if (row && "rRec".includes(key)) location.href = row.querySelector("a").href;
}

const keys = {
  j: () => step(1), k: () => step(-1), "?": () => help($("#help").hidden), Escape: () => help(false),
  o: () => $("#customer").focus(), f: () => $("#faults").focus(), "/": () => $("#filter").focus(),
};
for (const key of ["1", "2", "3", "4", "r", "R", "e", "c"]) keys[key] = () => press(key);

addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  if (event.target.closest("input, textarea, select")) {
    if (event.key === "Escape") event.target.blur();
    return;
  }
  const act = keys[event.key];
  if (!act) return;
  event.preventDefault();
  act();
});

async function copy(button) {
  const text = document.getElementById(button.dataset.copy).textContent;
  try {
    await navigator.clipboard.writeText(text);
    live.textContent = "Copied.";
    const label = button.innerHTML;
    button.textContent = "Copied";
    setTimeout(() => { button.innerHTML = label; }, 1500);
  } catch {
    getSelection().selectAllChildren(document.getElementById(button.dataset.copy));
    live.textContent = "Selected: copy it with your keyboard.";
  }
}

addEventListener("click", (event) => {
  const button = event.target.closest("[data-copy]");
  if (button) copy(button);
});
$("#help-button").addEventListener("click", () => help($("#help").hidden));
$("#filter").addEventListener("input", filter);
$("#email").addEventListener("input", (event) => {
  const domain = event.target.value.split("@")[1] || "";
  $("#remote-warning").hidden = !domain || domain === "example.com" || domain.endsWith(".example.com");
});
follow();
