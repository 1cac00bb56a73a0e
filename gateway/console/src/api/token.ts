// The API key lives as long as the browser tab: it is never written to disk.
const key = "sluice.token";

export function token(): string {
  return sessionStorage.getItem(key) ?? "";
}

export function setToken(value: string) {
  if (value === "") sessionStorage.removeItem(key);
  else sessionStorage.setItem(key, value);
}

export function authorization(): Record<string, string> {
  const t = token();
  return t === "" ? {} : { authorization: `Bearer ${t}` };
}
