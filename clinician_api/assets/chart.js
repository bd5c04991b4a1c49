// Charts: <div class="hk-chart" data-series-url="/api/patients/ID/series" data-days="14"
//              data-panels="weight,bp,pulse,symptoms" data-ranges="14,30,90,365,0" data-lang="sv"></div>
// A button with data-print prints the page.
// data-ranges shows buttons (0 is "all"); data-plain leaves out devices, markers and limits; data-own speaks to the patient herself; data-heights="220,180".
// The chart fetches again when "hk:reading" reaches document.body. Keep the element out of fragments
// that are swapped: what is inside it is made here.

import { palette } from "./chart/draw.js";
import { makePanel } from "./chart/panel.js";
import { PANELS, prepare } from "./chart/panels.js";
import { fillTable } from "./chart/table.js";
import { speech } from "./chart/words.js";

const HEIGHTS = { weight: 160, bp: 180, pulse: 100, symptoms: 110 };
const PRINT_WIDTH = 690; // a sheet of A4 between its margins, in CSS pixels
const PRINT_HEIGHT = 0.74;
let made = 0;

function element(tag, className, text) {
  const node = document.createElement(tag);
  if (className) node.className = className;
  if (text !== undefined) node.textContent = text;
  return node;
}

class Chart {
  constructor(host) {
    this.host = host;
    this.names = (host.dataset.panels ?? "weight").split(",").filter((name) => name in PANELS);
    this.days = Number(host.dataset.days ?? 14);
    this.plain = "plain" in host.dataset;
    this.lang = host.dataset.lang ?? document.documentElement.lang;
    this.words = speech(this.lang, "UTC").words;
    this.key = `hk-chart-${++made}`;
    this.plots = [];
    this.build();
    this.watch();
    this.load();
  }

  build() {
    const w = this.words;
    this.buttons = element("div", "hk-chart-ranges");
    this.status = element("p", "hk-chart-status", w.loading);
    this.status.setAttribute("role", "status");
    this.body = element("div", "hk-chart-body");
    this.live = element("p", "hk-chart-live");
    this.live.setAttribute("aria-live", "polite");
    this.table = element("details", "hk-chart-table");
    this.table.append(element("summary", "", w.table));
    this.table.hidden = true;
    this.hint = element("p", "hk-chart-hint", w.hint);
    this.host.replaceChildren(this.buttons, this.status, this.body, this.live, this.hint, this.table);
    this.addRanges();
  }

  addRanges() {
    const ranges = (this.host.dataset.ranges ?? "").split(",").filter(Boolean).map(Number);
    this.buttons.hidden = ranges.length === 0;
    this.buttons.setAttribute("role", "group");
    this.buttons.setAttribute("aria-label", this.words.rangeGroup);
    for (const days of ranges) {
      const button = element("button", "hk-chart-range", this.words.ranges[days] ?? String(days));
      button.type = "button";
      button.dataset.days = String(days);
      button.addEventListener("click", () => this.load(days));
      this.buttons.append(button);
    }
    this.whole = element("button", "hk-chart-range hk-chart-whole", this.words.whole);
    this.whole.type = "button";
    this.whole.hidden = true;
    this.whole.addEventListener("click", () => this.zoom(this.data.from, this.data.to));
    this.buttons.after(this.whole);
  }

  /** Show a part of the time in all panels; the one that was zoomed by hand tells the others by itself. */
  zoom(min, max) {
    for (const plot of this.plots) plot.setScale("x", { min, max });
  }

  zoomed(min, max) {
    this.whole.hidden = min <= this.data.from && max >= this.data.to;
  }

  watch() {
    this.stop = new AbortController();
    const on = { signal: this.stop.signal };
    const again = () => this.data && this.draw();
    this.resized = new ResizeObserver(() => this.fit());
    this.resized.observe(this.host);
    document.body.addEventListener("hk:reading", throttled(() => this.load(), 3000), on);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", again, on);
    addEventListener("beforeprint", () => this.print(true), on);
    addEventListener("afterprint", () => this.print(false), on);
    this.table.addEventListener("toggle", () => this.showTable(), on);
  }

  destroy() {
    this.stop.abort();
    this.resized.disconnect();
    for (const plot of this.plots) plot.destroy();
  }

  async load(days = this.days) {
    this.days = days;
    for (const button of this.buttons.querySelectorAll("[data-days]")) {
      button.setAttribute("aria-pressed", String(Number(button.dataset.days) === days));
    }
    const url = new URL(this.host.dataset.seriesUrl, location.href);
    url.searchParams.set("days", String(days));
    try {
      const answer = await fetch(url, { headers: { accept: "application/json" } });
      if (!answer.ok) throw new Error(String(answer.status));
      const series = await answer.json();
      if (days !== this.days) return;
      // Only a change is drawn anew, so that nobody loses a place that she points at.
      const content = JSON.stringify({ ...series, to: days });
      if (content !== this.content) this.take(prepare(series));
      this.content = content;
    } catch {
      if (!this.data) this.say(this.words.failed);
    }
  }

  take(data) {
    this.data = data;
    this.speech = speech(this.lang, data.zone);
    const any = this.names.some((name) => PANELS[name].rows(data).length > 0);
    this.say(any ? "" : this.words.empty);
    this.table.hidden = this.hint.hidden = !any;
    this.draw();
    this.showTable();
  }

