// Positions in a query. The kernel counts characters, JavaScript counts UTF-16 units: an emoji is one or two.

// The number of characters before a unit.
export const charactersBefore = (text: string, unit: number): number => [...text.slice(0, unit)].length;

// The unit at which a character begins.
export const unitOf = (text: string, character: number): number =>
  [...text].slice(0, character).join("").length;

// The query with the characters from `start` to `end` replaced, and the unit after what was put in.
export function replaced(
  text: string,
  start: number,
  end: number,
  insert: string,
): { text: string; cursor: number } {
  const [from, to] = [unitOf(text, start), unitOf(text, end)];
  return { text: text.slice(0, from) + insert + text.slice(to), cursor: from + insert.length };
}

// The character after the word that begins at a character: a quoted text, a name or number, or one sign.
export function endOfWord(text: string, start: number): number {
  const rest = [...text].slice(start).join("");
  const [word] = rest.match(/^(?:"[^"]*"?|'[^']*'?|[\p{L}\p{M}\p{N}_.:]+|.)/u) ?? [""];
  return start + [...word].length;
}

// Whether there is nothing but blanks from one character to another, or the other one is before it.
export const isBlankBetween = (text: string, from: number, to: number): boolean =>
  [...text].slice(from, to).join("").trim() === "";

// The part of a query around a fault, to be shown as text: what is before it, what is wrong, and what follows. Long
// queries are cut to about `most` characters on each side.
export function aroundFault(
  text: string,
  start: number,
  most: number,
): { before: string; wrong: string; after: string } {
  const characters = [...text];
  const end = endOfWord(text, start);
  const before = characters.slice(Math.max(0, start - most), start).join("");
  const after = characters.slice(end, end + most).join("");
  return {
    before: (start > most ? "…" : "") + before,
    wrong: characters.slice(start, end).join("") || " ", // the end of the query
    after: after + (characters.length > end + most ? "…" : ""),
  };
}
