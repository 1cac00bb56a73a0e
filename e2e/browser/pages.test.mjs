// The pages beside the traffic: secrets, limits, routes, boards, pools and what is kept.
import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, describe, test } from "node:test";
import { closePage, launch, openPage, System } from "./system.mjs";

const host = "shop.localhost";
const limit = `on_http_request:
  - name: logins
    expressions: ["req.url.path == '/login'"]
    actions:
      - type: rate-limit
        config: {name: logins, algorithm: sliding_window, capacity: 5, rate: 10m, bucket_key: [conn.client_ip]}
`;

describe("pages", () => {
  let sluice, browser, page;

  before(async () => {
    sluice = await System.start();
    browser = await launch();
    sluice.endpoint = await sluice.publish(host, limit);
    await sluice.load(host, Array.from({ length: 40 }, (_, i) => `/api/products/${i}`));
    await sluice.recorded((await sluice.send(host, "/api/products/3")).exchange);
  });
  after(async () => {
    await browser?.close();
    await sluice?.stop();
  });
  beforeEach(async () => {
    page = await openPage(browser);
  });
  afterEach(async () => {
    await closePage(page);
  });

  const open = (route) => page.goto(sluice.url + route);

  test("keeps secrets, and never shows them", async () => {
    await open("/vaults");
    await page.getByRole("button", { name: "New vault" }).click();
    await page.getByLabel("Name").fill("partners");
    await page.getByRole("button", { name: "Create" }).click();
    await page.getByRole("link", { name: "partners" }).click();
    await page.getByRole("button", { name: "New secret" }).click();
    await page.getByLabel("Name").fill("acme-key");
    await page.getByLabel("Value", { exact: true }).fill("not-to-be-seen");
    await page.getByRole("button", { name: "Create" }).click();
    const row = page.getByTestId("secret-row").filter({ hasText: "acme-key" });
    await row.getByText('secrets.get("partners", "acme-key")').waitFor();
    await row.getByRole("button", { name: "New value…" }).click();
    await page.getByLabel("Value", { exact: true }).fill("not-to-be-seen-either");
    await page.getByRole("button", { name: "Replace" }).click();
    await page.getByRole("dialog").waitFor({ state: "detached" });
    assert.ok(!(await page.content()).includes("not-to-be-seen"));
    await row.getByRole("button", { name: "Delete…" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
    await row.waitFor({ state: "detached" });
  });

  test("shows what limits count", async () => {
    for (let i = 0; i < 6; i++) await sluice.send(host, "/login", { method: "POST", body: "a=b", headers: { "content-type": "application/x-www-form-urlencoded" } });
    await open("/limits");
    const bucket = page.getByTestId("bucket-row").filter({ hasText: "logins" });
    await bucket.getByText("127.0.0.1").waitFor();
    await bucket.getByText("5 per 10 min").waitFor();
    await page.getByLabel("Endpoint").selectOption(sluice.endpoint.id);
    await page.waitForURL(`**endpoint=${sluice.endpoint.id}**`);
    await bucket.waitFor();
  });

  test("lists routes, and compares them with a document", async () => {
    await open("/routes");
    await page.getByTestId("route-row").filter({ hasText: "/api/products/" }).first().waitFor();
    const document = { openapi: "3.1.0", info: { title: "Shop", version: "1" }, paths: { "/nowhere": { get: { responses: { 200: { description: "fine" } } } } } };
    await page.getByLabel("Compare with a document").fill(JSON.stringify(document));
    await page.getByRole("button", { name: "Compare", exact: true }).click();
    await page.getByTestId("drifts").getByText("undocumented path").first().waitFor();
    const download = page.waitForEvent("download");
    await page.getByRole("button", { name: "Download what the traffic shows" }).click();
    assert.equal((await download).suggestedFilename(), "openapi.json");
    await page.getByLabel("Template", { exact: true }).fill("/api/products/{product}");
    await page.getByRole("button", { name: "Add rule" }).click();
    await page.getByTestId("rule-row").getByText("/api/products/{product}").waitFor();
  });

  test("clones a board and changes it", async () => {
    await open("/dashboards/dsh_http_traffic");
    await page.getByRole("button", { name: "Clone" }).click();
    await page.getByRole("button", { name: "Add widget" }).click();
    await page.getByLabel("Title").fill("Products");
    await page.getByLabel("Shown as").selectOption({ label: "One number" });
    await page.getByRole("button", { name: "Done" }).click();
    await page.getByRole("button", { name: "Narrower: Products" }).click();
    await page.getByRole("button", { name: "Remove Clients" }).click();
    await page.getByLabel("Name of the board").fill("Mine");
    await page.getByRole("button", { name: "Save" }).click();
    await page.getByRole("button", { name: "Edit", exact: true }).waitFor();
    const { dashboards } = await sluice.api("GET", "/api/v1/dashboards");
    const mine = dashboards.find((d) => d.name === "Mine");
    assert.equal(mine.widgets.find((w) => w.title === "Products").width, 5);
    assert.ok(!mine.widgets.some((w) => w.title === "Clients"));
  });

  test("makes a pool of an upstream, and leaves the rest as it was", async () => {
    await open(`/endpoints/${sluice.endpoint.id}`);
    await page.getByLabel("Upstream", { exact: true }).fill(`http://127.0.0.1:${sluice.demo}\nhttp://localhost:${sluice.demo} 2`);
    await page.getByLabel("Retries").fill("2");
    await page.getByText("No problems.").waitFor();
    await page.getByRole("button", { name: "Save" }).click();
    await page.getByText(/Saved/).waitFor();
    const { upstream, traffic_policy } = await sluice.api("GET", `/api/v1/endpoints/${sluice.endpoint.id}`);
    assert.deepEqual(upstream.targets.map((t) => t.weight), [0, 2]);
    assert.equal(upstream.retry.attempts, 2);
    assert.match(traffic_policy, /capacity: 5/);
  });

  test("sets what is redacted, and says what is stored", async () => {
    await open("/settings");
    await page.getByTestId("storage-row").filter({ hasText: "exchanges" }).first().waitFor();
    await page.getByRole("button", { name: "Add a rule" }).click();
    await page.getByLabel("Name of the rule").fill("partner_token");
    await page.getByLabel(/Where the rule/).fill("$.partner.token");
    await page.getByLabel("Sample, percent").fill("50");
    await page.getByLabel("Status 5xx, and no answer").check();
    await page.getByRole("button", { name: "Save" }).click();
    await page.getByText(/Saved/).waitFor();
    const settings = await sluice.api("GET", "/api/v1/settings/capture");
    assert.deepEqual(settings.redaction_rules.map((r) => [r.name, r.json_path]), [["partner_token", "$.partner.token"]]);
    assert.equal(settings.keep.server_errors, true);
  });
});
