-- Counts by minute and by hour, from which histograms, facets and totals over long
-- times are answered without reading exchanges. Capture computes a whole minute or
-- hour at a time and replaces what was there. A group that has more exchanges is
-- newer, for none are ever added twice or taken out but by retention: so the count
-- is the version, and computing again is harmless.
CREATE TABLE IF NOT EXISTS exchanges_minute
(
    minute         DateTime('UTC') CODEC(Delta(4), ZSTD(1)),
    endpoint_id    LowCardinality(String),
    endpoint_name  LowCardinality(String),
    route          LowCardinality(String),
    method         LowCardinality(String),
    status         Nullable(UInt16) CODEC(ZSTD(1)),
    policy_action  LowCardinality(String),
    error_code     LowCardinality(String),
    count          UInt64 CODEC(T64, ZSTD(1)),
    duration_sum   UInt64 CODEC(T64, ZSTD(1)),
    duration_min   UInt64 CODEC(T64, ZSTD(1)),
    duration_max   UInt64 CODEC(T64, ZSTD(1)),
    duration_state AggregateFunction(quantileDD(0.002, 0.5), Float64) CODEC(ZSTD(1)),
    bytes_in       UInt64 CODEC(T64, ZSTD(1)),
    bytes_out      UInt64 CODEC(T64, ZSTD(1))
)
ENGINE = ReplacingMergeTree(count)
PARTITION BY toYYYYMM(minute)
ORDER BY (minute, endpoint_id, endpoint_name, route, method, status, policy_action, error_code)
SETTINGS allow_nullable_key = 1, min_bytes_for_wide_part = 268435456;

CREATE TABLE IF NOT EXISTS exchanges_hour
(
    hour           DateTime('UTC') CODEC(Delta(4), ZSTD(1)),
    client_country LowCardinality(String),
    client_ip      IPv6 CODEC(ZSTD(1)),
    count          UInt64 CODEC(T64, ZSTD(1))
)
ENGINE = ReplacingMergeTree(count)
PARTITION BY toYYYYMM(hour)
ORDER BY (hour, client_country, client_ip)
SETTINGS min_bytes_for_wide_part = 268435456;
