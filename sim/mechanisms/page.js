"use strict";
const data = JSON.parse(document.getElementById("data").textContent);
const $ = (id) => document.getElementById(id);
const COLOURS = {program: "#7d8696", allocate: "#1f6feb", point: "#0a7ea4", barrier: "#b35900",
  refill: "#8250df", grow: "#6f42c1", start: "#d1242f", root: "#2e7d32", scan: "#1a7f64", assist: "#bf3989",
  end: "#a40e26", sweep: "#9a6700", release: "#57606a", copy: "#3f51b5", finalizer: "#795548", free: "#607d8b",
  lost: "#ff0033", proof: "#455a64"};
const LINES = {"heap live, B": "#1f6feb", "trigger, B": "#b35900", "goal, B": "#d1242f", "resident, B": "#8250df",
  "objects, B": "#1f6feb", "reachable, B": "#1a7f64",
  "taken, B": "#b35900", "asked for, B": "#1a7f64", "held, B": "#d1242f", "prepared, B": "#b35900", "ready, B": "#1f6feb"};
const COLOUR_OF_OBJECTS = ["black, B", "grey, B", "white, B", "used, B"];
const CHARTS = [["heap live, B", "trigger, B", "goal, B"], ["objects, B", "reachable, B", "taken, B"],
  ["asked for, B", "taken, B", "held, B"], ["prepared, B", "ready, B", "resident, B"]];
const SMALL = 0.1; // a heap that stays below this share of its goal has nothing to do with pacing
const STATES = ["white", "grey", "black", "used", "survivor", "old", "dirty", "ready", "prepared", "reserved",
  "none", "free", "released", "dead", "other", "lost"];
let track = Object.keys(data.tracks)[0], at = 0, timer = null;
const frames = () => data.tracks[track];
const part = (number) => data.parts[number];
const rowOf = (number) => ({...part(number), cells: part(number).cells.map(part)});

function made(tag, options = {}, ...children) {
  const node = document.createElement(tag);
  for (const [key, value] of Object.entries(options)) {
    if (key in node) node[key] = value; else node.setAttribute(key, value);
  }
  node.append(...children);
  return node;
}

function shown(name, value, digits = 4) {
  if (name.endsWith(", B")) {
    for (const [unit, size] of [["GiB", 2 ** 30], ["MiB", 2 ** 20], ["KiB", 1024]]) {
      if (Math.abs(value) >= size) return `${+(value / size).toPrecision(digits)} ${unit}`;
    }
    return `${Math.round(value)} B`;
  }
  if (name.endsWith(", ns")) {
    for (const [unit, size] of [["s", 1e9], ["ms", 1e6], ["µs", 1e3]]) {
      if (Math.abs(value) >= size) return `${+(value / size).toPrecision(3)} ${unit}`;
    }
    return `${Math.round(value)} ns`;
  }
  return `${+value.toPrecision(6)}`;
}

function showEvent(frame) {
  const [actor, kind, text, rule] = frame.event;
  const badge = made("span", {className: "badge", title: data.kinds[kind] || ""}, kind);
  badge.style.background = COLOURS[kind] || "#57606a";
  $("event").replaceChildren(badge, made("b", {}, actor), `: ${text}`, ...(rule ? [made("code", {}, rule)] : []));
}

function showRoots(roots) {
  const owners = new Map();
  for (const root of roots) {
    if (!owners.has(root.owner)) owners.set(root.owner, []);
    owners.get(root.owner).push(root);
  }
  $("roots").replaceChildren(...[...owners].map(([owner, mine]) => made("div", {className: "group owner"},
    made("b", {}, owner), ...mine.map((root) => made("span", {
      className: root.scanned ? "chip" : "chip waits", "data-to": root.to,
      "data-hover": `${root.owner}: ${root.name} -> ${root.to || "nil"}${root.scanned ? "" : "\nstill to be scanned"}`,
    }, root.to ? root.name : `${root.name} = nil`)))));
}