  say(text) {
    this.status.textContent = text;
    this.status.hidden = text === "";
  }

  showTable() {
    if (this.table.open && this.data) fillTable(this.table, this.names, this.data, this.speech);
  }

  draw() {
    for (const plot of this.plots) plot.destroy();
    this.body.replaceChildren();
    const colours = palette(this.host);
    this.width = this.printing ? PRINT_WIDTH : this.host.clientWidth;
    const shown = this.names.filter((name) => this.has(name));
    const wide = shown.includes("symptoms");
    const limited = !this.plain && this.data.limits.length > 0;
    this.plots = shown.map((name, index) => {
      const { panel, limitKey } = this.frame(name);
      const last = index === shown.length - 1;
      const context = {
        name, colours, data: this.data, speech: this.speech, live: this.live, plain: this.plain, limitKey,
        first: index === 0, last, syncKey: this.key,
        zoom: (min, max) => this.zoom(min, max), zoomed: (min, max) => this.zoomed(min, max),
        dot: this.plain ? 5 : 4, gutter: Math.round(colours.size * (wide ? 6.2 : 3.2)),
        margin: limited ? Math.round(colours.size * 2.4) : 12,
      };
      return makePanel(panel, context, { width: this.width, height: this.height(name, last, colours) });
    });
    this.sayWithout();
    this.host.dataset.ready = "true";
  }

  has(name) {
    return PANELS[name].rows(this.data).length > 0;
  }

  /** A panel without a reading is a line of words, not an empty frame. */
  sayWithout() {
    const without = this.names.filter((name) => !this.has(name));
    if (without.length === 0 || without.length === this.names.length) return;
    const names = without.map((name) => PANELS[name].title(this.words).split(",")[0].toLowerCase());
    this.body.append(element("p", "hk-chart-without", `${this.words.without}: ${names.join(", ")}.`));
  }

  height(name, last, colours) {
    const wanted = (this.host.dataset.heights ?? "").split(",")[this.names.indexOf(name)];
    const plain = (Number(wanted) || HEIGHTS[name]) * (this.printing ? PRINT_HEIGHT : 1);
    // Each of the four questions needs a line of text.
    const least = name === "symptoms" ? colours.size * 5.4 + 8 : 0;
    return Math.round(Math.max(plain, least) + (last ? colours.size * 2 : 0));
  }

  /** A panel's title, legend, and the plot's own place, which the keyboard can reach. */
  frame(name) {
    const w = this.words;
    const figure = element("figure", `hk-chart-panel hk-chart-${name}`);
    const caption = element("figcaption", "hk-chart-caption");
    caption.append(element("span", "hk-chart-title", PANELS[name].title(w)));
    for (const [kind, text] of this.legend(name)) {
      caption.append(element("span", `hk-chart-key hk-chart-key-${kind}`, text));
    }
    const limitKey = element("span", "hk-chart-key hk-chart-key-limit");
    limitKey.hidden = true;
    caption.append(limitKey);
    const plot = element("div", "hk-chart-plot");
    plot.tabIndex = 0;
    plot.setAttribute("role", "application");
    plot.setAttribute("aria-label", `${PANELS[name].title(w)}. ${w.hint}`);
    figure.append(caption, plot);
    this.body.append(figure);
    return { panel: plot, limitKey };
  }

  legend(name) {
    const w = this.words;
    const target = !this.plain && this.data.targets.some((t) => PANELS[name].quantities.includes(t.quantity));
    const keys = {
      weight: [["dot", w.one], ["mean", w.mean], ["band", "own" in this.host.dataset ? w.yourUsual : w.usual]],
      bp: [["dot", w.systolic], ["square", w.diastolic]],
      pulse: [],
      symptoms: [],
    }[name];
    return target ? [...keys, ["target", w.target]] : keys;
  }

  fit() {
    const width = this.host.clientWidth;
    if (!this.data || this.printing || width === 0 || width === this.width) return;
    this.width = width;
    for (const plot of this.plots) plot.setSize({ width, height: plot.height });
  }

  print(on) {
    this.printing = on;
    if (this.data) this.draw();
  }
}

/** Call at once, then at most once in `wait` milliseconds, and once more for what came meanwhile. */
function throttled(call, wait) {
  let waiting = false;
  let again = false;
  return function run() {
    if (waiting) {
      again = true;
      return;
    }
    call();
    waiting = true;
    setTimeout(() => {
      waiting = false;
      if (again) run();
      again = false;
    }, wait);
  };
}

const charts = new Map();

function mount() {
  for (const [host, chart] of charts) {
    if (host.isConnected) continue;
    chart.destroy();
    charts.delete(host);
  }
  for (const host of document.querySelectorAll(".hk-chart[data-series-url]")) {
    if (!charts.has(host)) charts.set(host, new Chart(host));
  }
}

document.addEventListener("click", (event) => {
  if (event.target.closest("[data-print]")) window.print();
});
mount();
// Pages swap their content: take up charts that come and let go of those that went.
new MutationObserver((changes) => {
  const outside = changes.some(({ target }) => !target.closest?.(".hk-chart"));
  if (outside) mount();
}).observe(document.body, { childList: true, subtree: true });
