import { useState } from "react";
import { NavLink, Outlet, useNavigate } from "react-router";
import { setToken, token } from "../api/token";
import { zone } from "../format/time";
import { Button } from "../ui/button";
import { useKeys } from "../ui/keys";
import { setTheme, useTheme, type Theme } from "../ui/theme";
import { useUTC } from "../ui/time";
import { Help } from "./help";
import { sections } from "./sections";

export function Layout({ onSignOut }: { onSignOut: () => void }) {
  const [help, setHelp] = useState(false);
  const navigate = useNavigate();
  useKeys({
    "?": () => setHelp(true),
    ...Object.fromEntries(sections.map((s) => [`g ${s.key}`, () => void navigate(s.path)])),
  });
  return (
    <div className="layout">
      <a className="skip" href="#main">Skip to content</a>
      <header className="rail">
        <NavLink to="/traffic" className="brand" aria-label="Sluice"><img src="/icon.svg" alt="" width="22" height="22" /><span>Sluice</span></NavLink>
        <nav aria-label="Main">
          {sections.map((s) => <NavLink key={s.path} to={s.path} title={`g ${s.key}`}>{s.label}</NavLink>)}
        </nav>
        <div className="rail-end">
          <ZoneSwitch />
          <ThemeSwitch />
          <Button kind="quiet" onClick={() => setHelp(true)} aria-label="Keyboard shortcuts">?</Button>
          {token() !== "" && <Button kind="quiet" onClick={() => { setToken(""); onSignOut(); }}>Sign out</Button>}
        </div>
      </header>
      <main id="main" tabIndex={-1}><Outlet /></main>
      {help && <Help onClose={() => setHelp(false)} />}
    </div>
  );
}

function ZoneSwitch() {
  const utc = useUTC();
  return (
    <Button kind="quiet" onClick={() => zone.set(!utc)} title="Times in your zone or in UTC" aria-label={`Times: ${utc ? "UTC" : "Local"}`}>
      {utc ? "UTC" : "Local"}
    </Button>
  );
}

const next: Record<Theme, Theme> = { system: "light", light: "dark", dark: "system" };
const names: Record<Theme, string> = { system: "Auto", light: "Light", dark: "Dark" };

function ThemeSwitch() {
  const theme = useTheme();
  return <Button kind="quiet" onClick={() => setTheme(next[theme])} title="Colours: as the system, light or dark" aria-label={`Colours: ${names[theme]}`}>{names[theme]}</Button>;
}
