// Command counter is the policy service alone, for tests of its clients: on the
// Redis that its argument names, at the address that it prints.
package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"os/signal"
	"syscall"

	"sluice.dev/platform/redisdb"
	"sluice.dev/platform/rpc"
	"sluice.dev/platform/telemetry"
	"sluice.dev/services/policy"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	s, err := policy.New(ctx, policy.Config{GRPC: rpc.ServerConfig{Listen: "127.0.0.1:0"}, Redis: redisdb.Config{URL: os.Args[1]}}, telemetry.Nop())
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(s.Target())
	if err := s.Run(ctx); err != nil {
		log.Print(err)
	}
}
