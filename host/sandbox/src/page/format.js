// Dates, durations and sizes, from the way the server writes them to the way people read them, and back.

const DAY_MS = 86_400_000;

/** Returns the instant that the server wrote, or `null`. A time without a zone is UTC. */
export function instantFromValue(value) {
  const text = value?.value ?? value;
  if (typeof text !== "string" || text === "") {
    return null;
  }
  const hasZone = /(?:Z|[+-]\d\d:?\d\d)$/.test(text);
  const whole = /^\d{4}-\d\d-\d\d$/.test(text) ? `${text}T00:00:00` : text.replace(" ", "T");
  const instant = new Date(hasZone ? whole : `${whole}Z`);
  return Number.isNaN(instant.getTime()) ? null : instant;
}

/** Returns an instant the way the server reads it. */
export function valueFromInstant(instant) {
  return { __type__: "datetime", value: instant.toISOString().slice(0, 19) };
}

/** A date of the calendar, which has no zone: as the server writes it, `YYYY-MM-DD`, or nothing. */
export function dayFromValue(value) {
  return instantFromValue(value)?.toISOString().slice(0, 10) ?? "";
}

export function valueFromDay(day) {
  return day ? { __type__: "datetime", value: `${day}T00:00:00` } : null;
}

/** The day of an instant where the person is, `YYYY-MM-DD`. */
export function localDay(instant) {
  const two = (number) => String(number).padStart(2, "0");
  return `${instant.getFullYear()}-${two(instant.getMonth() + 1)}-${two(instant.getDate())}`;
}

/** Midnight, where the person is, of a day. */
export function startOfDay(day) {
  const [year, month, date] = day.split("-").map(Number);
  return new Date(year, month - 1, date);
}

/** The day so many days later. */
export function laterDay(day, count) {
  const [year, month, date] = day.split("-").map(Number);
  return localDay(new Date(year, month - 1, date + count));
}

/** The Monday of a day's week. */
export function mondayOf(day) {
  return laterDay(day, -((startOfDay(day).getDay() + 6) % 7));
}

/** `Thu, 19 Nov 2026`. */
export function dayText(day) {
  return startOfDay(day).toLocaleDateString("en-GB", { weekday: "short", day: "numeric", month: "short", year: "numeric" });
}

/** `19 Nov`, with the year when it is another than this one. */
export function shortDayText(day) {
  const isThisYear = day.slice(0, 4) === localDay(new Date()).slice(0, 4);
  return startOfDay(day).toLocaleDateString("en-GB", { day: "numeric", month: "short", year: isThisYear ? undefined : "numeric" });
}

export function timeText(instant) {
  return instant.toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" });
}

/** How long ago, in words while that is short, else the day. */
export function agoText(instant) {
  const seconds = (Date.now() - instant.getTime()) / 1000;
  if (seconds < 60) {
    return "just now";
  }
  if (seconds < 3600) {
    return `${Math.floor(seconds / 60)} min ago`;
  }
  const day = localDay(instant);
  const days = Math.round((startOfDay(localDay(new Date())) - startOfDay(day)) / DAY_MS);
  return `${days === 0 ? "today" : days === 1 ? "yesterday" : shortDayText(day)}, ${timeText(instant)}`;
}

/** `1 h 30 min`. */
export function durationText(seconds) {
  const minutes = Math.round(seconds / 60);
  const hours = Math.floor(minutes / 60);
  if (hours === 0) {
    return seconds > 0 && minutes === 0 ? `${Math.round(seconds)} s` : `${minutes} min`;
  }
  return minutes % 60 === 0 ? `${hours} h` : `${hours} h ${minutes % 60} min`;
}

/** `1:30`, as a person types it. */
export function durationInput(seconds) {
  const minutes = Math.round(seconds / 60);
  return `${Math.floor(minutes / 60)}:${String(minutes % 60).padStart(2, "0")}`;
}

/** Reads `1:30`, `1.5`, `1.5h`, `90m` and `1 h 30 min`, in seconds; `null` for anything else. */
export function secondsFromInput(text) {
  const clock = /^\s*(\d{1,3}):([0-5]\d)\s*$/.exec(text);
  if (clock) {
    return Number(clock[1]) * 3600 + Number(clock[2]) * 60;
  }
  const bare = /^\s*(\d+(?:[.,]\d+)?)\s*$/.exec(text);
  const words = bare ?? /^\s*(?:(\d+(?:[.,]\d+)?)\s*(?:h|hours?))?\s*(?:(\d+)\s*(?:m|min|minutes?))?\s*$/i.exec(text);
  if (!words || (words[1] === undefined && words[2] === undefined)) {
    return null;
  }
  const hours = Number((words[1] ?? "0").replace(",", "."));
  return Math.round(hours * 3600 + Number(words[2] ?? 0) * 60);
}

/** `1.2 MB`. */
export function sizeText(bytes) {
  let size = bytes ?? 0;
  for (const unit of ["bytes", "kB", "MB", "GB"]) {
    if (size < 1000 || unit === "GB") {
      return `${unit === "bytes" || size >= 100 ? Math.round(size) : size.toFixed(1)} ${unit}`;
    }
    size /= 1000;
  }
  return "";
}

/** `1 note`, `2 notes`. */
export function countText(count, one, several = `${one}s`) {
  return `${count} ${count === 1 ? one : several}`;
}
