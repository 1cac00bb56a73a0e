package testenv

import (
	"context"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

const (
	clusterNodes      = 3
	clusterSlots      = 16384
	clusterStartLimit = 20 * time.Second
)

// RedisCluster is a Redis Cluster of three nodes without replicas.
type RedisCluster struct {
	t     testing.TB
	nodes []*RedisServer
}

// Cluster starts a Redis Cluster for this test alone. It ends with the test.
func Cluster(t testing.TB) *RedisCluster {
	t.Helper()
	c := &RedisCluster{t: t}
	for range clusterNodes {
		bus, err := freeAddr()
		if err != nil {
			t.Fatal(err)
		}
		_, port, _ := net.SplitHostPort(bus)
		node, err := newRedis("--cluster-enabled", "yes", "--cluster-port", port, "--cluster-node-timeout", "2000")
		if err != nil {
			t.Fatal(err)
		}
		node.t = t
		t.Cleanup(node.destroy)
		c.join(node, port, len(c.nodes))
		c.nodes = append(c.nodes, node)
	}
	Eventually(t, clusterStartLimit, c.complete, "the nodes form a cluster")
	return c
}

// join gives a node its share of the slots and has it meet the first.
func (c *RedisCluster) join(node *RedisServer, bus string, i int) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), redisStartLimit)
	defer cancel()
	first, last := i*clusterSlots/clusterNodes, (i+1)*clusterSlots/clusterNodes-1
	if err := node.Client().Do(ctx, "cluster", "addslotsrange", first, last).Err(); err != nil {
		c.t.Fatalf("giving a node the slots from %d to %d: %v", first, last, err)
	}
	if i == 0 {
		return
	}
	host, port, _ := net.SplitHostPort(node.Addr())
	if err := c.nodes[0].Client().Do(ctx, "cluster", "meet", host, port, bus).Err(); err != nil {
		c.t.Fatalf("having nodes meet: %v", err)
	}
}

// complete reports whether every node knows who has which slot.
func (c *RedisCluster) complete() bool {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	for _, node := range c.nodes {
		info, err := node.Client().ClusterInfo(ctx).Result()
		if err != nil || !strings.Contains(info, "cluster_state:ok") || !strings.Contains(info, fmt.Sprintf("cluster_size:%d", clusterNodes)) {
			return false
		}
	}
	return true
}

// URL is what redisdb opens: redis+cluster://host:port?addr=....
func (c *RedisCluster) URL() string {
	url := "redis+cluster://" + c.nodes[0].Addr()
	for i, node := range c.nodes[1:] {
		url += map[bool]string{true: "?", false: "&"}[i == 0] + "addr=" + node.Addr()
	}
	return url
}

// Nodes returns a client of each node, for looking at what it holds.
func (c *RedisCluster) Nodes() []*redis.Client {
	c.t.Helper()
	var out []*redis.Client
	for _, node := range c.nodes {
		out = append(out, node.Client())
	}
	return out
}
