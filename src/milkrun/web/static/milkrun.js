// What pages do beyond showing: keep times current, say whether they are live, keys, folds, copying. All optional.
"use strict";

const $ = (selector) => document.querySelector(selector);
const all = (selector, from = document) => [...from.querySelectorAll(selector)];

// ---- Times: relative in the page, exact (in the viewer's zone) on hover ----

const exact = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "long" });
const clock = new Intl.DateTimeFormat(undefined, { month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
const steps = [[86400, "day"], [3600, "h"], [60, "min"], [1, "s"]];

function relative(seconds) {
  const [size, unit] = steps.find(([size]) => seconds >= size) ?? [1, "s"];
  const count = Math.max(0, Math.floor(seconds / size));
  return `${count} ${unit}${unit === "day" && count > 1 ? "s" : ""}`;
}

function tellTimes(from = document) {
  for (const time of all("time", from)) {
    const at = new Date(time.dateTime);
    if (!time.title) time.title = exact.format(at);
    const text = "exact" in time.dataset ? exact.format(at) : "clock" in time.dataset ? clock.format(at) : relative((Date.now() - at) / 1000) + time.dataset.ago;
    if (time.textContent !== text) time.textContent = text;
  }
}

// ---- Live: one mark for live, paused, reconnecting; a click or `p` pauses ----

const mark = $("#live");
let paused = false;
const RESULTS = Number($("#results")?.dataset.most ?? 0);

function say(state) {
  mark.dataset.live = state;
  mark.lastElementChild.textContent = state;
}

function pause() {
  if (mark.hidden) return;
  paused = !paused;
  if (paused) say("paused");
  else location.reload();
}

document.addEventListener("htmx:sse:after:connection", () => { mark.hidden = false; say(paused ? "paused" : "live"); });
document.addEventListener("htmx:sse:error", () => { if (!paused) say("reconnecting"); });
document.addEventListener("htmx:sse:before:connection", (event) => {
  if (event.detail.connection?.attempt > 0 && !paused) say(document.hidden ? "paused" : "reconnecting");
});
document.addEventListener("htmx:sse:before:message", (event) => { if (paused) event.preventDefault(); });
document.addEventListener("htmx:after:swap", () => {
  tellTimes();
  for (const old of all(`#results > li:nth-child(n + ${RESULTS + 1})`)) old.remove();
  const title = $("#sentence")?.dataset.title;
  if (title && document.title !== title) document.title = title;
});
mark.addEventListener("click", pause);

// A page whose stream says only that it is time to look again asks for itself anew, and takes over what it tells.
document.addEventListener("look", async () => {
  const told = $("#told");
  if (paused || !told) return;
  const answer = await fetch(location.href, { headers: { accept: "text/html" } });
  const fresh = answer.ok && new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("#told");
  if (!fresh) return;
  tellTimes(fresh);
  keepOpen(told, fresh);
  if (told.innerHTML !== fresh.innerHTML) morph(told, fresh);
});

// What one has unfolded stays so, and so does the focus.
function keepOpen(told, fresh) {
  const open = new Set(all("details[open]", told).map((one) => one.dataset.of));
  for (const one of all("details", fresh)) one.open = open.has(one.dataset.of);
}

function morph(told, fresh) {
  const link = told.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
  told.replaceChildren(...fresh.childNodes);
  if (link) told.querySelector(`a[href="${CSS.escape(link)}"]`)?.focus({ preventScroll: true });
}

// ---- Theme ----

const theme = $("#theme");
theme.hidden = false;
theme.addEventListener("click", () => {
  const root = document.documentElement;
  const dark = (root.dataset.theme ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";
  root.dataset.theme = dark ? "light" : "dark";
  localStorage.setItem("theme", root.dataset.theme);
  document.dispatchEvent(new Event("theme"));
});

// ---- Folds: a folded group stays folded ----

const folded = new Set(JSON.parse(localStorage.getItem("folded") ?? "[]"));

function fold(from = document) {
  for (const group of all("details[data-fold]", from)) {
    if (folded.has(group.dataset.fold)) group.open = false;
  }
}

document.addEventListener("toggle", (event) => {
  const name = event.target.dataset.fold;
  if (name === undefined) return;
  if (event.target.open) folded.delete(name);
  else folded.add(name);
  localStorage.setItem("folded", JSON.stringify([...folded]));
}, true);

// ---- Keys ----

const stops = "tr .name a, #results summary";

function move(by) {
  const places = all(stops).filter((place) => place.checkVisibility());
  const now = places.indexOf(document.activeElement);
  const next = places[now < 0 ? (by > 0 ? 0 : places.length - 1) : now + by];
  next?.focus();
  next?.scrollIntoView({ block: "nearest" });
}

const keys = {
  "/": () => { const search = $("#q"); if (search) { search.focus(); search.select(); } else location.href = "/#q"; },
  j: () => move(1),
  k: () => move(-1),
  p: pause,
  "?": () => $("#keys").showModal(),
};
let going = 0;

document.addEventListener("keydown", (event) => {
  const field = event.target.closest("input, textarea, select");
  if (field && event.key === "Escape") {
    event.preventDefault(); // else the browser empties a search field, and the list is no longer what was searched for
    field.blur();
  }
  if (field || event.ctrlKey || event.metaKey || event.altKey || $("#keys").open) return;
  if (Date.now() - going < 1000) {
    going = 0;
    const page = $(`[data-go="${CSS.escape(event.key)}"]`);
    if (page) { location.href = page.href; return; }
  }
  if (event.key === "g") going = Date.now();
  else if (keys[event.key]) { event.preventDefault(); keys[event.key](); }
});

const help = $("#help");
help.hidden = false;
help.addEventListener("click", keys["?"]);

// ---- Copying ----

for (const button of all("[data-copy]")) {
  button.hidden = !navigator.clipboard;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(button.previousElementSibling.textContent);
    button.textContent = "Copied";
  });
}

// ---- Heat map: which endpoint is under the pointer ----

function cellAt(event) {
  const map = event.target.closest(".cells");
  if (!map) return null;
  const box = map.getBoundingClientRect();
  const columns = Number(map.dataset.columns);
  const size = box.width / columns;
  const place = Math.floor((event.clientY - box.top) / size) * columns + Math.floor((event.clientX - box.left) / size);
  return place < Number(map.dataset.total) ? { map, place } : null;
}

async function lookUp({ map, place }) {
  const query = new URLSearchParams(location.search);
  query.delete("view");
  query.set("group", map.dataset.group);
  query.set("place", place);
  const answer = await fetch(`/map/cell?${query}`);
  return answer.status === 200 ? answer.json() : null;
}

let pointing = 0;
document.addEventListener("pointermove", (event) => {
  const line = $("#pointed");
  const cell = line && cellAt(event);
  if (!cell) return;
  clearTimeout(pointing);
  pointing = setTimeout(async () => {
    const found = await lookUp(cell);
    if (found) line.textContent = `${found.name}: ${found.state}${found.why ? `, ${found.why}` : ""}`;
  }, 60);
});
document.addEventListener("click", async (event) => {
  const cell = cellAt(event);
  const found = cell && await lookUp(cell);
  if (found) location.href = `/endpoints/${encodeURIComponent(found.key)}`;
});

if (location.hash === "#q") $("#q")?.focus();
fold();
tellTimes();
setInterval(tellTimes, 10_000);
document.addEventListener("htmx:after:swap", () => fold());
