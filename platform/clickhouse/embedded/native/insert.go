package native

import (
	"errors"
	"fmt"

	"sluice.dev/platform/clickhouse/embedded/engine"
)

// runInsert takes the client's blocks into a table. The rows are stored when
// the client gets the end of the stream.
func (s *session) runInsert(q *query, st statement) error {
	fields, err := s.insertFields(q, st)
	if err != nil {
		return err // the client has sent no data yet and won't
	}
	a := &answer{}
	if err := s.header(q, fields, a); err != nil {
		return broken(err)
	}
	if err := s.out.flush(); err != nil {
		return broken(err)
	}
	target := &insertion{session: s, sql: st.sql, params: q.params}
	defer target.close()
	if err := s.takeBlocks(q, target); err != nil {
		return err
	}
	_, err = s.attended(target.done)
	if err != nil {
		return err
	}
	a.stats, a.headed = target.stats, false
	return s.finish(a)
}

// insertFields are the columns that the client is to send, in its order.
func (s *session) insertFields(q *query, st statement) ([]field, error) {
	described, err := s.describe(st.table, q.params)
	if err != nil {
		return nil, err
	}
	var fields []field
	byName := map[string]field{}
	for _, c := range described {
		byName[c.name] = c.field
		if c.defaultKind != "MATERIALIZED" && c.defaultKind != "ALIAS" && c.defaultKind != "EPHEMERAL" {
			fields = append(fields, c.field)
		}
	}
	if st.columns == nil {
		return fields, nil
	}
	fields = fields[:0:0]
	for _, name := range st.columns {
		f, ok := byName[name]
		if !ok {
			return nil, &engine.Error{Code: codeNoSuchColumn, Message: fmt.Sprintf("No such column %s in table %s", name, st.table)}
		}
		fields = append(fields, f)
	}
	return fields, nil
}

// takeBlocks reads the client's blocks up to the empty one. After a failure it
// reads on, because the client hears of it only when it has sent everything.
func (s *session) takeBlocks(q *query, target *insertion) error {
	var failure error
	for {
		block, err := s.dataPacket(q)
		if errors.Is(err, errCancelled) {
			return &engine.Error{Code: codeCancelled, Message: "the client cancelled the insert"}
		}
		if err != nil {
			return broken(s.hangUp(&engine.Error{Code: codeProtocol, Message: "reading the rows to insert: " + err.Error()}))
		}
		if len(block.fields) == 0 {
			return failure
		}
		if failure == nil && block.rows > 0 {
			failure = target.append(block.data)
		}
	}
}

var errCancelled = errors.New("the client cancelled")

// dataPacket reads a Data packet and returns its block for the engine.
func (s *session) dataPacket(q *query) (nativeBlock, error) {
	code, err := s.in.byte()
	if err != nil {
		return nativeBlock{}, err
	}
	if code == clientCancel {
		return nativeBlock{}, errCancelled
	}
	if code != clientData {
		return nativeBlock{}, fmt.Errorf("packet %d came where data was expected", code)
	}
	if _, err := s.in.string(); err != nil { // the name of an external table
		return nativeBlock{}, err
	}
	block, err := s.in.block(q.compressed, s.types, s.buffer)
	if s.buffer = block.data; cap(s.buffer) > maxIdleSend {
		s.buffer = nil
	}
	return block, err
}

// insertion is an INSERT that begins with its first block: an insert without
// rows does nothing.
type insertion struct {
	session *session
	sql     string
	params  []engine.Param
	insert  *engine.Insert
	stats   engine.Stats
}

func (i *insertion) append(data []byte) (err error) {
	if i.insert == nil {
		if i.insert, err = i.session.engine.Insert(i.sql, i.params...); err != nil {
			return err
		}
	}
	return i.insert.Append(data)
}

func (i *insertion) done() (err error) {
	if i.insert == nil {
		return nil
	}
	i.stats, err = i.insert.Done()
	return err
}

func (i *insertion) close() {
	if i.insert != nil {
		i.insert.Close()
	}
}
