// Times of videos as people read them.

function clock(seconds: number): string {
  const whole = Math.floor(seconds);
  const two = (number: number) => String(number).padStart(2, "0");
  const hours = Math.floor(whole / 3600);
  const rest = `${two(Math.floor((whole % 3600) / 60))}:${two(whole % 60)}`;
  return hours > 0 ? `${hours}:${rest}` : rest;
}

// The time range of a clip, empty for a clip without times.
export function timeRange(
  { start, end }: { start: number | null; end: number | null },
  between = "–",
): string {
  return start === null || end === null ? "" : `${clock(start)}${between}${clock(end)}`;
}
