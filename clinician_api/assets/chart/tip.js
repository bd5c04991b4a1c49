// The box that says what one reading is, for the pointer, the keyboard and the screen reader alike.

import { PANELS, remarks } from "./panels.js";

/** A box inside a panel's plotting area and a live region that says the same. */
export function makeTip(u, live) {
  const box = document.createElement("div");
  box.className = "hk-chart-tip";
  box.hidden = true;
  u.over.append(box);
  return {
    hide() {
      box.hidden = true;
    },
    show(left, lines, { aloud }) {
      box.replaceChildren(...lines.map(paragraph));
      box.hidden = false;
      // Beside the reading, on the side where there is room.
      const right = left + 12 + box.offsetWidth <= u.over.clientWidth;
      box.style.left = `${Math.max(0, right ? left + 12 : left - 12 - box.offsetWidth)}px`;
      if (aloud) live.textContent = lines.join(". ");
    },
  };
}

function paragraph(text, index) {
  const element = document.createElement(index === 0 ? "strong" : "span");
  element.textContent = text;
  return element;
}

/** What is said of a reading: value, time, what was wrong; for staff also device and clock. */
export function describe(name, row, s, { plain }) {
  const w = s.words;
  const lines = [PANELS[name].say(row, s), s.moment(row.x)];
  const flags = remarks(row, s);
  if (flags.length > 0) lines.push(`${w.flags}: ${flags.join(", ")}`);
  if (row.origin === "manual") lines.push(w.manual);
  if (!plain && row.origin !== "manual") {
    lines.push(`${w.device}: ${row.device}`, `${w.clock}: ${w.clocks[row.clock] ?? row.clock}`);
  }
  return lines;
}

/** The reading nearest to a time, or null when none is within `reach` seconds. Rows are in order of time. */
export function nearest(rows, x, reach) {
  let best = null;
  for (const row of rows) {
    if (Math.abs(row.x - x) <= reach && (best === null || Math.abs(row.x - x) < Math.abs(best.x - x))) best = row;
  }
  return best;
}
