// A running Sluice for browser tests: the binary that users run, with an endpoint
// and traffic.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, readFileSync } from "node:fs";
import https from "node:https";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";

const here = path.dirname(fileURLToPath(import.meta.url));
const binary = process.env.SLUICE_BIN ?? path.join(here, "../../bin/sluice");

/** A loopback port that nothing listens on now. */
function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

/** Polls until `ask` returns something truthy. */
export async function eventually(what, ask, limit = 30_000) {
  const deadline = Date.now() + limit;
  let last;
  while (Date.now() < deadline) {
    try {
      const got = await ask();
      if (got) return got;
    } catch (error) {
      last = error;
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`${what}: not within ${limit} ms${last ? `: ${last}` : ""}`);
}

const faults = new WeakMap();

/** A new page of the browser. closePage fails the test when the page had errors. */
export async function openPage(browser) {
  const page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
  const seen = [];
  faults.set(page, seen);
  page.on("pageerror", (error) => seen.push(String(error)));
  page.setDefaultTimeout(15_000);
  return page;
}

export async function closePage(page) {
  await page.close();
  assert.deepEqual(faults.get(page), [], "errors in the page");
}

export class System {
  static async start() {
    const s = new System();
    s.data = mkdtempSync(path.join(tmpdir(), "sluice-browser-"));
    [s.http, s.https, s.console, s.grpc, s.admin, s.demo] = await Promise.all(Array.from({ length: 6 }, freePort));
    s.output = "";
    s.children = [
      s.run("up", "--data", s.data, "--http", `127.0.0.1:${s.http}`, "--https", `127.0.0.1:${s.https}`,
        "--console", `127.0.0.1:${s.console}`, "--grpc", `127.0.0.1:${s.grpc}`, "--admin", `127.0.0.1:${s.admin}`),
      s.run("demo-api", "--listen", `127.0.0.1:${s.demo}`),
    ];
    s.url = `http://127.0.0.1:${s.console}`;
    try {
      await eventually("Sluice is ready", async () => {
        if (s.children[0].exitCode !== null) return "ended";
        return (await fetch(`http://127.0.0.1:${s.admin}/readyz`)).ok;
      }, 60_000);
      if (s.children[0].exitCode !== null) throw new Error("Sluice ended");
    } catch (error) {
      await s.stop();
      throw new Error(`${error.message}\n${s.output}`);
    }
    return s;
  }

  run(...args) {
    const child = spawn(binary, args, { stdio: ["ignore", "pipe", "pipe"] });
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (text) => (this.output += text));
    return child;
  }

  async stop() {
    await Promise.all(this.children.map((child) => new Promise((resolve) => {
      if (child.exitCode !== null) return resolve();
      child.on("exit", resolve);
      child.kill("SIGTERM");
    })));
    rmSync(this.data, { recursive: true, force: true });
  }

  /** Calls the REST API. */
  async api(method, route, body) {
    const response = await fetch(this.url + route, {
      method,
      headers: body ? { "content-type": "application/json" } : {},
      body: body ? JSON.stringify(body) : undefined,
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${route}: ${response.status} ${text}`);
    return text ? JSON.parse(text) : {};
  }

  /** Publishes the demo API under `host` and returns the endpoint. */
  async publish(host, policy = "") {
    const endpoint = await this.api("POST", "/api/v1/endpoints", {
      url: `https://${host}`, upstream: { url: `http://127.0.0.1:${this.demo}` }, traffic_policy: policy,
    });
    await eventually(`${host} is served`, async () => (await this.send(host, "/api/products")).fromDemo);
    return endpoint;
  }

  /** Sends a request through the proxy. */
  send(host, route, { method = "GET", headers = {}, body } = {}) {
    return new Promise((resolve, reject) => {
      const request = https.request({
        host: "127.0.0.1", port: this.https, servername: host, path: route, method,
        headers: { host, ...headers }, ca: readFileSync(path.join(this.data, "proxy", "ca.pem")),
      }, (response) => {
        let text = "";
        response.on("data", (chunk) => (text += chunk));
        response.on("end", () => resolve({
          status: response.statusCode, body: text, exchange: response.headers["sluice-exchange-id"],
          fromDemo: !response.headers["sluice-error-code"],
        }));
      });
      request.on("error", reject);
      request.end(body);
    });
  }

  /** Sends many GET requests over a few connections. */
  async load(host, routes) {
    const agent = new https.Agent({ keepAlive: true, maxSockets: 16, servername: host, ca: readFileSync(path.join(this.data, "proxy", "ca.pem")) });
    const one = (route) => new Promise((resolve, reject) => {
      const request = https.request({ host: "127.0.0.1", port: this.https, path: route, headers: { host }, agent }, (response) => response.resume().on("end", resolve));
      request.on("error", reject);
      request.end();
    });
    try {
      await Promise.all(routes.map(one));
    } finally {
      agent.destroy();
    }
  }

  /** Waits until the proxy records bodies of `host`. */
  captureIsFull(host) {
    return eventually("capture is full", async () => {
      const { exchange } = await this.send(host, "/api/products");
      return (await this.recorded(exchange)).full_capture;
    });
  }

  /** Waits until an exchange is recorded. */
  recorded(id) {
    return eventually(`${id} is recorded`, () => this.api("GET", `/api/v1/exchanges/${id}`));
  }
}

/** Debian's Chromium, quiet and offline. */
export function launch() {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
  });
}