function showQueues(queues) {
  $("queues").replaceChildren(...queues.map(([name, waiting]) => made("div", {className: "group"},
    made("b", {}, name), ...(waiting.length ? waiting.map((one) => made("span", {className: "chip"}, one)) : ["empty"]))));
}

function cellOf(cell, smallest, before) {
  const label = cell.name || `${cell.times > 1 ? cell.times : shown(", B", cell.size)} ${cell.state}`;
  const names = cell.pointers.map(([field, to]) => `${field} -> ${to}`).join("\n");
  const node = made("div", {
    className: `cell state-${cell.state}`,
    "data-hover": `${cell.name || "nothing"}: ${cell.state}, ${shown(", B", cell.size)}`
      + `${cell.times > 1 ? `, ${cell.times} of them` : ""}${names ? `\n${names}` : ""}`,
  }, label);
  node.pointers = cell.pointers;
  node.names = cell.name.split(", ");
  node.style.flexGrow = String(Math.min(12, Math.sqrt(cell.size * cell.times / smallest)));
  if (before && cell.name && before.get(cell.name) !== cell.state) node.classList.add("changed");
  return node;
}

function showRows(rows, earlier) {
  const before = earlier && new Map(earlier.flatMap((row) => row.cells.map((cell) => [cell.name, cell.state])));
  $("rows").replaceChildren(...rows.map((row) => made("div", {className: "row"},
    made("div", {className: "head"}, `${row.name} `, made("span", {}, row.note)),
    made("div", {className: "cells"}, ...row.cells.map((cell) => cellOf(cell, Math.min(...row.cells.map((one) => one.size)), before))))));
}

function drawArrows() {
  const stage = $("stage").getBoundingClientRect();
  const svg = $("arrows");
  svg.setAttribute("width", stage.width);
  svg.setAttribute("height", stage.height);
  const cells = new Map();
  for (const cell of document.querySelectorAll("#rows .cell")) for (const name of cell.names) if (name) cells.set(name, cell);
  const paths = [];
  const arrow = (from, to, kind) => {
    const a = from.getBoundingClientRect(), b = to.getBoundingClientRect();
    const x1 = (a.left + a.right) / 2 - stage.left, x2 = (b.left + b.right) / 2 - stage.left;
    const down = a.bottom <= b.top;
    const y1 = (down ? a.bottom : a.top) - stage.top, y2 = b.top - stage.top;
    const lift = down ? (y2 - y1) / 2 : 14 + Math.min(26, Math.abs(x2 - x1) / 8);
    const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
    const turn = from === to ? 18 : 0;
    path.setAttribute("d", `M${x1 - turn},${y1} C${x1 - turn},${down ? y1 + lift : y1 - lift} ${x2 + turn},${y2 - lift} ${x2 + turn},${y2 - 3}`);
    path.setAttribute("marker-end", "url(#tip)");
    if (kind) path.classList.add(kind);
    path.ends = [from, to];
    paths.push(path);
  };
  for (const cell of document.querySelectorAll("#rows .cell")) {
    for (const [, to] of cell.pointers) if (cells.has(to)) arrow(cell, cells.get(to));
  }
  for (const chip of document.querySelectorAll("#roots .chip")) {
    const to = chip.getAttribute("data-to");
    if (cells.has(to)) arrow(chip, cells.get(to), "root");
  }
  svg.innerHTML = '<defs><marker id="tip" viewBox="0 0 8 8" refX="6" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
    + '<path d="M0,0 L8,4 L0,8 z" style="fill: var(--accent); stroke: none"></path></marker></defs>';
  svg.append(...paths);
}

function showChecks(checks) {
  $("checks").replaceChildren(...checks.map(([name, found]) => made("span",
    {className: found === "holds" ? "pass" : "fail"}, `${name}: ${found}`)));
}

