import { useSyncExternalStore } from "react";
import { agoText, clockText, fullText, zone } from "../format/time";

// useUTC tells whether times are shown in UTC.
export function useUTC(): boolean {
  return useSyncExternalStore(zone.subscribe, zone.get);
}

let second = Date.now();

// useNow is the time, to 10 seconds.
export function useNow(): number {
  return useSyncExternalStore(
    (tick) => {
      const timer = setInterval(() => { second = Date.now(); tick(); }, 10_000);
      return () => clearInterval(timer);
    },
    () => second,
  );
}

let lastTick = Date.now();

// useTick is the time, to a second, for what counts down.
export function useTick(): number {
  return useSyncExternalStore(
    (tick) => {
      const timer = setInterval(() => { lastTick = Date.now(); tick(); }, 1000);
      return () => clearInterval(timer);
    },
    () => lastTick,
  );
}

function title(iso: string): string {
  return `${fullText(iso, false)}\n${fullText(iso, true)}`;
}

// Clock is the time of day of one of many rows.
export function Clock({ iso }: { iso: string | null }) {
  const utc = useUTC();
  if (!iso) return <span className="faint">–</span>;
  return <time dateTime={iso} title={title(iso)}>{clockText(iso, utc)}</time>;
}

// Moment is a date with its time.
export function Moment({ iso }: { iso: string | null }) {
  const utc = useUTC();
  if (!iso) return <span className="faint">–</span>;
  return <time dateTime={iso} title={title(iso)}>{fullText(iso, utc)}</time>;
}

// Ago is how long ago something was.
export function Ago({ iso }: { iso: string | null }) {
  const now = useNow();
  if (!iso) return <span className="faint">never</span>;
  return <time dateTime={iso} title={title(iso)}>{agoText(iso, now)}</time>;
}
