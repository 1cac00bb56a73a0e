import { Page } from "../shell/page";
import { ApiKeys } from "./api-keys";
import { CaptureForm } from "./capture";

export function SettingsPage() {
  return (
    <Page title="Settings">
      <CaptureForm />
      <ApiKeys />
    </Page>
  );
}
