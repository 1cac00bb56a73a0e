-- How the Traffic Policy went: a sluice.capture.v1.PolicyTrace. Only reads of one
-- exchange look at it. Rows from before have none.
ALTER TABLE exchanges ADD COLUMN IF NOT EXISTS policy_trace String CODEC(ZSTD(1)) AFTER trace_id
