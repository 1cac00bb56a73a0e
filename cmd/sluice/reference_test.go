package main

import (
	"cmp"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"

	"sluice.dev/proto/openapi"

	"sluice.dev/platform/search"
	"sluice.dev/services/events"
)

var update = flag.Bool("update", false, "write the reference pages instead of comparing them")

// The reference pages are made from the program itself; `make gen` writes them.
func TestReferenceIsCurrent(t *testing.T) {
	for name, page := range map[string]string{
		"docs/reference/cli.md":                cliReference(t),
		"docs/reference/configuration.md":      configurationReference(t),
		"docs/reference/events.md":             events.Reference(),
		"docs/reference/rest.md":               restReference(t),
		"docs/reference/search.md":             search.Reference(),
		"gateway/console/src/search/fields.ts": search.TypeScript(),
	} {
		path := filepath.Join("../..", name)
		if *update {
			if err := os.WriteFile(path, []byte(page), 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if got, err := os.ReadFile(path); err != nil || string(got) != page {
			t.Errorf("%s is not current: run `make gen`", name)
		}
	}
}

func grammar(t *testing.T) *kong.Application {
	t.Helper()
	parser, err := newParser(t.Context(), &commandLine{})
	if err != nil {
		t.Fatal(err)
	}
	return parser.Model
}

func cliReference(t *testing.T) string {
	var b strings.Builder
	b.WriteString("# Command line\n\nMade from the program; `sluice COMMAND --help` says the same. Services are in [configuration.md](configuration.md).\n")
	for _, leaf := range grammar(t).Leaves(true) {
		if !strings.Contains(leaf.FullPath(), " serve ") {
			writeCommand(&b, leaf)
		}
	}
	return b.String()
}

func configurationReference(t *testing.T) string {
	var b strings.Builder
	b.WriteString("# Configuration of the services\n\nEvery setting is a flag and an environment variable. Made from the program.\n")
	for _, leaf := range grammar(t).Leaves(true) {
		if strings.Contains(leaf.FullPath(), " serve ") {
			writeCommand(&b, leaf)
		}
	}
	return b.String()
}

func writeCommand(b *strings.Builder, leaf *kong.Node) {
	fmt.Fprintf(b, "\n## `%s`\n\n%s\n", leaf.FullPath(), leaf.Help)
	if len(leaf.Positional) > 0 {
		b.WriteString("\n| Argument | Meaning |\n| --- | --- |\n")
		for _, p := range leaf.Positional {
			fmt.Fprintf(b, "| `%s` | %s |\n", p.Name, cell(p.Help))
		}
	}
	b.WriteString("\n| Flag | Variable | Default | Meaning |\n| --- | --- | --- | --- |\n")
	flags := slices.Clone(leaf.Flags)
	slices.SortStableFunc(flags, func(x, y *kong.Flag) int { return cmp.Compare(x.Name, y.Name) })
	for _, f := range flags {
		if f.Name != "help" {
			fmt.Fprintf(b, "| `--%s` | %s | %s | %s |\n", f.Name, code(strings.Join(f.Envs, " ")), code(f.Default), cell(f.Help))
		}
	}
}

func code(s string) string {
	if s == "" {
		return ""
	}
	return "`" + s + "`"
}

func cell(s string) string { return strings.ReplaceAll(strings.TrimSpace(s), "|", "\\|") }

// restReference lists the methods of the OpenAPI document.
func restReference(t *testing.T) string {
	t.Helper()
	var doc struct {
		Paths map[string]map[string]struct {
			Summary, Description string
			Tags                 []string
		}
	}
	raw, err := openapi.Document()
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(raw, &doc); err != nil {
		t.Fatal(err)
	}
	var rows []string
	for path, methods := range doc.Paths {
		for method, op := range methods {
			if len(op.Tags) > 0 {
				text := strings.Join(strings.Fields(op.Summary+" "+op.Description), " ")
				rows = append(rows, fmt.Sprintf("| `%s %s` | %s |", strings.ToUpper(method), path, cell(text)))
			}
		}
	}
	slices.SortFunc(rows, func(a, b string) int {
		x, y := strings.Fields(a), strings.Fields(b) // | `METHOD path` | …
		return cmp.Or(cmp.Compare(x[2], y[2]), cmp.Compare(x[1], y[1]))
	})
	return "# REST API\n\nThe whole document, with every field, is served at `/api/v1/openapi.json` and stands in `proto/gen/openapi.json`. Errors have one shape:\n\n" +
		"```json\n{\"error\": {\"code\": \"INVALID_ARGUMENT\", \"reason\": \"UNKNOWN_FIELD\", \"message\": \"…\", \"status\": 400,\n  \"violations\": [{\"field\": \"traffic_policy\", \"line\": 4, \"column\": 9, \"code\": \"SLUICE_2219\", \"message\": \"…\", \"hint\": \"…\"}]}}\n```\n\n" +
		"| Method | What it does |\n| --- | --- |\n" + strings.Join(rows, "\n") + "\n"
}
