import type { paths } from "./schema";
import { authorization } from "./token";
import type { Answer, ErrorDetail } from "./types";

// ApiError is what the gateway answered instead, in its one error shape.
export class ApiError extends Error {
  readonly detail: ErrorDetail;

  constructor(detail: ErrorDetail) {
    super(detail.message);
    this.detail = detail;
  }
}

type Verb = "get" | "post" | "patch" | "delete";
type Operation<P extends keyof paths, V extends Verb> = paths[P][V];
type Query<O> = O extends { parameters: { query?: infer Q } } ? NonNullable<Q> : never;
type Vars<O> = O extends { parameters: { path: infer V } } ? V : never;
type Json<O> = O extends { requestBody: { content: { "application/json": infer B } } } ? B : never;
type Content<R> = R extends { content: { "application/json": infer B } } ? B : undefined;
type Result<O> = O extends { responses: infer R }
  ? Answer<R extends { 200: infer S } ? Content<S> : R extends { 201: infer S } ? Content<S> : undefined>
  : never;

interface Options<O> {
  path?: Vars<O>;
  query?: Query<O>;
  body?: Json<O>;
  signal?: AbortSignal;
}

export const listeners = new Set<() => void>();

// call makes one typed request and returns the answer's body.
export async function call<V extends Verb, P extends keyof paths>(
  verb: V,
  path: P,
  options: Options<Operation<P, V>> = {},
): Promise<Result<Operation<P, V>>> {
  const response = await send(verb, url(path, options.path, options.query), options.body, options.signal);
  if (response.status === 204) return undefined as Result<Operation<P, V>>;
  return (await response.json()) as Result<Operation<P, V>>;
}

// fetched asks for something that is not JSON, such as a file.
export function fetched(target: string, signal?: AbortSignal): Promise<Response> {
  return send("get", target, undefined, signal);
}

async function send(verb: string, target: string, body: unknown, signal?: AbortSignal): Promise<Response> {
  const headers: Record<string, string> = authorization();
  if (verb === "post" || verb === "patch") headers["content-type"] = "application/json";
  let response: Response;
  try {
    response = await fetch(target, {
      method: verb.toUpperCase(),
      headers,
      body: body === undefined ? undefined : JSON.stringify(body),
      signal,
    });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new ApiError(unreachable());
  }
  if (!response.ok) throw await failure(response);
  return response;
}

export async function failure(response: Response): Promise<ApiError> {
  if (response.status === 401) for (const told of listeners) told();
  try {
    const body = (await response.json()) as { error: ErrorDetail };
    return new ApiError(body.error);
  } catch {
    return new ApiError({ ...unreachable(), status: response.status, message: `The gateway answered ${response.status}.` });
  }
}

function unreachable(): ErrorDetail {
  return { code: "UNAVAILABLE", reason: "UNREACHABLE", message: "The gateway does not answer.", status: 0, violations: [], request_id: "" };
}

export function url(path: string, vars: Record<string, unknown> | undefined, query: Record<string, unknown> | undefined): string {
  const filled = path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(String(vars?.[name] ?? "")));
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query ?? {})) {
    for (const one of Array.isArray(value) ? (value as unknown[]) : [value]) {
      if (one !== undefined && one !== null && one !== "") search.append(name, String(one));
    }
  }
  const text = search.toString();
  return text === "" ? filled : `${filled}?${text}`;
}

// messageOf is what to show people of any error.
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

// isMissing tells whether the gateway is there and does not offer the call: an
// older service runs behind it, or one without this part.
export function isMissing(error: unknown): boolean {
  return error instanceof ApiError && error.detail.status === 501;
}
