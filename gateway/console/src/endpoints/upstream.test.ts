import { expect, test } from "vitest";
import { draftOf, linesProblem, targetsOf, upstreamOf } from "./upstream";

test("one URL is a server, several are a pool", () => {
  const one = draftOf({ url: "http://a:1" });
  expect(upstreamOf(one, { url: "http://a:1" })).toMatchObject({ url: "http://a:1", targets: [] });
  expect(upstreamOf({ ...one, targets: "http://a:1\n http://b:2 3 \n" }, null)).toMatchObject({ url: "", targets: [{ url: "http://a:1" }, { url: "http://b:2", weight: 3 }] });
  expect(upstreamOf({ ...one, targets: " " }, null)).toBeNull();
  expect(draftOf({ targets: [{ url: "http://a:1", weight: 2 }, { url: "http://b:2" }] }).targets).toBe("http://a:1 2\nhttp://b:2");
});

test("what the form does not show is kept", () => {
  const before = {
    targets: [{ url: "http://a:1" }], health_check: { path: "/up", healthy_threshold: 7 }, retry: { attempts: 2, statuses: [503] }, outlier_detection: { consecutive_failures: 9 },
    timeouts: { connect: "2s", first_byte: "0.5s" },
  };
  const back = upstreamOf(draftOf(before), before);
  expect(back).toMatchObject({ ...before, url: "" });
  expect(upstreamOf({ ...draftOf(before), retries: "0", health: "", eject: false }, before)).toMatchObject({ retry: undefined, health_check: undefined, outlier_detection: undefined });
});

test("faulty lines are named", () => {
  expect(linesProblem("http://a\n\nhttps://b:1/x 2")).toBe("");
  expect(linesProblem("http://a\nftp://b")).toContain("Line 2");
  expect(targetsOf("http://a x")).toEqual([{ url: "http://a", weight: 0 }]);
});
