// The console as a person at work uses it: by keyboard and mouse, against a
// running system.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { after, afterEach, before, beforeEach, describe, test } from "node:test";
import { closePage, launch, openPage, System } from "./system.mjs";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const host = "shop.localhost";
const limit = `on_http_request:
  - name: logins
    expressions: ["req.url.path == '/login'"]
    actions:
      - type: rate-limit
        config: {name: logins, algorithm: sliding_window, capacity: 1, rate: 1m, bucket_key: [conn.client_ip]}
`;

describe("console", () => {
  let sluice, browser, page;

  before(async () => {
    sluice = await System.start();
    browser = await launch();
    sluice.endpoint = await sluice.publish(host, limit);
    await sluice.api("PATCH", "/api/v1/settings/capture", { mode: "CAPTURE_MODE_FULL" });
    await sluice.captureIsFull(host);
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

  const rows = () => page.getByTestId("exchange-row");
  const open = (route) => page.goto(sluice.url + route);
  const search = async (text) => {
    await page.keyboard.press("/");
    await page.keyboard.type(text);
    await page.keyboard.press("Escape"); // closes the completion
    await page.keyboard.press("Enter");
  };

  test("shows requests as they come, without a reload", async () => {
    await open("/traffic");
    await page.getByTestId("live-toggle").waitFor();
    await sluice.send(host, "/api/products/3?live=1");
    await page.getByText("/api/products/3?live=1").first().waitFor();
    await page.getByTestId("accounting").getByText("seen").waitFor();
  });

  test("filters, and points at what is wrong in a filter", async () => {
    await sluice.recorded((await sluice.send(host, "/fail?status=503")).exchange);
    await open("/traffic?filter=" + encodeURIComponent("status:503"));
    await rows().first().waitFor();
    for (const row of await rows().all()) assert.match(await row.innerText(), /503/);
    await open("/traffic?filter=" + encodeURIComponent("@http.status_code:abc"));
    await page.getByTestId("search-problem").waitFor();
  });

  test("opens, walks and closes exchanges by keyboard", async () => {
    const { exchange } = await sluice.send(host, "/api/orders", {
      method: "POST", body: '{"product_id":2,"quantity":3}',
      headers: { "content-type": "application/json", authorization: "Bearer not-to-be-seen" },
    });
    await sluice.recorded(exchange);
    await open("/traffic?live=0&filter=" + encodeURIComponent("path:/api/orders"));
    await rows().first().waitFor();
    await page.keyboard.press("j");
    await page.keyboard.press("Enter");
    await page.waitForURL(`**/traffic/${exchange}**`);
    const detail = page.getByTestId("exchange-detail");
    await detail.getByText('"total"').waitFor();
    await detail.getByRole("tab", { name: "Request" }).click();
    await detail.getByText('"quantity"').waitFor();
    assert.ok(!(await detail.innerText()).includes("not-to-be-seen"), "a token is shown");
    await page.keyboard.press("Escape");
    await detail.waitFor({ state: "detached" });
  });

  test("replays a request, as it was and changed", async () => {
    const { exchange } = await sluice.send(host, "/echo?first=1");
    await sluice.recorded(exchange);
    await open(`/traffic/${exchange}`);
    await page.getByRole("button", { name: "Replay", exact: true }).click();
    await page.getByTestId("replay-result").getByText("200").first().waitFor();
    await page.getByTestId("replay-link").waitFor();
    await open(`/traffic/${exchange}`);
    await page.getByRole("button", { name: /Replay with changes/ }).click();
    await page.getByLabel("Path").fill("/api/products/77");
    await page.getByRole("dialog").getByRole("button", { name: /^(Send|Replay)/ }).click();
    await page.getByTestId("replay-result").getByText("404").first().waitFor();
  });

  test("points at the mistake in a policy and saves a right one", async () => {
    await open(`/endpoints/${sluice.endpoint.id}`);
    const editor = page.locator(".cm-content").first();
    await editor.click();
    await page.keyboard.press("Control+A");
    await page.keyboard.insertText("on_http_request:\n  - actions:\n      - type: dney\n");
    const problem = page.getByTestId("policy-problem").first();
    await problem.waitFor();
    assert.match(await problem.innerText(), /3/);
    assert.match(await problem.innerText(), /deny/);
    await editor.click();
    await page.keyboard.press("Control+A");
    await page.keyboard.insertText(limit.replace("capacity: 1", "capacity: 7"));
    await page.getByText("No problems.").waitFor();
    await page.getByRole("button", { name: "Save" }).click();
    await page.getByText(/Saved/).waitFor();
    assert.match((await sluice.api("GET", `/api/v1/endpoints/${sluice.endpoint.id}`)).traffic_policy, /capacity: 7/);
  });

  test("tries a request on a policy without sending it", async () => {
    await open(`/endpoints/${sluice.endpoint.id}`);
    await page.getByLabel("Path and query").fill("/login");
    await page.getByRole("button", { name: "Try", exact: true }).click();
    const result = page.getByTestId("try-result");
    await result.getByText("lets the request through").waitFor();
    await result.getByText("logins").first().waitFor();
  });

  test("counts errors on the stock dashboard", async () => {
    await sluice.recorded((await sluice.send(host, "/fail")).exchange);
    await open("/dashboards/dsh_http_traffic");
    const widget = page.getByTestId("widget").filter({ hasText: "Errors in the last hour" });
    await widget.getByTestId("widget-value").waitFor();
    assert.ok(Number(await widget.getByTestId("widget-value").innerText()) >= 1);
  });

  test("every view opens at 1440 and at 800 pixels, and axe finds nothing serious", async () => {
    for (const route of ["/traffic", "/endpoints", `/endpoints/${sluice.endpoint.id}`, "/routes", "/limits", "/vaults", "/dashboards", "/dashboards/dsh_http_traffic",
      "/monitors", "/channels", "/exports", "/settings", "/audit"]) {
      for (const width of [1440, 800]) {
        await page.setViewportSize({ width, height: 900 });
        await open(route);
        await page.getByRole("navigation", { name: "Main" }).waitFor();
        await page.waitForLoadState("load");
        assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth), `${route} is wider than ${width} px`);
      }
      await page.evaluate(axe);
      const { violations } = await page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
      const serious = violations.filter((v) => ["serious", "critical"].includes(v.impact)).map((v) => `${route}: ${v.id}: ${v.nodes[0].html}`);
      assert.deepEqual(serious, []);
    }
  });
});
