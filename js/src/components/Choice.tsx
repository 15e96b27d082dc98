// A choice of a few words. The keyboard goes back to the cards once something is chosen.

interface Props<T extends string> {
  readonly name: string; // for screen readers
  readonly title?: string;
  readonly options: readonly T[];
  readonly names?: Readonly<Partial<Record<T, string>>>; // what is shown instead of an option
  readonly value: T;
  readonly choose: (chosen: T) => void;
  readonly focusGrid: () => void;
}

export function Choice<T extends string>({ name, title, options, names, value, ...rest }: Props<T>) {
  return (
    <select
      class="va-select"
      aria-label={name}
      title={title ?? name}
      value={value}
      onChange={(event) => {
        const chosen = options.find((option) => option === event.currentTarget.value);
        if (chosen !== undefined) rest.choose(chosen);
        rest.focusGrid();
      }}
    >
      {options.map((option) => (
        <option key={option} value={option}>
          {names?.[option] ?? option}
        </option>
      ))}
    </select>
  );
}
