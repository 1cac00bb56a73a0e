package search

import (
	"encoding/json"
	"strings"
)

// completion is a field as the console's completion knows it. Names of families end
// in ".", for a member to follow.
type completion struct {
	Name   string   `json:"name"`
	Short  string   `json:"short,omitempty"`
	Type   Type     `json:"type"`
	Doc    string   `json:"doc"`
	Values []string `json:"values,omitempty"`
}

// TypeScript is the console's module of the fields that can be searched.
func TypeScript() string {
	var b strings.Builder
	b.WriteString(moduleHead)
	for _, f := range fields {
		if f.Unsupported == "" {
			b.WriteString("  ")
			writeJSON(&b, f.completion())
		}
	}
	b.WriteString(moduleFoot)
	return b.String()
}

func writeJSON(b *strings.Builder, c completion) {
	var line strings.Builder
	encoder := json.NewEncoder(&line)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(c) // texts alone can always be encoded
	b.WriteString(strings.TrimSuffix(line.String(), "\n") + ",\n")
}

func (f Field) completion() completion {
	c := completion{Name: f.Name, Short: f.Short, Type: f.Type, Doc: f.Doc, Values: append(append([]string{}, f.Values...), f.Suggest...)}
	if f.Family {
		c.Name += "."
		if c.Short != "" {
			c.Short += "."
		}
	}
	if f.Type == Boolean {
		c.Values = []string{"true", "false"}
	}
	return c
}

const moduleHead = `// Code generated from platform/search by "make gen". DO NOT EDIT.

// Field is one that captures have, for completion.
export interface Field {
  name: string;
  short?: string;
  type: string;
  doc: string;
  values?: string[];
}

export const fields: Field[] = [
`

const moduleFoot = `];

export function fieldNamed(name: string): Field | undefined {
  return fields.find((f) => f.name === name || f.short === name);
}
`
