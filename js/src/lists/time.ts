// Times in a video as text: 1:02:03 or 02:03.

function clock(seconds: number): string {
  const whole = Math.floor(seconds);
  const pad = (number: number) => String(number).padStart(2, "0");
  const hours = Math.floor(whole / 3600);
  const rest = `${pad(Math.floor((whole % 3600) / 60))}:${pad(whole % 60)}`;
  return hours > 0 ? `${hours}:${rest}` : rest;
}

// A clip's time range, "" if it has no times.
export function timeRange(
  { start, end }: { start: number | null; end: number | null },
  between = "–",
): string {
  return start === null || end === null ? "" : `${clock(start)}${between}${clock(end)}`;
}
