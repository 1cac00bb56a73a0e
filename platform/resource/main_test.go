package resource_test

import (
	"context"
	"testing"

	"go.uber.org/goleak"
	"google.golang.org/grpc/metadata"

	policyv1 "sluice.dev/proto/gen/sluice/policy/v1"

	"sluice.dev/platform/redisdb"
	"sluice.dev/platform/resource"
	"sluice.dev/platform/rpc"
	"sluice.dev/platform/testenv"
)

func TestMain(m *testing.M) { testenv.Main(m, func() error { return goleak.Find() }) }

type endpoints = resource.Collection[*policyv1.Endpoint]

func open(t testing.TB, url string) *redisdb.DB {
	t.Helper()
	db, err := redisdb.Open(redisdb.Config{URL: url})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func collection(db *redisdb.DB) *endpoints {
	return resource.New(db, "endpoint", resource.Options[*policyv1.Endpoint]{
		Unique: func(e *policyv1.Endpoint) []string { return []string{e.GetUrl()} },
	})
}

func shared(t testing.TB) (*endpoints, *redisdb.DB) {
	db := open(t, testenv.SharedRedis(t).URL())
	return collection(db), db
}

// as is the context of a call made for principal.
func as(principal string) context.Context {
	return metadata.NewIncomingContext(context.Background(), metadata.Pairs(rpc.PrincipalHeader, principal))
}
