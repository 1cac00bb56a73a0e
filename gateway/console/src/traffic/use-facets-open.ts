import { useState } from "react";

const key = "sluice.facets";
const roomy = 1100;

// useFacetsOpen remembers whether the facets are shown. On small screens they cover
// the list, so they begin closed there.
export function useFacetsOpen(): [boolean, (open: boolean) => void] {
  const [open, setOpen] = useState(() => window.innerWidth > roomy && localStorage.getItem(key) !== "0");
  const change = (next: boolean) => {
    setOpen(next);
    if (window.innerWidth > roomy) localStorage.setItem(key, next ? "1" : "0");
  };
  return [open, change];
}
