package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"time"

	"sluice.dev/cmd/sluice/internal/demoapi"
)

type demoAPICmd struct {
	Listen string `help:"Address to answer on." default:"127.0.0.1:4000"`
}

// Run serves until interrupted.
func (c *demoAPICmd) Run(ctx context.Context) error {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", c.Listen)
	if err != nil {
		return fmt.Errorf("listen on %s: %w", c.Listen, err)
	}
	fmt.Printf("The demo API answers on http://%s\n", l.Addr())
	return demoapi.Serve(ctx, l)
}

type healthCmd struct {
	URL string `arg:"" help:"URL that answers 200 when all is well."`
}

// Run fails unless the URL answers 200.
func (c *healthCmd) Run(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.URL, nil)
	if err != nil {
		return err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }() // its content does not matter
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers %s", c.URL, res.Status)
	}
	return nil
}
