-- What the inspector shows beyond 0001. Columns are what searches name; the rest
-- of an exchange, which only readers want, is in extra: a sluice.capture.v1.Exchange
-- with the fields that have no column. Rows from before have the defaults.
ALTER TABLE exchanges
    ADD COLUMN IF NOT EXISTS route                  LowCardinality(String) AFTER endpoint_url,
    ADD COLUMN IF NOT EXISTS kept_by                LowCardinality(String) AFTER full_capture,

    -- Where the client's address belongs.
    ADD COLUMN IF NOT EXISTS client_country         LowCardinality(String) AFTER conn_ts,
    ADD COLUMN IF NOT EXISTS client_country_name    LowCardinality(String) AFTER client_country,
    ADD COLUMN IF NOT EXISTS client_continent       LowCardinality(String) AFTER client_country_name,
    ADD COLUMN IF NOT EXISTS client_subdivision     LowCardinality(String) AFTER client_continent,
    ADD COLUMN IF NOT EXISTS client_city            LowCardinality(String) AFTER client_subdivision,
    ADD COLUMN IF NOT EXISTS client_asn             UInt32 CODEC(ZSTD(1)) AFTER client_city,
    ADD COLUMN IF NOT EXISTS client_as_organization LowCardinality(String) AFTER client_asn,

    ADD COLUMN IF NOT EXISTS tls_ja4                LowCardinality(String) AFTER tls_resumed,
    ADD COLUMN IF NOT EXISTS tls_client_subject     LowCardinality(String) AFTER tls_ja4,
    ADD COLUMN IF NOT EXISTS tls_client_serial      LowCardinality(String) AFTER tls_client_subject,

    -- Lengths after content decoding, and of what was kept, parts in bodies included.
    ADD COLUMN IF NOT EXISTS req_body_decoded_size  UInt64 CODEC(T64, ZSTD(1)) AFTER req_body_truncated,
    ADD COLUMN IF NOT EXISTS req_body_stored_size   UInt64 CODEC(T64, ZSTD(1)) AFTER req_body_decoded_size,
    ADD COLUMN IF NOT EXISTS res_body_decoded_size  UInt64 CODEC(T64, ZSTD(1)) AFTER res_body_truncated,
    ADD COLUMN IF NOT EXISTS res_body_stored_size   UInt64 CODEC(T64, ZSTD(1)) AFTER res_body_decoded_size,
    ADD COLUMN IF NOT EXISTS message_count          UInt32 CODEC(T64, ZSTD(1)) AFTER res_body_stored_size,
    ADD COLUMN IF NOT EXISTS omitted_messages       UInt64 CODEC(T64, ZSTD(1)) AFTER message_count,

    -- As in sluice.capture.v1.Timings.
    ADD COLUMN IF NOT EXISTS connect_ns             Nullable(UInt64) CODEC(T64, ZSTD(1)) AFTER first_byte_ns,
    ADD COLUMN IF NOT EXISTS tls_handshake_ns       Nullable(UInt64) CODEC(T64, ZSTD(1)) AFTER connect_ns,
    ADD COLUMN IF NOT EXISTS upstream_first_byte_ns Nullable(UInt64) CODEC(T64, ZSTD(1)) AFTER tls_handshake_ns,
    ADD COLUMN IF NOT EXISTS request_received_ns    Nullable(UInt64) CODEC(T64, ZSTD(1)) AFTER upstream_first_byte_ns,
    ADD COLUMN IF NOT EXISTS upstream_start_ns      Nullable(UInt64) CODEC(T64, ZSTD(1)) AFTER request_received_ns,

    ADD COLUMN IF NOT EXISTS upstream_http_version  LowCardinality(String) AFTER upstream_reused,
    ADD COLUMN IF NOT EXISTS upstream_failures      UInt16 CODEC(ZSTD(1)) AFTER upstream_http_version,

    -- What actions decided, by name, and the names of the redaction rules that found
    -- something, each once.
    ADD COLUMN IF NOT EXISTS policy_decisions       Map(LowCardinality(String), LowCardinality(String)) CODEC(ZSTD(1)) AFTER policy_logs,
    ADD COLUMN IF NOT EXISTS redacted_by            Array(LowCardinality(String)) CODEC(ZSTD(1)) AFTER policy_decisions,
    ADD COLUMN IF NOT EXISTS extra                  String CODEC(ZSTD(1)) AFTER redacted_by;

-- Stretches of bodies beyond what exchanges hold. ts is the exchange's. The same
-- stretch twice counts once, so that it may be inserted again after a failure.
CREATE TABLE IF NOT EXISTS bodies
(
    ts          DateTime64(9, 'UTC') CODEC(Delta(8), ZSTD(1)),
    exchange_id String CODEC(ZSTD(1)),
    side        UInt8,
    position    UInt64 CODEC(ZSTD(1)),
    content     String CODEC(ZSTD(1))
)
ENGINE = ReplacingMergeTree
PARTITION BY toDate(ts)
ORDER BY (ts, exchange_id, side, position)
SETTINGS index_granularity = 64,
    index_granularity_bytes = 1048576,
    min_bytes_for_wide_part = 1073741824,
    non_replicated_deduplication_window = 10000,
    fsync_after_insert = 1,
    fsync_part_directory = 1,
    merge_with_ttl_timeout = 600;

-- Messages of WebSockets, gRPC calls and event streams, numbered from 0.
CREATE TABLE IF NOT EXISTS messages
(
    ts          DateTime64(9, 'UTC') CODEC(Delta(8), ZSTD(1)),
    exchange_id String CODEC(ZSTD(1)),
    number      UInt32 CODEC(Delta(4), ZSTD(1)),
    direction   UInt8,
    kind        UInt8,
    offset_ns   UInt64 CODEC(T64, ZSTD(1)),
    content     String CODEC(ZSTD(1)),
    size        UInt64 CODEC(T64, ZSTD(1)),
    truncated   Bool,
    compressed  Bool
)
ENGINE = ReplacingMergeTree
PARTITION BY toDate(ts)
ORDER BY (ts, exchange_id, number)
SETTINGS index_granularity = 1024,
    index_granularity_bytes = 1048576,
    min_bytes_for_wide_part = 268435456,
    non_replicated_deduplication_window = 10000,
    fsync_after_insert = 1,
    fsync_part_directory = 1,
    merge_with_ttl_timeout = 600;
