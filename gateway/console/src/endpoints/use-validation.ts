import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { call } from "../api/client";
import type { PolicyProblem } from "../api/types";

const none: PolicyProblem[] = [];

// useSettled is a value once it has not changed for ms.
export function useSettled<T>(value: T, ms: number): T {
  const [settled, setSettled] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(value), ms);
    return () => clearTimeout(timer);
  }, [value, ms]);
  return settled;
}

// useValidation checks a policy while it is written.
export function useValidation(policy: string, requireTerminating: boolean) {
  const settled = useSettled(policy, 300);
  const { data, isFetching, error } = useQuery({
    queryKey: ["policies:validate", settled, requireTerminating],
    queryFn: ({ signal }) => call("post", "/api/v1/policies:validate", { body: { traffic_policy: settled, require_terminating: requireTerminating }, signal }),
    enabled: settled.trim() !== "" || requireTerminating,
    placeholderData: keepPreviousData,
    staleTime: Infinity,
  });
  const empty = settled.trim() === "" && !requireTerminating;
  return { problems: empty ? none : (data?.problems ?? none), checking: isFetching || settled !== policy, error };
}
