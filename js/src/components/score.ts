// A probability with two digits, as short as cards show it: .05, 1.00.
export const shortScore = (score: number): string => score.toFixed(2).replace(/^0/, "");
