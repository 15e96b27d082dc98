// Who gave a clip which label, side by side, and who has decided between them.

import { type Dispute, VALUES } from "../../kernel/protocol";
import { Mark } from "../icons";

interface Props {
  readonly dispute: Dispute;
  readonly own: boolean; // the user has decided, which the card says elsewhere
}

export function Votes({ dispute: { votes, decided }, own }: Props) {
  return (
    <span class="va-votes">
      {VALUES.filter((value) => votes[value]).map((value) => (
        <span key={value} class={`va-vote va-is-${value}`}>
          <Mark value={value} /> {votes[value]?.join(", ")}
        </span>
      ))}
      {decided && !own && <span>decided by {decided}</span>}
    </span>
  );
}
