export interface Section {
  path: string;
  label: string;
  // Goes there after "g".
  key: string;
}

export const sections: Section[] = [
  { path: "/traffic", label: "Traffic", key: "t" },
  { path: "/endpoints", label: "Endpoints", key: "e" },
  { path: "/routes", label: "Routes", key: "r" },
  { path: "/limits", label: "Rate limits", key: "l" },
  { path: "/vaults", label: "Vaults", key: "v" },
  { path: "/dashboards", label: "Dashboards", key: "d" },
  { path: "/monitors", label: "Monitors", key: "m" },
  { path: "/channels", label: "Channels", key: "c" },
  { path: "/exports", label: "Exports", key: "x" },
  { path: "/settings", label: "Settings", key: "s" },
  { path: "/audit", label: "Audit log", key: "a" },
];
