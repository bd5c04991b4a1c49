// What each panel shows: its readings, its scale, its legend, and the words for one reading.

const seconds = (iso) => Date.parse(iso) / 1000;
const timed = (rows) => rows.map((row) => ({ ...row, x: seconds(row.at) }));

/** Room at both ends of the time, as a share of it, so that no dot is cut off at the edge. */
const ROOM = 0.02;

/** The data of the series endpoint with times in seconds, which uPlot counts in. */
export function prepare(series) {
  const [from, to] = [seconds(series.from), seconds(series.to)];
  const room = (to - from) * ROOM;
  return {
    zone: series.zone,
    from: from - room,
    to: to + room,
    weight: timed(series.weight),
    pressure: timed(series.pressure),
    pulse: timed(series.pulse),
    symptoms: timed(series.symptoms),
    weightDays: timed(series.weight_days),
    markers: timed(series.markers),
    targets: series.targets,
    limits: series.limits.filter((limit) => !limit.with_symptoms),
  };
}

export const SYMPTOMS = ["breathlessness", "orthopnoea", "swelling", "dizziness"];

const present = (value) => value !== null && value !== undefined;

/** One row per panel; `rows` are readings, `low`/`high` what the scale must hold, `say` one reading in words. */
export const PANELS = {
  weight: {
    quantities: ["weight"],
    title: (w) => `${w.weight}, ${w.kg}`,
    digits: 1,
    rows: (data) => data.weight,
    extent: (data, row) => [row.value, row.value],
    span: 3,
    say: (row, s) => `${s.number(row.value, 1)} ${s.words.kg}`,
  },
  bp: {
    quantities: ["systolic", "diastolic"],
    title: (w) => `${w.pressure}, ${w.mmHg}`,
    digits: 0,
    rows: (data) => data.pressure,
    extent: (data, row) => [row.diastolic, row.systolic],
    span: 40,
    say: (row, s) => `${s.number(row.systolic, 0)}/${s.number(row.diastolic, 0)} ${s.words.mmHg}`,
  },
  pulse: {
    quantities: ["pulse"],
    title: (w) => `${w.pulse}, ${w.perMinute}`,
    digits: 0,
    rows: (data) => data.pulse,
    extent: (data, row) => [row.value, row.value],
    span: 20,
    say: (row, s) => `${s.number(row.value, 0)} ${s.words.perMinute}`,
  },
  symptoms: {
    quantities: [],
    title: (w) => `${w.symptoms}, ${w.grade}`,
    digits: 0,
    rows: (data) => data.symptoms,
    extent: () => [0, SYMPTOMS.length],
    fixed: [0, SYMPTOMS.length],
    say: (row, s) =>
      SYMPTOMS.filter((name) => present(row[name]))
        .map((name) => `${s.words[name]}: ${s.words.grades[row[name]]}`)
        .join(", "),
  },
};

/** How good a reading is, in words; empty for one that needs none. */
export function remarks(row, s) {
  return row.flags.map((flag) => s.words.flagNames[flag] ?? flag);
}

/** The lowest and highest value a panel's scale must hold, with room around it and never under its span. */
export function scaleRange(name, data, from, to) {
  const panel = PANELS[name];
  if (panel.fixed) return panel.fixed;
  const seen = panel.rows(data).filter((row) => row.x >= from && row.x <= to);
  const ends = seen.flatMap((row) => panel.extent(data, row));
  if (name === "weight") {
    for (const day of data.weightDays) {
      if (day.x >= from && day.x <= to && present(day.low)) ends.push(day.low, day.high);
    }
  }
  if (ends.length === 0) return [0, panel.span];
  const low = Math.min(...ends);
  const high = Math.max(...ends);
  const room = Math.max((panel.span - (high - low)) / 2, (high - low) * 0.12);
  return [low - room, high + room];
}