function showFigures(figures, earlier) {
  $("figures").replaceChildren(...data.figures.filter((name) => name in figures).map((name) => made("div",
    {className: earlier && earlier[name] !== figures[name] ? "changed" : ""},
    made("span", {}, name.split(",")[0]), made("span", {}, shown(name, figures[name])))));
}

function drawLine() {
  $("line").replaceChildren(...frames().map((frame) => {
    const tick = made("i", {"data-hover": `${frame.event[0]} ${frame.event[1]}: ${frame.event[2]}`});
    tick.style.background = COLOURS[frame.event[1]] || "#57606a";
    return tick;
  }));
  $("line").classList.toggle("many", frames().length > 150);
  const kinds = [...new Set(frames().map((frame) => frame.event[1]))];
  $("kind").replaceChildren(...kinds.map((kind) => made("option", {value: kind, title: data.kinds[kind]}, kind)));
}

function drawChart() {
  const there = (name) => frames().some((frame) => frame.figures[name]);
  const paces = frames().some((frame) => frame.figures["heap live, B"] > SMALL * frame.figures["goal, B"]);
  const whole = CHARTS.map((names) => names.filter(there)).filter((names) => names.length > 1 && (paces || !names.includes("goal, B")));
  const colours = COLOUR_OF_OBJECTS.filter(there);
  $("chart").replaceChildren(...(colours.length > 1 ? [chartOf(colours, true)] : []), ...whole.map((names) => chartOf(names, false)));
}

function areasOf(names, x, y) {
  const sums = frames().map((frame) => {
    let sum = 0;
    return [0, ...names.map((name) => (sum += frame.figures[name] || 0))];
  });
  return names.map((name, which) => {
    const edge = (side) => sums.map((column, step) => `${x(step).toFixed(1)},${y(column[which + side]).toFixed(1)}`);
    return `<polygon class="area-${name.split(",")[0]}" points="${[...edge(1), ...edge(0).reverse()].join(" ")}"></polygon>`;
  });
}

function linesOf(names, x, y) {
  return names.map((name) => {
    const points = frames().map((frame, step) => `${x(step).toFixed(1)},${y(frame.figures[name] || 0).toFixed(1)}`);
    return `<polyline fill="none" stroke="${LINES[name]}" stroke-width="1.8" points="${points.join(" ")}"></polyline>`;
  });
}

function chartOf(names, stacked) {
  const [width, height, left] = [Math.max(320, $("chart").clientWidth), 150, 70];
  const heightAt = (frame) => names.map((name) => frame.figures[name] || 0).reduce((a, b) => stacked ? a + b : Math.max(a, b));
  const top = Math.max(1, ...frames().map(heightAt));
  const x = (step) => left + (width - left - 8) * step / Math.max(1, frames().length - 1);
  const y = (value) => height - 18 - (height - 30) * value / top;
  const lines = (stacked ? areasOf : linesOf)(names, x, y);
  const grid = [0, 0.5, 1].map((share) => `<line class="grid" x1="${left}" x2="${width - 8}" y1="${y(share * top)}" y2="${y(share * top)}"></line>`
    + `<text x="${left - 6}" y="${y(share * top) + 4}" text-anchor="end">${shown(", B", share * top, 2)}</text>`);
  const svg = `<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="figures over the steps">${grid.join("")}${lines.join("")}`
    + `<line class="cursor" y1="4" y2="${height - 18}" stroke="var(--accent)"></line><text x="${left}" y="${height - 3}">step 1</text>`
    + `<text x="${width - 8}" y="${height - 3}" text-anchor="end">step ${frames().length}</text></svg>`;
  const keyOf = (name) => stacked ? `class="area-${name.split(",")[0]}"` : `style="background:${LINES[name]}"`;
  const keys = names.map((name) => `<span><i ${keyOf(name)}></i>${name.split(",")[0]}</span>`);
  const chart = made("div");
  chart.innerHTML = `<div class="keys">${keys.join("")}</div>${svg}`;
  chart.place = x;
  return chart;
}

