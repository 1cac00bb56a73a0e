import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useEffect, useMemo, useState } from "react";
import { ApiError, call } from "../api/client";
import { faultOf, wordsOf, type Fault } from "./position";

export interface Check {
  // What the server cannot read.
  fault: Fault | null;
  // Fields that no exchange has.
  unknown: Fault[];
  // What makes the filter slow, for people.
  hints: string[];
}

const path = "/api/v1/exchanges:validate";
const nothing: Check = { fault: null, unknown: [], hints: [] };

// useCheck asks the server about a filter while it is typed.
export function useCheck(filter: string): Check {
  const settled = useSettled(filter.trim() === "" ? "" : filter);
  const { data, error } = useQuery({
    queryKey: [path, settled],
    queryFn: ({ signal }) => call("get", path, { query: { filter: settled }, signal }),
    enabled: settled !== "",
    placeholderData: keepPreviousData,
    retry: false,
    staleTime: 30_000,
  });
  return useMemo(() => {
    if (settled === "" || settled !== filter) return nothing;
    if (error instanceof ApiError) return { ...nothing, fault: faultOf(settled, error.detail) };
    return data === undefined ? nothing : { fault: null, unknown: wordsOf(settled, data.unknown_fields), hints: data.hints };
  }, [settled, filter, data, error]);
}

// useSettled is the text once nobody has typed for a moment.
function useSettled(text: string): string {
  const [settled, setSettled] = useState(text);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(text), 250);
    return () => clearTimeout(timer);
  }, [text]);
  return settled;
}
