package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"sluice.dev/cmd/sluice/internal/policyreport"
)

type policyTestCmd struct {
	Files    []string `arg:"" help:"Suites: YAML files with a policy, or policy_file relative to the suite, and steps: requests with what is expected of each."`
	Coverage bool     `help:"Also list the rules that never matched and the actions that never ran."`
	Output   string   `short:"o" enum:"text,json" default:"text" help:"text or json."`
}

var errPolicyTests = errors.New("not every policy test passed")

// Run runs the suites in this process: nothing is sent anywhere.
func (c *policyTestCmd) Run(ctx context.Context) error {
	report := policyreport.Run(ctx, c.Files, c.Coverage)
	if c.Output == "json" {
		text, err := report.JSON()
		if err != nil {
			return err
		}
		fmt.Println(string(text))
	} else if err := report.Text(os.Stdout); err != nil {
		return err
	}
	if !report.Passed {
		return errPolicyTests
	}
	return nil
}
