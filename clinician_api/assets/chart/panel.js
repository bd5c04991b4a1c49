// One panel: a uPlot with our axes, our drawing and our keys. Panels of one chart share cursor and zoom.

import uPlot from "uplot";
import { drawBands, drawLimits, drawMarkers, drawReadings } from "./draw.js";
import { PANELS, SYMPTOMS, scaleRange } from "./panels.js";
import { describe, makeTip, nearest } from "./tip.js";

const DAY = 86400;
const STEPS = [DAY / 4, DAY / 2, DAY, 2 * DAY, 7 * DAY, 14 * DAY, 30 * DAY, 61 * DAY, 91 * DAY, 182 * DAY, 365 * DAY];

/** Times for uPlot: the window's ends first, so that resetting the zoom shows the whole window. */
function aligned(name, data) {
  const tables = [[[data.from, data.to], [undefined, undefined]]];
  const days = name === "weight" ? data.weightDays : [];
  const rows = PANELS[name].rows(data);
  tables.push([rows.map((row) => row.x), rows.map((row) => PANELS[name].extent(data, row)[1])]);
  tables.push([days.map((day) => day.x), days.map((day) => day.mean)]);
  return uPlot.join(tables.map(([xs, ys]) => unique(xs, ys)));
}

/** uPlot wants each time once; the dots are drawn from the readings, so that none is lost here. */
function unique(xs, ys) {
  const keep = xs.map((x, index) => index === 0 || x !== xs[index - 1]);
  return [xs.filter((_, i) => keep[i]), ys.filter((_, i) => keep[i])];
}

function timeLabel(s, step) {
  if (step < DAY) return (x) => `${s.day(x)} ${s.clock(x)}`;
  return step >= 30 * DAY ? s.month : s.day;
}

/** The patient's midnights (or months' worth of them) between the ends, `step` seconds apart. */
function splits(zone) {
  return (u, axis, min, max, step) => {
    const first = new Date(min * 1000);
    const wall = uPlot.tzDate(first, zone);
    const midnight = min - (wall.getHours() * 3600 + wall.getMinutes() * 60 + wall.getSeconds());
    const found = [];
    for (let x = midnight; x <= max; x += step) {
      // A night with a clock change moves midnight by an hour: put it back.
      const hour = uPlot.tzDate(new Date(x * 1000), zone).getHours();
      const drift = step % DAY === 0 ? (hour > 12 ? 24 - hour : -hour) : 0;
      const at = x + drift * 3600;
      if (at >= min) found.push(at);
    }
    return found;
  };
}

function xAxis(context, last) {
  const { colours, speech } = context;
  return {
    stroke: colours.muted,
    font: `${colours.size}px ${colours.font}`,
    grid: { stroke: colours.grid, width: 1 },
    ticks: { show: last, stroke: colours.grid, width: 1, size: 5 },
    size: last ? colours.size * 2.2 : 6,
    space: colours.size * 6,
    incrs: STEPS,
    splits: splits(context.data.zone),
    values: (u, found, i, space, step) => (last ? found.map(timeLabel(speech, step)) : found.map(() => "")),
  };
}

function yAxis(context) {
  const { colours, name, panel, speech, gutter } = context;
  const names = name === "symptoms";
  return {
    stroke: colours.muted,
    font: `${colours.size}px ${colours.font}`,
    grid: { show: !names, stroke: colours.grid, width: 1 },
    ticks: { show: false },
    size: gutter,
    gap: 6,
    space: colours.size * 2,
    splits: names ? () => SYMPTOMS.map((_, i) => i + 0.5) : undefined,
    values: names
      ? () => SYMPTOMS.map((_, i) => speech.words[SYMPTOMS[SYMPTOMS.length - 1 - i]])
      : (u, found, i, space, step) => found.map((y) => speech.number(y, step < 1 ? panel.digits : 0)),
  };
}

function options(context, size) {
  const { name, data, colours, first, last, syncKey } = context;
  const hidden = { show: false };
  const marked = !context.plain && data.markers.length > 0;
  return {
    ...size,
    padding: [first && marked ? 20 : 8, context.margin, 0, 0],
    legend: { show: false },
    cursor: { y: false, points: hidden, drag: { x: true, y: false }, sync: { key: syncKey }, focus: { prox: 30 } },
    tzDate: (x) => uPlot.tzDate(new Date(x * 1000), data.zone),
    scales: {
      x: { time: true },
      y: { range: (u) => scaleRange(name, data, u.scales.x.min ?? data.from, u.scales.x.max ?? data.to) },
    },
    axes: [xAxis(context, last), yAxis(context)],
    series: [
      {},
      { paths: () => null, points: hidden },
      { paths: () => null, points: hidden },
      { stroke: colours.ink, width: 2, points: hidden },
    ],
    hooks: {
      setScale: [(u, key) => key === "x" && context.zoomed(u.scales.x.min, u.scales.x.max)],
      drawClear: [(u) => drawBands(u, context)],
      draw: [
        (u) => drawLimits(u, context),
        (u) => drawMarkers(u, context),
        (u) => drawReadings(u, context),
      ],
    },
  };
}

/** Make a panel in `host`. `context` is what Chart.draw puts together for it. */
export function makePanel(host, context, size) {
  context.panel = PANELS[context.name];
  const u = new uPlot(options(context, size), aligned(context.name, context.data), host);
  const tip = makeTip(u, context.live);
  const rows = context.panel.rows(context.data);
  let current = -1;

  const show = (row, aloud) => {
    const left = u.valToPos(row.x, "x");
    tip.show(left, describe(context.name, row, context.speech, context), { aloud });
  };
  u.over.addEventListener("mousemove", () => {
    const x = u.posToVal(u.cursor.left, "x");
    const reach = u.posToVal(24, "x") - u.posToVal(0, "x");
    const row = nearest(rows, x, reach);
    if (row) show(row, false);
    else tip.hide();
  });
  u.over.addEventListener("mouseleave", () => tip.hide());
  host.addEventListener("blur", () => tip.hide());
  host.addEventListener("keydown", (event) => {
    const next = step(event.key, current, rows.length);
    if (event.key === "Escape") tip.hide();
    const window = closer(event.key, u, rows[current]?.x, context.data);
    if (window) {
      event.preventDefault();
      context.zoom(...window);
    }
    if (next === null || rows.length === 0) return;
    event.preventDefault();
    current = next;
    u.setCursor({ left: u.valToPos(rows[current].x, "x"), top: 0 });
    show(rows[current], true);
  });
  return u;
}

/** The reading a key leads to; the first key leads to the newest reading. */
function step(key, current, count) {
  const last = count - 1;
  const from = current < 0 ? last + 1 : current;
  const keys = { ArrowLeft: from - 1, ArrowRight: from + 1, Home: 0, End: last };
  if (!(key in keys)) return null;
  return Math.max(0, Math.min(keys[key], last));
}

/** The part of the time that "+" and "-" lead to, around the current reading; "0" is the whole. */
function closer(key, u, centre, { from, to }) {
  if (key === "0") return [from, to];
  const factor = { "+": 0.5, "-": 2 }[key];
  if (!factor) return null;
  const { min, max } = u.scales.x;
  const half = Math.min(((max - min) / 2) * factor, (to - from) / 2);
  if (half < DAY / 4) return null;
  const middle = Math.max(from + half, Math.min(centre ?? (min + max) / 2, to - half));
  return [middle - half, middle + half];
}
