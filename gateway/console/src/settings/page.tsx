import { Page } from "../shell/page";
import { ApiKeys } from "./api-keys";
import { CaptureForm } from "./capture";
import { Storage } from "./storage";

export function SettingsPage() {
  return (
    <Page title="Settings">
      <CaptureForm />
      <Storage />
      <ApiKeys />
    </Page>
  );
}
