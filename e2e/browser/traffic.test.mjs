// The traffic page as people search with it: completion, facets, brush, keyboard,
// views, exports, and lists that are long.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, afterEach, before, beforeEach, describe, test } from "node:test";
import { closePage, eventually, launch, openPage, System } from "./system.mjs";

const host = "shop.localhost";
const many = 2500;

describe("traffic", () => {
  let sluice, browser, page, order;

  before(async () => {
    sluice = await System.start();
    browser = await launch();
    sluice.endpoint = await sluice.publish(host);
    await sluice.api("PATCH", "/api/v1/settings/capture", { mode: "CAPTURE_MODE_FULL" });
    await sluice.captureIsFull(host);
    order = await sluice.send(host, "/api/orders", {
      method: "POST", headers: { "content-type": "application/json", authorization: "Bearer not-to-be-seen" },
      body: JSON.stringify({ product_id: 2, quantity: 3, customer: { name: "Ada", password: "not-to-be-seen" } }),
    });
    await sluice.send(host, "/fail?status=503");
    await sluice.load(host, Array.from({ length: many }, (_, i) => `/api/products/${i}`));
    await sluice.recorded(order.exchange);
    await eventually("everything is stored", async () => Number((await sluice.api("GET", "/api/v1/exchanges:histogram")).total) > many);
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
  const filter = () => new URL(page.url()).searchParams.get("filter");
  const open = async (route) => {
    await page.goto(sluice.url + route);
    await rows().first().waitFor();
  };
  const filterIs = (wanted) => page.waitForFunction((w) => new URL(location.href).searchParams.get("filter") === w, wanted);

  test("completes fields, and the values that exchanges have", async () => {
    await open("/traffic");
    await page.keyboard.press("/");
    await page.keyboard.type("met");
    await page.locator(".cm-tooltip-autocomplete").getByText("method", { exact: true }).waitFor();
    await page.keyboard.press("Tab");
    await page.keyboard.type("PO");
    const offer = page.locator(".cm-tooltip-autocomplete li").filter({ hasText: "POST" });
    await offer.filter({ hasText: /\d/ }).waitFor(); // with its count
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    await filterIs("method:POST");
    await page.waitForFunction(() => document.querySelectorAll("[data-testid=exchange-row]").length === 1);
    assert.match(await rows().first().innerText(), /POST/);
  });

  test("marks what a filter may have wrong while it is typed", async () => {
    await open("/traffic");
    await page.keyboard.press("/");
    await page.keyboard.type("staus:500");
    await page.getByTestId("search-unknown").waitFor();
    assert.equal(await page.getByTestId("search-unknown").innerText(), "staus");
    await page.keyboard.press("Control+A");
    await page.keyboard.type("method:GET (");
    await page.getByTestId("search-problem").waitFor();
    assert.equal(filter(), null, "nothing was searched yet");
  });

  test("takes CEL", async () => {
    await open("/traffic?filter=" + encodeURIComponent("cel: res.status_code == 503"));
    assert.match(await rows().first().innerText(), /503/);
    assert.equal(await rows().count(), 1);
  });

  test("narrows by facets, and leaves values out", async () => {
    await open("/traffic");
    const value = page.getByTestId("facet-value").filter({ hasText: /^503/ });
    await value.click();
    await page.waitForFunction(() => document.querySelectorAll("[data-testid=exchange-row]").length === 1);
    assert.match(filter(), /503/);
    await page.getByTestId("facet-value").filter({ hasText: /^503/ }).click();
    await filterIs(null);
    await page.getByTestId("facet-value").filter({ hasText: /^GET/ }).click({ modifiers: ["Alt"] });
    await page.waitForFunction(() => new URL(location.href).searchParams.get("filter")?.startsWith("-"));
    await page.waitForFunction(() => document.querySelectorAll("[data-testid=exchange-row]").length === 1);
    assert.match(await rows().first().innerText(), /\/api\/orders/);
  });

  test("zooms with a brush over the histogram, and back", async () => {
    await open("/traffic?range=15m");
    const bars = page.locator("[data-testid=histogram-bars] .u-over");
    const box = await bars.boundingBox();
    const total = Number(await page.getByTestId("histogram").getAttribute("data-total"));
    assert.ok(total > many);
    await page.mouse.move(box.x + 20, box.y + 20);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width / 3, box.y + 20, { steps: 5 });
    await page.mouse.up();
    await page.waitForFunction(() => new URL(location.href).searchParams.has("from"));
    await page.waitForFunction((t) => Number(document.querySelector("[data-testid=histogram]")?.dataset.total) < t, total);
    assert.match(await page.getByTestId("live-toggle").innerText(), /Paused/);
    await page.goBack();
    await page.waitForFunction(() => !new URL(location.href).searchParams.has("from"));
  });

  test("is used by keyboard alone", async () => {
    await open("/traffic?live=0");
    await page.keyboard.press("j");
    await page.keyboard.press("j");
    await page.keyboard.press("k");
    const id = await page.locator("[data-testid=exchange-row][aria-selected=true]").getAttribute("data-id");
    await page.keyboard.press("Enter");
    await page.waitForURL(`**/traffic/${id}**`);
    const selected = () => page.locator("[role=tab][aria-selected=true]").innerText();
    await page.getByRole("tab", { name: "Response" }).waitFor();
    const before = await selected();
    await page.keyboard.press("]");
    await page.waitForFunction((b) => document.querySelector("[role=tab][aria-selected=true]")?.textContent !== b, before);
    await page.keyboard.press("j");
    await page.waitForFunction((i) => !location.pathname.endsWith(i), id);
    await page.keyboard.press("Escape");
    await page.waitForURL("**/traffic?**");
    await page.keyboard.press("?");
    await page.getByRole("dialog", { name: "Keyboard shortcuts" }).waitFor();
    await page.keyboard.press("Escape");
    await page.keyboard.press("g");
    await page.keyboard.press("l");
    await page.waitForURL("**/limits");
  });

  test("keeps columns and order in the URL", async () => {
    await open("/traffic?range=24h");
    await page.getByRole("columnheader", { name: "Duration" }).getByRole("button").click();
    await page.waitForURL(/order=duration(\+|%20)desc/);
    assert.match(await page.getByTestId("live-toggle").innerText(), /Paused/);
    const slowest = await page.evaluate(async () => (await (await fetch("/api/v1/exchanges?limit=1&order_by=duration%20desc")).json()).exchanges[0].id);
    await page.waitForFunction((id) => document.querySelector("[data-testid=exchange-row][aria-rowindex='2']")?.dataset.id === id, slowest);
    await page.getByTestId("column-picker").click();
    await page.getByRole("checkbox", { name: "First byte" }).click();
    await page.getByRole("checkbox", { name: "Client" }).click();
    await page.keyboard.press("Escape");
    await page.getByRole("columnheader", { name: "First byte" }).waitFor();
    assert.equal(await page.getByRole("columnheader", { name: "Client" }).count(), 0);
    await page.reload();
    await page.getByRole("columnheader", { name: "First byte" }).waitFor();
  });

  test("draws few of many rows, and reads on where people scroll", async () => {
    await open("/traffic?live=0&range=24h");
    const listed = () => page.getByTestId("accounting").locator("span").first().innerText();
    await page.evaluate(() => {
      window.longest = 0;
      new PerformanceObserver((list) => { for (const e of list.getEntries()) window.longest = Math.max(window.longest, e.duration); }).observe({ type: "longtask" });
    });
    await eventually("every row is listed", async () => {
      await page.evaluate(() => { const box = document.querySelector(".exchanges-scroll"); box.scrollTop = box.scrollHeight; });
      return Number((await listed()).replace(/\D/g, "")) > many && !(await listed()).includes("+");
    });
    assert.ok(await rows().count() < 120, "rows out of sight are drawn");
    const ids = await page.evaluate(async () => {
      const box = document.querySelector(".exchanges-scroll");
      const seen = new Set();
      for (let top = 0; top <= box.scrollHeight; top += box.clientHeight / 2) {
        box.scrollTop = top;
        await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
        for (const r of document.querySelectorAll("[data-testid=exchange-row]")) seen.add(r.dataset.id);
      }
      return seen.size;
    });
    assert.ok(ids > many, `${ids} of more than ${many} rows were drawn while scrolling`);
    assert.ok(await page.evaluate(() => window.longest) < 1000, "scrolling stood still");
  });

  test("shows what comes at once, however much", async () => {
    await page.goto(sluice.url + "/traffic?filter=" + encodeURIComponent("path:/echo"));
    await page.getByTestId("live-toggle").getByText("Live").waitFor();
    await sluice.load(host, Array.from({ length: 300 }, (_, i) => `/echo?n=${i}`));
    await eventually("all are listed", async () => Number((await page.getByTestId("accounting").locator("span").first().innerText()).replace(/\D/g, "")) >= 300);
    assert.equal(await page.getByTestId("live-sampled").count(), 0);
  });

  test("exports what matches", async () => {
    await open("/traffic?filter=" + encodeURIComponent("method:POST"));
    await page.getByTestId("export-menu").click();
    const download = page.waitForEvent("download");
    await page.getByRole("button", { name: /^NDJSON/ }).click();
    const file = await download;
    assert.match(file.suggestedFilename(), /\.ndjson$/);
    const lines = readFileSync(await file.path(), "utf8").trim().split("\n");
    assert.equal(lines.length, 1);
    assert.equal(JSON.parse(lines[0]).id, order.exchange);
    await page.getByTestId("export-run").getByText("NDJSON saved: 1 exchanges").waitFor();
  });

  test("saves, renames, opens and deletes views", async () => {
    await open("/traffic?range=4h&filter=" + encodeURIComponent("status:503"));
    await page.getByTestId("views-menu").click();
    await page.getByLabel("Name of the view").fill("Broken");
    await page.getByRole("button", { name: "Save", exact: true }).click();
    const view = page.getByTestId("view");
    await view.getByText("Broken").waitFor();
    await view.getByRole("button", { name: "Rename" }).click();
    await page.getByLabel("New name").fill("Broken today");
    await page.keyboard.press("Enter");
    await view.getByText("Broken today").waitFor();
    await open("/traffic");
    await page.getByTestId("views-menu").click();
    await view.getByText("Broken today").click();
    await filterIs("status:503");
    assert.equal(new URL(page.url()).searchParams.get("range"), "4h");
    await page.getByTestId("views-menu").click();
    await view.getByRole("button", { name: "Delete Broken today" }).click();
    await view.getByRole("button", { name: "Delete Broken today" }).click();
    await view.waitFor({ state: "detached" });
  });

  test("shows an exchange from every side", async () => {
    await page.goto(`${sluice.url}/traffic/${order.exchange}?tab=request`);
    const detail = page.getByTestId("exchange-detail");
    await detail.getByText('"quantity"').waitFor();
    assert.ok(!(await detail.innerText()).includes("not-to-be-seen"), "a secret is shown");
    await detail.getByTestId("redacted").first().waitFor();
    await detail.getByText('"customer"').click();
    await detail.getByText('"name"').waitFor({ state: "hidden" });
    await detail.getByLabel("Find in the body").fill("ada");
    await detail.getByTestId("find-count").getByText("1/1").waitFor();
    await detail.getByLabel("Find in the body").press("Enter");
    await detail.getByText('"name"').waitFor();
    await detail.getByRole("button", { name: "Hex" }).click();
    await detail.getByText("00000000").waitFor();
    const download = page.waitForEvent("download");
    await detail.getByRole("button", { name: /^Download/ }).click();
    assert.match(readFileSync(await (await download).path(), "utf8"), /"product_id":2/);
    await detail.getByRole("tab", { name: "Timing" }).click();
    await detail.getByTestId("waterfall").getByText("Upstream").or(detail.getByText("Waiting for the upstream")).first().waitFor();
    await detail.getByRole("tab", { name: "Policy" }).click();
    await detail.getByRole("tab", { name: "Related" }).click();
    await detail.getByTestId("related").getByText("Same client").waitFor();
    await detail.getByRole("tab", { name: "Raw" }).click();
    await detail.getByText("POST /api/orders HTTP/1.1").waitFor();
    await page.waitForURL("**tab=raw**");
  });

  test("has its facets under a switch on small screens", async () => {
    await page.setViewportSize({ width: 800, height: 900 });
    await open("/traffic");
    assert.equal(await page.getByTestId("facets").count(), 0);
    await page.getByTestId("facets-toggle").click();
    await page.getByTestId("facet-value").filter({ hasText: /^POST/ }).click();
    await page.getByTestId("facets-toggle").click();
    await page.getByText("/api/orders").first().click();
    await page.getByTestId("exchange-detail").waitFor();
    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth), "wider than the screen");
  });
});
