import { Dialog } from "../ui/dialog";
import { sections } from "./sections";

const keys: [string, string][] = [
  ["/", "Search"],
  ["j  k", "Next, previous exchange"],
  ["Enter", "Open the exchange"],
  ["Esc", "Close it"],
  ["r", "Replay it"],
  ["e", "Replay it with changes"],
  ["[  ]", "Next, previous tab of it"],
  ["l", "Live on or off"],
  ["f", "Facets on or off"],
  ["?", "This help"],
];

export function Help({ onClose }: { onClose: () => void }) {
  return (
    <Dialog title="Keyboard shortcuts" onClose={onClose}>
      <dl className="keys">
        {keys.map(([key, what]) => <div key={key}><dt><kbd>{key}</kbd></dt><dd>{what}</dd></div>)}
        {sections.map((s) => <div key={s.key}><dt><kbd>g {s.key}</kbd></dt><dd>{s.label}</dd></div>)}
      </dl>
    </Dialog>
  );
}
