// The same readings as a table, for those who read with a screen reader or want the exact figures.

import { PANELS, remarks } from "./panels.js";

function cell(row, tag, text) {
  const element = document.createElement(tag);
  element.textContent = text;
  if (tag === "th") element.scope = "col";
  row.append(element);
}

/** Every reading of the panels as rows, newest first: [time, panel, value, remarks]. */
export function tableRows(names, data, s) {
  return names
    .flatMap((name) => PANELS[name].rows(data).map((row) => ({ name, row })))
    .filter(({ row }) => row.x >= data.from && row.x <= data.to)
    .sort((a, b) => b.row.x - a.row.x)
    .map(({ name, row }) => [
      s.moment(row.x),
      PANELS[name].title(s.words).split(",")[0],
      PANELS[name].say(row, s),
      [...remarks(row, s), ...(row.origin === "manual" ? [s.words.manual] : [])].join(", "),
    ]);
}

/** Fill `details` with the table; the rows are made when somebody opens it. */
export function fillTable(details, names, data, s) {
  details.querySelector("table")?.remove();
  const table = document.createElement("table");
  const head = table.createTHead().insertRow();
  for (const title of [s.words.time, s.words.kind, s.words.value, s.words.quality]) cell(head, "th", title);
  const body = table.createTBody();
  for (const row of tableRows(names, data, s)) {
    const line = body.insertRow();
    for (const text of row) cell(line, "td", text);
  }
  details.append(table);
}
