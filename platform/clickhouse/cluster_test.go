package clickhouse

import "testing"

func TestStatementsForACluster(t *testing.T) {
	for sql, want := range map[string]string{
		"CREATE TABLE IF NOT EXISTS t (a Int8) ENGINE = MergeTree ORDER BY a SETTINGS non_replicated_deduplication_window = 10": "CREATE TABLE IF NOT EXISTS t ON CLUSTER `c` (a Int8) ENGINE = ReplicatedMergeTree('/clickhouse/tables/{shard}/{database}/{table}', '{replica}') ORDER BY a SETTINGS replicated_deduplication_window = 10",
		"CREATE TABLE IF NOT EXISTS d.t (a Int8) ENGINE = ReplacingMergeTree(v) ORDER BY a":                                     "CREATE TABLE IF NOT EXISTS d.t ON CLUSTER `c` (a Int8) ENGINE = ReplicatedReplacingMergeTree('/clickhouse/tables/{shard}/{database}/{table}', '{replica}', v) ORDER BY a",
		"create table if not exists t (a Int8) engine = MergeTree() order by a":                                                 "create table if not exists t ON CLUSTER `c` (a Int8) engine = ReplicatedMergeTree('/clickhouse/tables/{shard}/{database}/{table}', '{replica}') order by a",
		"ALTER TABLE `t` ADD COLUMN IF NOT EXISTS b Int8 -- ENGINE = MergeTree":                                                 "ALTER TABLE `t` ON CLUSTER `c` ADD COLUMN IF NOT EXISTS b Int8 -- ENGINE = MergeTree",
		"SELECT 1": "SELECT 1",
	} {
		if got := (Cluster{"c"}).Statement(sql); got != want {
			t.Errorf("%s\nbecomes %s\nwant    %s", sql, got, want)
		}
		if got := (Cluster{}).Statement(sql); got != sql {
			t.Errorf("without a cluster %s becomes %s", sql, got)
		}
	}
}
