import { QueryClientProvider } from "@tanstack/react-query";
import { lazy, Suspense, useEffect, useState, type ComponentType } from "react";
import { BrowserRouter, Link, Navigate, Route, Routes } from "react-router";
import { listeners } from "./api/client";
import { newQueryClient } from "./api/queries";
import { KeyEntry } from "./shell/key-entry";
import { Layout } from "./shell/layout";
import { Page } from "./shell/page";
import { TrafficPage } from "./traffic/page";
import { Loading } from "./ui/state";

const client = newQueryClient();

// later loads a view when it is first shown.
function later<K extends string>(load: () => Promise<Record<K, ComponentType>>, name: K) {
  const View = lazy(async () => ({ default: (await load())[name] as ComponentType }));
  return <Suspense fallback={<Loading what="the view" />}><View /></Suspense>;
}

// Elements, made once: a view must stay the same from one rendering to the next.
const views = [
  { path: "endpoints", element: later(() => import("./endpoints/list"), "EndpointList") },
  { path: "endpoints/:id", element: later(() => import("./endpoints/editor"), "EndpointEditor") },
  { path: "routes", element: later(() => import("./routes/page"), "RoutesPage") },
  { path: "limits", element: later(() => import("./limits/page"), "LimitsPage") },
  { path: "vaults", element: later(() => import("./vaults/list"), "VaultList") },
  { path: "vaults/:id", element: later(() => import("./vaults/vault"), "VaultPage") },
  { path: "dashboards", element: later(() => import("./dashboards/list"), "DashboardList") },
  { path: "dashboards/:id", element: later(() => import("./dashboards/board"), "Board") },
  { path: "monitors", element: later(() => import("./monitors/list"), "MonitorList") },
  { path: "monitors/:id", element: later(() => import("./monitors/editor"), "MonitorEditor") },
  { path: "channels", element: later(() => import("./channels/list"), "ChannelList") },
  { path: "channels/:id", element: later(() => import("./channels/editor"), "ChannelEditor") },
  { path: "exports", element: later(() => import("./exports/list"), "ExportList") },
  { path: "exports/destinations/:id", element: later(() => import("./exports/destination"), "DestinationEditor") },
  { path: "exports/subscriptions/:id", element: later(() => import("./exports/subscription"), "SubscriptionEditor") },
  { path: "settings", element: later(() => import("./settings/page"), "SettingsPage") },
  { path: "audit", element: later(() => import("./audit/page"), "AuditPage") },
];

export function App() {
  return (
    <QueryClientProvider client={client}>
      <BrowserRouter>
        <Gate />
      </BrowserRouter>
    </QueryClientProvider>
  );
}

// Gate shows the key entry while the gateway wants a key.
function Gate() {
  const [locked, setLocked] = useState(false);
  useEffect(() => {
    const lock = () => setLocked(true);
    listeners.add(lock);
    return () => { listeners.delete(lock); };
  }, []);
  if (locked) return <KeyEntry onDone={() => setLocked(false)} />;
  return (
    <Routes>
      <Route element={<Layout onSignOut={() => setLocked(true)} />}>
        <Route index element={<Navigate to="/traffic" replace />} />
        <Route path="traffic/:id?" element={<TrafficPage />} />
        {views.map((v) => <Route key={v.path} path={v.path} element={v.element} />)}
        <Route path="*" element={<Page title="Nothing here"><p>There is no such page. <Link to="/traffic">See the traffic</Link>.</p></Page>} />
      </Route>
    </Routes>
  );
}
