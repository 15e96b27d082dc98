// Numbers of things in words.

// "1 clip", "2 clips": `noun` is what one of them is called.
export const counted = (number: number, noun: string): string =>
  `${number} ${number === 1 ? noun : `${noun}s`}`;
