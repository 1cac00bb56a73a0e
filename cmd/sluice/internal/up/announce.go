package up

import (
	"context"
	"fmt"
	"time"
)

// announce says once what runs where and what to try, then waits for the end.
func (s *system) announce(ctx context.Context) error {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	slow := time.NewTicker(10 * time.Second)
	defer slow.Stop()
	for {
		err := s.isReady()
		if err == nil {
			s.banner()
			<-ctx.Done()
			say("stopping")
			return nil
		}
		select {
		case <-ctx.Done():
			return nil
		case <-slow.C:
			say("waiting: %v", err)
		case <-tick.C:
		}
	}
}

func (s *system) banner() {
	f := s.flags
	fmt.Printf(`
  Sluice is running.

    Console and REST   http://%s
    gRPC               %s
    Proxy              http://%s  https://%s
    Metrics, health    http://%s/metrics  /readyz
    Data               %s
    Trust              %s  (the proxy's certificate authority)
`, f.Console, f.GRPC, f.HTTP, f.HTTPS, f.Admin, f.Data, s.caFile())
	if f.RequireKeys {
		fmt.Printf("    Key                %s  (an admin's, until you make one)\n", s.bootstrapFile())
	}
	fmt.Printf(`
  Try, in other terminals:

    ./bin/sluice demo-api
    ./bin/sluice http http://localhost:4000 --url https://demo.localhost:%s
    curl --cacert %s https://demo.localhost:%s/api/products

  Ctrl-C stops everything.

`, port(f.HTTPS), s.caFile(), port(f.HTTPS))
}