function show(step) {
  at = Math.min(Math.max(step, 0), frames().length - 1);
  const frame = frames()[at], earlier = frames()[at - 1];
  showEvent(frame);
  showRoots(part(frame.roots));
  showQueues(part(frame.queues));
  showRows(frame.rows.map(rowOf), earlier && earlier.rows.map(rowOf));
  showChecks(part(frame.checks));
  showFigures(frame.figures, earlier && earlier.figures);
  $("step").textContent = `${at + 1} / ${frames().length}`;
  document.querySelectorAll("#line i.here").forEach((tick) => tick.classList.remove("here"));
  $("line").children[at].classList.add("here");
  $("line").setAttribute("aria-valuenow", String(at + 1));
  for (const chart of $("chart").children) {
    for (const end of ["x1", "x2"]) chart.querySelector(".cursor").setAttribute(end, chart.place(at));
  }
  drawArrows();
}

function choose(name) {
  track = name;
  for (const tab of $("variants").children) tab.setAttribute("aria-selected", String(tab.textContent === name));
  drawLine();
  drawChart();
  show(0);
}

function stop() {
  clearInterval(timer);
  timer = null;
  $("play").textContent = "Play";
}

function play() {
  if (timer) { stop(); return; }
  if (at === frames().length - 1) show(0);
  $("play").textContent = "Pause";
  timer = setInterval(() => { if (at === frames().length - 1) stop(); else show(at + 1); }, 700);
}

function jump() {
  const kind = $("kind").value;
  const found = frames().findIndex((frame, step) => step > at && frame.event[1] === kind);
  const first = frames().findIndex((frame) => frame.event[1] === kind);
  show(found >= 0 ? found : first);
}

const names = Object.keys(data.tracks);
if (names.length > 1) {
  $("variants").replaceChildren(...names.map((name) => made("button", {role: "tab", onclick: () => { stop(); choose(name); }}, name)));
}
const present = new Set(data.parts.map((one) => one.state));
$("legend").replaceChildren(...STATES.filter((state) => present.has(state)).map((state) => made("span", {className: `cell state-${state}`}, state)));
const buttons = {first: () => show(0), back: () => show(at - 1), next: () => show(at + 1), last: () => show(frames().length - 1)};
for (const [id, act] of Object.entries(buttons)) $(id).onclick = () => { stop(); act(); };
$("play").onclick = play;
$("jump").onclick = () => { stop(); jump(); };
const keys = {ArrowLeft: "back", ArrowRight: "next", Home: "first", End: "last", " ": "play"};
document.addEventListener("keydown", (event) => {
  if (event.key in keys && !["SELECT", "BUTTON"].includes(event.target.tagName)) { event.preventDefault(); $(keys[event.key]).click(); }
});
const seek = (event) => {
  const box = $("line").getBoundingClientRect();
  stop();
  show(Math.floor((event.clientX - box.left) / box.width * frames().length));
};
$("line").addEventListener("pointerdown", (event) => { $("line").setPointerCapture(event.pointerId); seek(event); });
$("line").addEventListener("pointermove", (event) => { if (event.buttons) seek(event); });
document.addEventListener("pointerover", (event) => {
  const told = event.target.closest("[data-hover]"), hover = $("hover");
  hover.hidden = !told;
  for (const path of document.querySelectorAll("#arrows > path")) {
    path.classList.toggle("shown", Boolean(told) && path.ends.includes(told));
    path.classList.toggle("faded", Boolean(told) && told.matches(".cell, .chip") && !path.ends.includes(told));
  }
  if (!told) return;
  hover.textContent = told.getAttribute("data-hover");
  hover.style.left = `${Math.min(event.clientX + 14, innerWidth - hover.offsetWidth - 8)}px`;
  hover.style.top = `${Math.min(event.clientY + 14, innerHeight - hover.offsetHeight - 8)}px`;
});
addEventListener("resize", () => { drawChart(); show(at); });
choose(names[0]);
