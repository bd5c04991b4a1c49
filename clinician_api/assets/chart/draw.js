// Everything drawn on the canvas that uPlot does not draw itself: bands, dots, marks. Shape beside colour.

import uPlot from "uplot";
import { SYMPTOMS } from "./panels.js";

/** The colours of today: the style sheet's variables, so that dark mode and print are the style sheet's. */
export function palette(element) {
  const style = getComputedStyle(element);
  const read = (name) => style.getPropertyValue(`--hk-chart-${name}`).trim();
  return {
    ink: read("ink"), muted: read("muted"), grid: read("grid"), paper: read("paper"), first: read("first"),
    second: read("second"), band: read("band"), target: read("target"), aim: read("aim"), limit: read("limit"),
    marker: read("marker"), font: style.fontFamily, size: parseFloat(read("text")) || 14,
  };
}

const present = (value) => value !== null && value !== undefined;
const px = (value) => value * uPlot.pxRatio;

/** Run `draw` clipped to the plotting area. */
function inside(u, draw) {
  const { ctx } = u;
  ctx.save();
  ctx.beginPath();
  ctx.rect(u.bbox.left, u.bbox.top, u.bbox.width, u.bbox.height);
  ctx.clip();
  draw(ctx);
  ctx.restore();
}

/** Bands lie under everything: the target over its whole width, the usual level day by day. */
export function drawBands(u, { name, data, panel, colours, plain }) {
  inside(u, (ctx) => {
    const targets = plain ? [] : data.targets.filter((t) => panel.quantities.includes(t.quantity));
    for (const target of targets) drawTarget(u, ctx, target, colours);
    if (name === "weight") drawUsual(u, ctx, data.weightDays, colours);
  });
}

function drawTarget(u, ctx, target, colours) {
  const { min, max } = u.scales.y;
  const top = u.valToPos(Math.min(target.high ?? max, max), "y", true);
  const bottom = u.valToPos(Math.max(target.low ?? min, min), "y", true);
  // Only a target with two ends is a band; with one end the other half of the panel would be coloured.
  const both = present(target.low) && present(target.high);
  ctx.fillStyle = colours.target;
  if (both) ctx.fillRect(u.bbox.left, top, u.bbox.width, bottom - top);
  ctx.strokeStyle = colours.aim;
  ctx.lineWidth = px(1.5);
  ctx.setLineDash([px(2), px(3)]);
  for (const [end, y] of [[target.high, top], [target.low, bottom]]) {
    if (!present(end) || end < min || end > max) continue;
    line(ctx, u.bbox.left, y, u.bbox.left + u.bbox.width, y);
  }
  ctx.setLineDash([]);
}

function drawUsual(u, ctx, days, colours) {
  ctx.fillStyle = colours.band;
  const half = 43200;
  for (const run of runs(days)) {
    ctx.beginPath();
    const ends = [run[0].x - half, run.at(-1).x + half];
    const points = [{ ...run[0], x: ends[0] }, ...run, { ...run.at(-1), x: ends[1] }];
    for (const day of points) ctx.lineTo(u.valToPos(day.x, "x", true), u.valToPos(day.high, "y", true));
    for (const day of points.reverse()) ctx.lineTo(u.valToPos(day.x, "x", true), u.valToPos(day.low, "y", true));
    ctx.fill();
  }
}

/** Split days into unbroken runs that have a usual level: where it is unknown, nothing is drawn. */
function runs(days) {
  const found = [[]];
  for (const day of days) {
    if (day.low === null) found.push([]);
    else found.at(-1).push(day);
  }
  return found.filter((run) => run.length > 0);
}

function line(ctx, x0, y0, x1, y1) {
  ctx.beginPath();
  ctx.moveTo(x0, y0);
  ctx.lineTo(x1, y1);
  ctx.stroke();
}

/** Limits as dashed lines where the scale reaches them, each with its figure in the margin to the right. */
export function drawLimits(u, context) {
  if (context.plain) return;
  const { colours, panel, speech } = context;
  const { ctx } = u;
  const right = u.bbox.left + u.bbox.width;
  const shown = limitsInView(u, context);
  ctx.save();
  ctx.strokeStyle = ctx.fillStyle = colours.limit;
  ctx.lineWidth = px(1);
  ctx.font = `${px(colours.size)}px ${colours.font}`;
  ctx.textAlign = "left";
  ctx.textBaseline = "middle";
  for (const limit of shown) {
    const y = u.valToPos(limit.value, "y", true);
    ctx.setLineDash([px(6), px(4)]);
    line(ctx, u.bbox.left, y, right, y);
    ctx.setLineDash([]);
    ctx.fillText(speech.number(limit.value, panel.digits), right + px(4), y);
  }
  ctx.restore();
  sayLimits(shown, context);
}

function limitsInView(u, { data, panel }) {
  const { min, max } = u.scales.y;
  return data.limits.filter(
    (limit) => panel.quantities.includes(limit.quantity) && limit.value >= min && limit.value <= max,
  );
}

/** What the limits in view limit, in the panel's legend: words on the canvas would cover readings. */
function sayLimits(shown, { limitKey, panel, speech }) {
  const { words } = speech;
  const text = panel.quantities
    .map((quantity) => {
      const its = shown.filter((limit) => limit.quantity === quantity).sort((a, b) => a.value - b.value);
      const about = panel.quantities.length > 1 ? `${words[quantity]} ` : "";
      const values = its.map((limit) => `${words[limit.direction]} ${speech.number(limit.value, panel.digits)}`);
      return values.length > 0 ? about + values.join(` ${words.or} `) : "";
    })
    .filter(Boolean)
    .join(", ");
  limitKey.textContent = text && `${words.limit}: ${text}`;
  limitKey.hidden = text === "";
}

