// Why cards are shown. What all cards of a page have in common is said above them, and not again on each.

const SEPARATOR = " · "; // between the parts of a reason

export const joinReasons = (...reasons: readonly string[]): string => reasons.filter(Boolean).join(SEPARATOR);

// The parts that all of several reasons have; none for a single card.
export function sharedParts(reasons: readonly string[]): readonly string[] {
  const [first = [], ...others] = reasons.map((reason) => reason.split(SEPARATOR));
  return others.length > 0 ? first.filter((part) => others.every((parts) => parts.includes(part))) : [];
}

export const withoutParts = (reason: string, parts: readonly string[]): string =>
  joinReasons(...reason.split(SEPARATOR).filter((part) => !parts.includes(part)));
