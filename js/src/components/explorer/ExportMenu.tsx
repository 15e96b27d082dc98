// The clips of the query as a file, for a table or for an editing program.

import { useSignal } from "@preact/signals";
import type { ExplorerStore } from "../../explorer/store";
import type { ExplorerView } from "../../explorer/view";
import { FORMATS, type Format } from "../../kernel/explorerProtocol";
import { counted } from "../../words";
import { download } from "../download";

const NAMES: Readonly<Record<Format, readonly [name: string, use: string]>> = {
  csv: ["CSV", "a table with all scores"],
  otio: ["OTIO", "OpenTimelineIO: Resolve, Hiero, RV"],
  edl: ["EDL", "CMX 3600: any editing program"],
  fcpxml: ["FCPXML", "Final Cut Pro, Resolve"],
};

export function ExportMenu({ store, view }: { store: ExplorerStore; view: ExplorerView }) {
  const making = useSignal(false);
  const save = async (format: Format) => {
    if (making.value) return;
    making.value = true;
    const file = await store.exportHits(format);
    making.value = false;
    if (file) view.panel.value = "";
    download(file);
  };
  return (
    <>
      <p class="va-menu-title">
        {making.value
          ? "Writing …"
          : `All ${counted(store.hits.count.value ?? 0, "clip")}, in this order, as`}
      </p>
      <ul>
        {FORMATS.map((format) => (
          <li key={format} class="va-entry-row">
            <button type="button" class="va-entry" onClick={() => void save(format)}>
              <span class="va-format">{NAMES[format][0]}</span>
              <span class="va-entry-text">{NAMES[format][1]}</span>
            </button>
          </li>
        ))}
      </ul>
    </>
  );
}