/** Contacts, plans and medication: a thin line through every panel, a shape and a word at the top of one. */
export function drawMarkers(u, { data, colours, speech, first, plain }) {
  if (plain) return;
  const { ctx } = u;
  const { left, top, width, height } = u.bbox;
  ctx.save();
  ctx.strokeStyle = ctx.fillStyle = colours.marker;
  ctx.lineWidth = px(1);
  ctx.font = `${px(colours.size * 0.85)}px ${colours.font}`;
  ctx.textAlign = "left";
  ctx.textBaseline = "middle";
  let free = -Infinity;
  for (const marker of data.markers) {
    const x = u.valToPos(marker.x, "x", true);
    if (x < left || x > left + width) continue;
    ctx.setLineDash([px(1), px(3)]);
    line(ctx, x, top, x, top + height);
    ctx.setLineDash([]);
    if (!first) continue;
    const y = top - px(9);
    markerShape(ctx, marker.kind, x, y);
    const text = speech.words.markers[marker.kind];
    const end = x + px(9) + ctx.measureText(text).width;
    if (x > free && end < left + width) {
      ctx.fillText(text, x + px(8), y);
      free = end + px(10);
    } else {
      free = Math.max(free, x + px(10));
    }
  }
  ctx.restore();
}

function markerShape(ctx, kind, x, y) {
  const r = px(5);
  ctx.beginPath();
  if (kind === "contact") ctx.arc(x, y, r, 0, 2 * Math.PI);
  else if (kind === "plan") polygon(ctx, [[x, y - r], [x + r, y], [x, y + r], [x - r, y]]);
  else if (kind === "medication") ctx.rect(x - r, y - r / 2, 2 * r, r);
  else polygon(ctx, [[x - r, y - r], [x + r, y - r], [x, y + r]]);
  ctx.fill();
}

function polygon(ctx, points) {
  for (const [x, y] of points) ctx.lineTo(x, y);
  ctx.closePath();
}

/** The readings themselves, filled when good and hollow when something was wrong with the measurement. */
export function drawReadings(u, context) {
  inside(u, (ctx) => {
    const perDay = Math.abs(u.valToPos(86400, "x", true) - u.valToPos(0, "x", true));
    const radius = Math.min(px(context.dot), Math.max(perDay / 2.5, px(1.5)));
    if (context.name === "symptoms") drawSymptoms(u, ctx, context, perDay);
    else if (context.name === "bp") drawPressure(u, ctx, context, radius);
    else for (const row of visible(u, context)) dot(u, ctx, row, row.value, radius, context.colours.first, circle, context);
  });
}

const visible = (u, { panel, data }) =>
  panel.rows(data).filter((row) => row.x >= u.scales.x.min - 86400 && row.x <= u.scales.x.max + 86400);

const circle = (ctx, x, y, r) => ctx.arc(x, y, r, 0, 2 * Math.PI);
const square = (ctx, x, y, r) => ctx.rect(x - r * 0.85, y - r * 0.85, r * 1.7, r * 1.7);

function dot(u, ctx, row, value, radius, colour, shape, { colours }) {
  const x = u.valToPos(row.x, "x", true);
  const y = u.valToPos(value, "y", true);
  const doubtful = row.flags.some((flag) => flag !== "irregular_pulse");
  ctx.beginPath();
  shape(ctx, x, y, radius);
  ctx.fillStyle = doubtful ? colours.paper : colour;
  ctx.strokeStyle = colour;
  ctx.lineWidth = px(1.5);
  ctx.fill();
  if (doubtful) ctx.stroke();
}

function drawPressure(u, ctx, context, radius) {
  const { colours } = context;
  const rows = visible(u, context);
  ctx.strokeStyle = colours.grid;
  ctx.lineWidth = px(1);
  for (const row of rows) {
    const x = u.valToPos(row.x, "x", true);
    line(ctx, x, u.valToPos(row.systolic, "y", true), x, u.valToPos(row.diastolic, "y", true));
  }
  for (const row of rows) {
    dot(u, ctx, row, row.systolic, radius, colours.first, circle, context);
    dot(u, ctx, row, row.diastolic, radius, colours.second, square, context);
  }
}

/** One line per question; a bar as high as the grade, so that it reads in black and white too. */
function drawSymptoms(u, ctx, context, perDay) {
  const { colours } = context;
  const width = Math.max(px(2), Math.min(perDay * 0.5, px(10)));
  const room = Math.abs(u.valToPos(1, "y", true) - u.valToPos(0, "y", true)) - px(5);
  SYMPTOMS.forEach((name, index) => {
    const base = u.valToPos(SYMPTOMS.length - 1 - index, "y", true) - px(1);
    ctx.strokeStyle = colours.grid;
    ctx.lineWidth = px(1);
    line(ctx, u.bbox.left, base, u.bbox.left + u.bbox.width, base);
    for (const row of visible(u, context)) {
      if (!present(row[name])) continue;
      const x = u.valToPos(row.x, "x", true) - width / 2;
      const height = row[name] === 0 ? px(1.5) : (room * row[name]) / 3;
      ctx.fillStyle = row[name] === 0 ? colours.muted : colours.first;
      ctx.fillRect(x, base - height, width, height);
    }
  });
}
