// A probability with two digits, as short as cards show it: .05, 1.00.
export const shortScore = (score: number): string => score.toFixed(2).replace(/^0/, "");

// Any number in about three digits: .05, 12.5, 1990.
export function numberText(value: number): string {
  if (Math.abs(value) <= 1) return value.toFixed(2).replace(/^(-?)0\./, "$1.");
  return Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(3)));
}
