const DAY = 86_400_000;

/**
 * Writes a time as moment.js does it (its docs, "Format"), which docker/metadata-action uses: `YYYYMMDD-HHmmss`,
 * `dddd, MMMM Do YYYY`, `[text]`. What is no token stays as it is. In English.
 * @throws RangeError for a time zone that there is not
 */
export function formatDate(at: Date, format: string, timeZone = "UTC"): string {
  const part = partsOf(at, timeZone);
  const number = (name: string, width = 1): string => String(Number(part(name))).padStart(width, "0");
  const hour = Number(part("hour"));
  const half = hour % 12 === 0 ? 12 : hour % 12;
  const tokens: Readonly<Record<string, () => string>> = {
    YYYY: () => part("year"),
    YY: () => part("year").slice(-2),
    MMMM: () => name(at, timeZone, { month: "long" }),
    MMM: () => name(at, timeZone, { month: "short" }),
    MM: () => number("month", 2),
    M: () => number("month"),
    DDDD: () => String(dayOfYear(part)).padStart(3, "0"),
    DDD: () => String(dayOfYear(part)),
    Do: () => ordinal(Number(part("day"))),
    DD: () => number("day", 2),
    D: () => number("day"),
    dddd: () => name(at, timeZone, { weekday: "long" }),
    ddd: () => name(at, timeZone, { weekday: "short" }),
    HH: () => number("hour", 2),
    H: () => number("hour"),
    hh: () => String(half).padStart(2, "0"),
    h: () => String(half),
    mm: () => number("minute", 2),
    m: () => number("minute"),
    ss: () => number("second", 2),
    s: () => number("second"),
    SSS: () => String(at.getUTCMilliseconds()).padStart(3, "0"),
    A: () => (hour < 12 ? "AM" : "PM"),
    a: () => (hour < 12 ? "am" : "pm"),
    X: () => String(Math.floor(at.getTime() / 1_000)),
    x: () => String(at.getTime()),
    ZZ: () => offset(at, timeZone).replace(":", ""),
    Z: () => offset(at, timeZone),
  };
  return format.replace(TOKEN, (token, escaped?: string) => escaped ?? tokens[token]?.() ?? token);
}

const TOKEN = /\[([^\]]*)\]|YYYY|YY|MMMM|MMM|MM|M|DDDD|DDD|DD|Do|D|dddd|ddd|HH|H|hh|h|mm|m|ss|s|SSS|A|a|X|x|ZZ|Z/g;

function partsOf(at: Date, timeZone: string): (name: string) => string {
  const two = "2-digit";
  const fields = { year: "numeric", month: two, day: two, hour: two, minute: two, second: two } as const;
  const parts = new Intl.DateTimeFormat("en-US", { timeZone, hourCycle: "h23", ...fields }).formatToParts(at);
  return (name) => parts.find(({ type }) => type === name)?.value ?? "";
}

function name(at: Date, timeZone: string, options: Intl.DateTimeFormatOptions): string {
  return new Intl.DateTimeFormat("en-US", { timeZone, ...options }).format(at);
}

/** `+09:00` */
function offset(at: Date, timeZone: string): string {
  const parts = new Intl.DateTimeFormat("en-US", { timeZone, timeZoneName: "longOffset" }).formatToParts(at);
  const text = parts.find(({ type }) => type === "timeZoneName")?.value.replace("GMT", "") ?? "";
  return text === "" ? "+00:00" : text;
}

function dayOfYear(part: (name: string) => string): number {
  const year = Number(part("year"));
  return Math.round((Date.UTC(year, Number(part("month")) - 1, Number(part("day"))) - Date.UTC(year, 0, 0)) / DAY);
}

function ordinal(day: number): string {
  const teen = day >= 11 && day <= 13;
  return `${day}${(teen ? undefined : ["th", "st", "nd", "rd"][day % 10]) ?? "th"}`;
}
