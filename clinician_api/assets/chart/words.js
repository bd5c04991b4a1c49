// What the charts say, in the page's language. Units are UCUM in the data and plain words here.

const sv = {
  weight: "Vikt", pressure: "Blodtryck", pulse: "Puls", symptoms: "Besvär",
  kg: "kg", mmHg: "mmHg", perMinute: "slag/min",
  mean: "medel 7 dagar", usual: "vanlig nivå", yourUsual: "din vanliga nivå", target: "mål",
  one: "en mätning", systolic: "övre", diastolic: "undre", limit: "gräns", above: "över", below: "under", or: "eller",
  breathlessness: "Andfådd", orthopnoea: "Sover högt", swelling: "Svullen", dizziness: "Yr",
  grades: ["som vanligt", "lite mer", "klart mer", "mycket mer"], grade: "0–3",
  ranges: { 7: "7 dagar", 14: "14 dagar", 30: "30 dagar", 90: "90 dagar", 365: "1 år", 0: "Allt" },
  rangeGroup: "Visa", loading: "Hämtar mätvärden …", empty: "Inga mätvärden i den här tiden.",
  without: "Inga värden i den här tiden",
  failed: "Mätvärdena gick inte att hämta. Ladda om sidan för att försöka igen.",
  table: "Visa som tabell", time: "Tid", value: "Värde", quality: "Kvalitet", kind: "Mätning",
  hint: "Dra för att zooma, dubbelklicka för att gå tillbaka. Piltangenterna går mellan mätningarna, + och − zoomar.",
  whole: "Visa hela tiden",
  device: "Enhet", clock: "Klocka", flags: "Anmärkning", manual: "inskrivet för hand",
  clocks: {
    verified: "enhetens klocka, kontrollerad", offset: "enhetens klocka, rättad",
    gateway: "mottagarens klocka", unverified: "okänd",
  },
  flagNames: {
    body_movement: "rörelse under mätningen", cuff_too_loose: "manschetten för lös",
    irregular_pulse: "oregelbunden puls", pulse_below_range: "pulsen under mätområdet",
    pulse_above_range: "pulsen över mätområdet", improper_position: "fel ställning",
    no_sensor_contact: "ingen hudkontakt",
  },
  markers: { contact: "Kontakt", consultation: "Läkarfråga", plan: "Plan", medication: "Läkemedel" },
  mark: "händelse",
};

const en = {
  weight: "Weight", pressure: "Blood pressure", pulse: "Pulse", symptoms: "Symptoms",
  kg: "kg", mmHg: "mmHg", perMinute: "beats/min",
  mean: "7-day mean", usual: "usual level", yourUsual: "your usual level", target: "target",
  one: "one reading", systolic: "upper", diastolic: "lower", limit: "limit", above: "over", below: "under", or: "or",
  breathlessness: "Breathless", orthopnoea: "Propped up", swelling: "Swollen", dizziness: "Dizzy",
  grades: ["as usual", "a little more", "clearly more", "much more"], grade: "0–3",
  ranges: { 7: "7 days", 14: "14 days", 30: "30 days", 90: "90 days", 365: "1 year", 0: "All" },
  rangeGroup: "Show", loading: "Fetching readings …", empty: "No readings in this time.",
  without: "No values in this time",
  failed: "The readings could not be fetched. Reload the page to try again.",
  table: "Show as a table", time: "Time", value: "Value", quality: "Quality", kind: "Reading",
  hint: "Drag to zoom, double-click to go back. The arrow keys move between readings, + and − zoom.",
  whole: "Show the whole time",
  device: "Device", clock: "Clock", flags: "Note", manual: "entered by hand",
  clocks: {
    verified: "the device's clock, checked", offset: "the device's clock, corrected",
    gateway: "the receiver's clock", unverified: "unknown",
  },
  flagNames: {
    body_movement: "movement during the measurement", cuff_too_loose: "cuff too loose",
    irregular_pulse: "irregular pulse", pulse_below_range: "pulse below the range",
    pulse_above_range: "pulse above the range", improper_position: "wrong position",
    no_sensor_contact: "no skin contact",
  },
  markers: { contact: "Contact", consultation: "Consultation", plan: "Plan", medication: "Medication" },
  mark: "event",
};

const LOCALES = { sv: "sv-SE", en: "en-GB" };

/** Everything that depends on the language and the patient's zone: texts, numbers, days and times. */
export function speech(lang, zone) {
  const words = lang === "en" ? en : sv;
  const locale = LOCALES[lang] ?? LOCALES.sv;
  const dates = (options) => {
    const format = new Intl.DateTimeFormat(locale, { timeZone: zone, ...options });
    return (seconds) => format.format(new Date(seconds * 1000)).replace(/\./g, "");
  };
  return {
    words,
    number: (value, digits) =>
      value.toLocaleString(locale, { minimumFractionDigits: digits, maximumFractionDigits: digits }),
    day: dates({ day: "numeric", month: "short" }),
    month: dates({ month: "short", year: "numeric" }),
    clock: dates({ hour: "2-digit", minute: "2-digit", hour12: false }),
    moment: dates({ weekday: "short", day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", hour12: false }),
  };
}
