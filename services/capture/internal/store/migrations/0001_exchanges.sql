-- One row for each exchange. Columns that the search syntax names keep the names
-- and types of its table of fields.
--
-- ORDER BY (ts, id): lists read newest first in this order, and an id tells its
-- time to the millisecond. seq grows with the time of storing across all writers,
-- so its minmax index finds the end of the log. Small granules keep the cost of
-- one row low. Parts stay compact up to 256 MB: a wide one has some 250 files, and
-- making files is what inserts and their merges spend most of their time on, which
-- is also why there are no more indexes.
CREATE TABLE IF NOT EXISTS exchanges
(
    id                   String CODEC(ZSTD(1)),
    ts                   DateTime64(9, 'UTC') CODEC(Delta(8), ZSTD(1)),
    writer               LowCardinality(String),
    seq                  UInt64 CODEC(Delta(8), ZSTD(1)),
    batch_id             String CODEC(ZSTD(1)),
    proxy_id             LowCardinality(String),
    full_capture         Bool,

    endpoint_id          LowCardinality(String),
    endpoint_name        LowCardinality(String),
    endpoint_url         LowCardinality(String),

    client_ip            IPv6 CODEC(ZSTD(1)),
    client_port          UInt16 CODEC(ZSTD(1)),
    server_ip            IPv6 CODEC(ZSTD(1)),
    server_port          UInt16 CODEC(ZSTD(1)),
    conn_ts              DateTime64(9, 'UTC') CODEC(Delta(8), ZSTD(1)),
    bytes_in             UInt64 CODEC(T64, ZSTD(1)),
    bytes_out            UInt64 CODEC(T64, ZSTD(1)),
    tls_version          LowCardinality(String),
    tls_cipher           LowCardinality(String),
    tls_sni              String CODEC(ZSTD(1)),
    tls_protocol         LowCardinality(String),
    tls_resumed          Bool,

    scheme               LowCardinality(String),
    method               LowCardinality(String),
    method_raw           LowCardinality(String),
    host                 String CODEC(ZSTD(1)),
    authority            String CODEC(ZSTD(1)),
    path                 String CODEC(ZSTD(1)),
    query                String CODEC(ZSTD(1)),
    url                  String CODEC(ZSTD(1)),
    http_version         LowCardinality(String),
    user_agent           String CODEC(ZSTD(1)),
    req_headers          Map(LowCardinality(String), Array(String)) CODEC(ZSTD(1)),
    req_header_names     Array(LowCardinality(String)) CODEC(ZSTD(1)),
    req_header_redacted  Array(LowCardinality(String)) CODEC(ZSTD(1)),
    req_trailers         Array(String) CODEC(ZSTD(1)),
    req_body             String CODEC(ZSTD(1)),
    req_body_size        UInt64 CODEC(T64, ZSTD(1)),
    req_body_truncated   Bool,

    status               Nullable(UInt16) CODEC(ZSTD(1)),
    res_headers          Map(LowCardinality(String), Array(String)) CODEC(ZSTD(1)),
    res_header_names     Array(LowCardinality(String)) CODEC(ZSTD(1)),
    res_header_redacted  Array(LowCardinality(String)) CODEC(ZSTD(1)),
    res_trailers         Array(String) CODEC(ZSTD(1)),
    res_body             String CODEC(ZSTD(1)),
    res_body_size        UInt64 CODEC(T64, ZSTD(1)),
    res_body_truncated   Bool,

    duration_ns          UInt64 CODEC(T64, ZSTD(1)),
    policy_ns            UInt64 CODEC(T64, ZSTD(1)),
    upstream_duration_ns Nullable(UInt64) CODEC(T64, ZSTD(1)),
    first_byte_ns        Nullable(UInt64) CODEC(T64, ZSTD(1)),
    upstream_address     LowCardinality(String),
    upstream_reused      Bool,

    error_code           LowCardinality(String),
    error_message        String CODEC(ZSTD(1)),
    policy_revision      UInt64 CODEC(ZSTD(1)),
    policy_rule          LowCardinality(String),
    policy_action        LowCardinality(String),
    policy_logs          Array(String) CODEC(ZSTD(1)),
    rate_limit_decision  LowCardinality(String),
    rate_limit_bucket    String CODEC(ZSTD(1)),
    basic_auth_decision  LowCardinality(String),
    user_name            String CODEC(ZSTD(1)),
    replay_of            String CODEC(ZSTD(1)),
    trace_id             String CODEC(ZSTD(1)),

    -- What free text searches: METHOD host/path?query status error.
    message String MATERIALIZED concat(method, ' ', host, path,
        if(query = '', '', concat('?', query)),
        if(isNull(status), '', concat(' ', toString(ifNull(status, 0)))),
        if(error_code = '', '', concat(' ', error_code)),
        if(error_message = '', '', concat(' ', error_message))) CODEC(ZSTD(1)),

    INDEX by_id      id         TYPE bloom_filter(0.001) GRANULARITY 1,
    INDEX by_replay  replay_of  TYPE bloom_filter(0.01)  GRANULARITY 1,
    INDEX by_trace   trace_id   TYPE bloom_filter(0.01)  GRANULARITY 1,
    INDEX by_seq     seq        TYPE minmax              GRANULARITY 1,
    INDEX by_word    lower(message) TYPE tokenbf_v1(16384, 3, 0) GRANULARITY 1
)
ENGINE = MergeTree
PARTITION BY toDate(ts)
PRIMARY KEY ts
ORDER BY (ts, id)
SETTINGS index_granularity = 2048,
    index_granularity_bytes = 8388608,
    min_bytes_for_wide_part = 268435456,
    non_replicated_deduplication_window = 10000,
    fsync_after_insert = 1,
    fsync_part_directory = 1,
    merge_with_ttl_timeout = 600
