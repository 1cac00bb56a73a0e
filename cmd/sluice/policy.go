package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"sluice.dev/platform/trafficpolicy"
)

type policyCmd struct {
	Validate policyValidateCmd `cmd:"" help:"Check Traffic Policy files; needs no gateway."`
	Test     policyTestCmd     `cmd:"" help:"Run suites of requests against policies; needs no gateway."`
}

type policyValidateCmd struct {
	Files              []string `arg:"" help:"YAML or JSON files; - reads standard input."`
	RequireTerminating bool     `help:"Also require that the policy answers every request itself."`
}

var errInvalidPolicy = errors.New("not every policy is valid")

// Run prints each problem as file:line:column: path: message.
func (c *policyValidateCmd) Run() error {
	failed := false
	for _, file := range c.Files {
		source, err := readSource(file)
		if err != nil {
			return err
		}
		var opts []trafficpolicy.Option
		if c.RequireTerminating {
			opts = append(opts, trafficpolicy.RequireTerminating())
		}
		_, problems := trafficpolicy.Compile(source, opts...)
		for _, p := range problems {
			fmt.Printf("%s:%d:%d: %s: %s: %s [%s]\n", file, p.Line, p.Column, p.Severity, p.Path, p.Message, p.Code)
			if p.Hint != "" {
				fmt.Printf("    %s\n", p.Hint)
			}
		}
		if problems.Err() != nil {
			failed = true
			continue
		}
		fmt.Printf("%s: valid\n", file)
	}
	if failed {
		return errInvalidPolicy
	}
	return nil
}

func readSource(file string) (string, error) {
	if file == "-" {
		raw, err := io.ReadAll(os.Stdin)
		return string(raw), err
	}
	raw, err := os.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("read the policy: %w", err)
	}
	return string(raw), nil
}
