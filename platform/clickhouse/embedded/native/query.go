package native

import (
	"fmt"
	"strings"

	"github.com/ClickHouse/ch-go/compress"

	"sluice.dev/platform/clickhouse/embedded/engine"
)

// query is a Query packet.
type query struct {
	sql        string
	settings   []setting
	params     []engine.Param
	compressed bool
}

const (
	maxSettings     = 10_000
	stageComplete   = 2
	flagImportant   = 1
	flagCustom      = 2
	interfaceTCP    = 1
	networkMethod   = "network_compression_method"
	traceContextLen = 16 + 8
)

// query reads a Query packet after its code.
func (r *reader) query() (*query, error) {
	if _, err := r.string(); err != nil { // the query's id; the engine gives its own
		return nil, err
	}
	if err := r.skipClientInfo(); err != nil {
		return nil, fmt.Errorf("client info: %w", err)
	}
	q := &query{}
	var err error
	if q.settings, err = r.settings(); err != nil {
		return nil, fmt.Errorf("settings: %w", err)
	}
	if _, err = r.string(); err != nil { // the secret between servers
		return nil, err
	}
	if err := r.stage(); err != nil {
		return nil, err
	}
	compressed, err := r.uvarint()
	if err != nil {
		return nil, err
	}
	q.compressed = compressed != 0
	if q.sql, err = r.string(); err != nil {
		return nil, err
	}
	params, err := r.settings()
	if err != nil {
		return nil, fmt.Errorf("parameters: %w", err)
	}
	for _, p := range params {
		q.params = append(q.params, engine.Param{Name: p.name, Value: unquoteParam(p.value)})
	}
	return q, nil
}

func (r *reader) stage() error {
	stage, err := r.uvarint()
	if err == nil && stage != stageComplete {
		err = fmt.Errorf("the query stage %d is for servers among themselves and not supported", stage)
	}
	return err
}

// unquoteParam undoes the quoting in which a parameter travels (ClickHouse's
// Field::restoreFromDump). What is left has the escapes of TSV, which the engine
// expects: a backslash arrives here as four and leaves as two.
func unquoteParam(s string) string {
	if len(s) < 2 || s[0] != '\'' || s[len(s)-1] != '\'' {
		return s
	}
	return quoteUnescaper.Replace(s[1 : len(s)-1])
}

var quoteUnescaper = strings.NewReplacer(
	`\\`, `\`, `\'`, `'`, `\n`, "\n", `\r`, "\r", `\t`, "\t", `\b`, "\b", `\f`, "\f", `\0`, "\x00",
)

// settings reads name, flags and value until an empty name.
func (r *reader) settings() ([]setting, error) {
	var settings []setting
	for {
		name, err := r.string()
		if err != nil || name == "" {
			return settings, err
		}
		flags, err := r.uvarint()
		if err != nil {
			return nil, err
		}
		value, err := r.string()
		if err != nil {
			return nil, err
		}
		if len(settings) == maxSettings {
			return nil, fmt.Errorf("more than %d in one query", maxSettings)
		}
		settings = append(settings, setting{name: name, value: value, important: flags&flagImportant != 0, custom: flags&flagCustom != 0})
	}
}

// skipClientInfo reads over who the client says it is: nothing here depends on it.
func (r *reader) skipClientInfo() error {
	kind, err := r.byte()
	if err != nil || kind == 0 {
		return err
	}
	if err := r.skipStrings(3); err != nil { // initial user, query id, address
		return err
	}
	if err := r.skip(8); err != nil { // start time
		return err
	}
	if kind, err = r.byte(); err != nil {
		return err
	}
	if kind != interfaceTCP {
		return fmt.Errorf("the interface %d is not TCP", kind)
	}
	if err := r.skipStrings(3); err != nil { // system user, host name, client name
		return err
	}
	if err := r.skipNumbers(3); err != nil { // version and protocol revision
		return err
	}
	if err := r.skipStrings(1); err != nil { // quota key
		return err
	}
	if err := r.skipNumbers(2); err != nil { // distributed depth, version patch
		return err
	}
	if err := r.skipTraceContext(); err != nil {
		return err
	}
	return r.skipNumbers(3) // parallel replicas
}

func (r *reader) skipTraceContext() error {
	has, err := r.byte()
	if err != nil || has == 0 {
		return err
	}
	if err := r.skip(traceContextLen); err != nil {
		return err
	}
	if err := r.skipStrings(1); err != nil {
		return err
	}
	return r.skip(1)
}

func (r *reader) skipStrings(n int) error {
	for range n {
		if _, err := r.string(); err != nil {
			return err
		}
	}
	return nil
}

func (r *reader) skipNumbers(n int) error {
	for range n {
		if _, err := r.uvarint(); err != nil {
			return err
		}
	}
	return nil
}

// method is how blocks for the client are compressed.
func (q *query) method() compress.Method {
	if !q.compressed {
		return compress.None
	}
	for _, s := range q.settings {
		if s.name == networkMethod && (s.value == "ZSTD" || s.value == "zstd") {
			return compress.ZSTD
		}
	}
	return compress.LZ4
}
