-- All text of an exchange, in lower case: whatever holds a word that is searched for
-- anywhere holds it here. It is not stored; where the server has text indexes, by_text
-- (made by capture) finds what has the word.
ALTER TABLE exchanges
    ADD COLUMN IF NOT EXISTS everything String ALIAS lower(concat(message, ' ', id, ' ', scheme, ' ', url, ' ', http_version, ' ', user_agent, ' ', route, ' ',
        endpoint_id, ' ', endpoint_name, ' ', endpoint_url, ' ', proxy_id, ' ', kept_by, ' ', user_name, ' ', trace_id, ' ', replay_of, ' ',
        client_country, ' ', client_country_name, ' ', client_continent, ' ', client_subdivision, ' ', client_city, ' ', client_as_organization, ' ',
        tls_version, ' ', tls_cipher, ' ', tls_sni, ' ', tls_ja4, ' ', tls_client_subject, ' ', tls_client_serial, ' ', upstream_address, ' ',
        policy_rule, ' ', policy_action, ' ', rate_limit_decision, ' ', rate_limit_bucket, ' ', basic_auth_decision, ' ',
        arrayStringConcat(arrayFlatten(mapValues(req_headers)), ' '), ' ', arrayStringConcat(arrayFlatten(mapValues(res_headers)), ' '), ' ',
        arrayStringConcat(policy_logs, ' '), ' ', arrayStringConcat(redacted_by, ' '), ' ', req_body, ' ', res_body));

-- Indexes that leave out the granules without a value, for what few exchanges have.
-- A set of all values where there are few, a bloom filter where there are many.
ALTER TABLE exchanges
    ADD INDEX IF NOT EXISTS by_status   status         TYPE set(64)            GRANULARITY 1,
    ADD INDEX IF NOT EXISTS by_endpoint endpoint_id    TYPE set(64)            GRANULARITY 1,
    ADD INDEX IF NOT EXISTS by_name     endpoint_name  TYPE set(64)            GRANULARITY 1,
    ADD INDEX IF NOT EXISTS by_route    route          TYPE set(512)           GRANULARITY 1,
    ADD INDEX IF NOT EXISTS by_action   policy_action  TYPE set(64)            GRANULARITY 1,
    ADD INDEX IF NOT EXISTS by_error    error_code     TYPE set(64)            GRANULARITY 1,
    ADD INDEX IF NOT EXISTS by_country  client_country TYPE set(256)           GRANULARITY 1,
    ADD INDEX IF NOT EXISTS by_duration duration_ns    TYPE minmax             GRANULARITY 1,
    ADD INDEX IF NOT EXISTS by_client   client_ip      TYPE bloom_filter(0.01) GRANULARITY 1,
    ADD INDEX IF NOT EXISTS by_user     user_name      TYPE bloom_filter(0.01) GRANULARITY 1,
    ADD INDEX IF NOT EXISTS by_path     path           TYPE bloom_filter(0.01) GRANULARITY 1;
