package native

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"sluice.dev/platform/clickhouse/embedded/engine"
)

// answer is what is known of a result while it is sent.
type answer struct {
	headed      bool // the header block is out
	rows, count uint64
	bytes       uint64
	stats       engine.Stats // not yet reported
}

// runSelect streams a result, so that its size doesn't matter.
func (s *session) runSelect(q *query, st statement) error {
	a := &answer{}
	cancelled, err := s.attended(func() error { return s.stream(q, st, a) })
	if cancelled && !isBroken(err) {
		return nil // a cancelled query ends as if it had no more rows
	}
	if notStreamable(err) && !a.headed {
		return s.runWhole(q, st)
	}
	if err != nil {
		return err
	}
	if !a.headed {
		if err := s.describedHeader(q, st, a); err != nil {
			return err
		}
	}
	return s.finish(a)
}

func isBroken(err error) bool {
	var broken *brokenError
	return errors.As(err, &broken)
}

func notStreamable(err error) bool {
	var e *engine.Error
	return errors.As(err, &e) && e.Code == codeBadArguments
}

func (s *session) stream(q *query, st statement, a *answer) error {
	stream, err := s.engine.Stream(st.sql, q.params...)
	if err != nil {
		return err
	}
	defer stream.Close()
	for {
		chunk, err := stream.Next()
		if chunk == nil {
			return err
		}
		err = s.send(q, chunk, a)
		chunk.Release()
		if err != nil {
			return err
		}
	}
}

// runWhole runs a statement that the engine can't stream.
func (s *session) runWhole(q *query, st statement) error {
	a := &answer{}
	cancelled, err := s.attended(func() error {
		result, err := s.engine.Query(st.sql, q.params...)
		if err != nil {
			return err
		}
		defer result.Release()
		return s.send(q, result, a)
	})
	if cancelled && !isBroken(err) {
		return nil
	}
	if err != nil {
		return err
	}
	if !a.headed && st.kind != other {
		if err := s.listedHeader(q, st, a); err != nil {
			return err
		}
	}
	return s.finish(a)
}

// send passes on the blocks of a result or of a part of it.
func (s *session) send(q *query, result *engine.Result, a *answer) error {
	stats := result.Stats()
	a.stats.RowsRead += stats.RowsRead
	a.stats.BytesRead += stats.BytesRead
	a.stats.RowsWritten += stats.RowsWritten
	a.stats.BytesWritten += stats.BytesWritten
	data := bytes.NewReader(result.Bytes())
	src := bufio.NewReaderSize(data, 64<<10)
	for {
		if _, err := src.Peek(1); errors.Is(err, io.EOF) {
			return nil
		}
		block, err := readBlock(src, 0, Revision, s.types, s.buffer)
		if err != nil {
			return &engine.Error{Code: codeNotImplemented, Message: "passing on the result: " + err.Error()}
		}
		if s.buffer = block.data; cap(s.buffer) > maxIdleSend {
			s.buffer = nil
		}
		if err := s.sendBlock(q, block, a); err != nil {
			return broken(err)
		}
	}
}

func (s *session) sendBlock(q *query, block nativeBlock, a *answer) error {
	if !a.headed {
		if err := s.header(q, block.fields, a); err != nil {
			return err
		}
	}
	a.rows += block.rows
	a.count++
	a.bytes += uint64(len(block.data))
	if err := s.out.data(block.data, q.method()); err != nil {
		return err
	}
	if s.out.buffered() > 0 {
		return nil
	}
	s.reportProgress(a)
	return nil
}

func (s *session) header(q *query, fields []field, a *answer) error {
	a.headed = true
	return s.out.data(headerBlock(fields), q.method())
}

func (s *session) reportProgress(a *answer) {
	s.out.progress(a.stats)
	a.stats = engine.Stats{}
}

func (s *session) finish(a *answer) error {
	s.reportProgress(a)
	if a.headed {
		s.out.profile(a.rows, a.count, a.bytes)
	}
	return nil
}

// describedHeader makes the header of a SELECT without rows: the engine gives
// nothing for one.
func (s *session) describedHeader(q *query, st statement, a *answer) error {
	columns, err := s.describe("("+st.sql+"\n)", q.params)
	if err != nil {
		return fmt.Errorf("finding the columns of an empty result: %w", err)
	}
	fields := make([]field, len(columns))
	for i, c := range columns {
		fields[i] = c.field
	}
	return broken(s.header(q, fields, a))
}

// listedHeader makes the header of a SHOW or the like without rows, which
// can't be described: it runs again in a format that always has the columns.
func (s *session) listedHeader(q *query, st statement, a *answer) error {
	if st.kind == rows {
		return s.describedHeader(q, st, a)
	}
	result, err := s.engine.QueryAs(st.sql, "JSONCompact", q.params...)
	if err != nil {
		return err
	}
	defer result.Release()
	var listing struct {
		Meta []struct{ Name, Type string } `json:"meta"`
	}
	if err := json.Unmarshal(result.Bytes(), &listing); err != nil {
		return fmt.Errorf("finding the columns of an empty listing: %w", err)
	}
	var fields []field
	for _, m := range listing.Meta {
		fields = append(fields, field{m.Name, m.Type})
	}
	return broken(s.header(q, fields, a))
}

// tableColumn is a line of DESCRIBE TABLE.
type tableColumn struct {
	field
	defaultKind string // such as MATERIALIZED
}

// describe lists the columns of a table, table function or parenthesised query.
func (s *session) describe(table string, params []engine.Param) ([]tableColumn, error) {
	result, err := s.engine.QueryAs("DESCRIBE TABLE "+table, "JSONCompactEachRow", params...)
	if err != nil {
		return nil, err
	}
	defer result.Release()
	var columns []tableColumn
	for decoder := json.NewDecoder(bytes.NewReader(result.Bytes())); ; {
		var line []string
		switch err := decoder.Decode(&line); {
		case errors.Is(err, io.EOF):
			return columns, nil
		case err != nil:
			return nil, fmt.Errorf("the description of %s is not understood: %w", table, err)
		case len(line) < 3:
			return nil, fmt.Errorf("the description of %s has a line of %d fields", table, len(line))
		}
		columns = append(columns, tableColumn{field{line[0], line[1]}, line[2]})
	}
}
