package testenv_test

import (
	"context"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"sluice.dev/platform/testenv"
)

func TestMain(m *testing.M) { testenv.Main(m) }

func TestRedisKeepsItsDataOverAKill(t *testing.T) {
	server := testenv.Redis(t)
	ctx := context.Background()
	if err := server.Client().Set(ctx, "kept", "yes", 0).Err(); err != nil {
		t.Fatal(err)
	}

	server.Kill()
	server.Restart()

	if got, err := server.Client().Get(ctx, "kept").Result(); err != nil || got != "yes" {
		t.Errorf("after a kill and restart the key is %q, %v; want \"yes\"", got, err)
	}
}

func TestPausedRedisAnswersNothingUntilResumed(t *testing.T) {
	server := testenv.Redis(t)
	options, err := redis.ParseURL(server.URL())
	if err != nil {
		t.Fatal(err)
	}
	options.ReadTimeout, options.MaxRetries = 50*time.Millisecond, -1
	client := redis.NewClient(options)
	defer client.Close()

	server.Pause()
	if err := client.Ping(context.Background()).Err(); err == nil {
		t.Error("a paused server answered")
	}
	server.Resume()
	testenv.Eventually(t, 5*time.Second, func() bool { return client.Ping(context.Background()).Err() == nil }, "the resumed server answers")
}

func TestSharedRedisGivesEachTestItsOwnDatabase(t *testing.T) {
	ctx := context.Background()
	one, other := testenv.SharedRedis(t).Client(), testenv.SharedRedis(t).Client()
	if err := one.Set(ctx, "k", "v", 0).Err(); err != nil {
		t.Fatal(err)
	}
	if n := other.Exists(ctx, "k").Val(); n != 0 {
		t.Error("a key of one test's database is seen in another's")
	}
}
