import type { Signal } from "@preact/signals";

// Switches something on or off.
export function toggle(flag: Signal<boolean>): void {
  flag.value = !flag.value;
}
