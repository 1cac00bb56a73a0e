import { fieldNamed } from "../search/fields";

const names: Record<string, string> = {
  "@http.status_class": "Status class", status_class: "Status class", "@http.status_code": "Status", status: "Status", method: "Method", "@http.method": "Method",
  endpoint: "Endpoint", service: "Endpoint", route: "Route", "@http.route": "Route", country: "Country", ip: "Client", "@network.client.ip": "Client",
  "@network.client.geoip.country.iso_code": "Country", action: "Action", "@traffic_policy.action": "Action", error: "Error", "@error.kind": "Error",
};

// facetName is a field's name for people.
export function facetName(field: string): string {
  return names[field] ?? fieldNamed(field)?.short ?? field;
}

const key = "sluice.facets.shut";

// shut remembers which facets people closed.
export const shut = {
  all(): string[] {
    return (localStorage.getItem(key) ?? "").split(" ").filter((f) => f !== "");
  },
  get(field: string): boolean {
    return shut.all().includes(field);
  },
  set(field: string, closed: boolean) {
    const others = shut.all().filter((f) => f !== field);
    localStorage.setItem(key, (closed ? [...others, field] : others).join(" "));
  },
};
