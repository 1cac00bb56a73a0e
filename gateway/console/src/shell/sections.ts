export interface Section {
  path: string;
  label: string;
  // Goes there after "g".
  key: string;
}

export const sections: Section[] = [
  { path: "/traffic", label: "Traffic", key: "t" },
  { path: "/endpoints", label: "Endpoints", key: "e" },
  { path: "/dashboards", label: "Dashboards", key: "d" },
  { path: "/monitors", label: "Monitors", key: "m" },
  { path: "/channels", label: "Channels", key: "c" },
  { path: "/exports", label: "Exports", key: "x" },
  { path: "/settings", label: "Settings", key: "s" },
  { path: "/audit", label: "Audit log", key: "a" },
];
