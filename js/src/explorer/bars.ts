// Bars as the path of an SVG that is one unit wide a bar and 100 units high. The heights are square roots: most clips
// score low, and would leave nothing to see of the others.

export function barsPath(numbers: readonly number[], most: number): string {
  return numbers
    .map((number, index) => {
      const height = 100 * Math.sqrt(number / most);
      return number > 0 ? `M${index} 100v-${height.toFixed(1)}h1V100z` : "";
    })
    .join("");
}
