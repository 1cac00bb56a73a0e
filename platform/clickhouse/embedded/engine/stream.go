package engine

import "unsafe"

// Stream is a SELECT under way.
type Stream struct {
	conn   *Conn
	handle uintptr
	ended  bool
}

// Next returns the next chunk, which holds one or more Native blocks, or nil
// at the end. Release the chunk before the next call.
func (s *Stream) Next() (*Result, error) {
	if s.ended {
		return nil, nil
	}
	result, err := newResult(s.conn.lib, s.conn.lib.fetch(s.conn.handle, s.handle))
	if err != nil {
		s.ended = true
		return nil, err
	}
	if len(result.Bytes()) == 0 {
		s.ended = true
		result.Release()
		return nil, nil
	}
	return result, nil
}

// Close frees the stream and ends the query if it still runs.
func (s *Stream) Close() {
	if !s.ended {
		s.conn.lib.cancelQuery(s.conn.handle, s.handle)
	}
	s.conn.lib.destroyResult(s.handle)
}

// Insert is an INSERT that takes blocks.
type Insert struct {
	lib    *library
	handle uintptr
}

// Append hands over Native data, cut anywhere. It waits while the engine is
// behind. After an error only Close may follow.
func (i *Insert) Append(data []byte) error {
	if len(data) == 0 {
		return nil
	}
	if i.lib.appendData(i.handle, unsafe.Pointer(&data[0]), uintptr(len(data))) == 0 {
		return nil
	}
	if err := errorAt(i.lib.insertError(i.handle)); err != nil {
		return err
	}
	return &Error{Code: codeUnknownException, Message: "the engine refused the data without a reason"}
}

// Done commits the rows. Only when it returns without an error are they stored.
func (i *Insert) Done() (Stats, error) {
	result, err := newResult(i.lib, i.lib.insertDone(i.handle))
	if err != nil {
		return Stats{}, err
	}
	defer result.Release()
	return result.Stats(), nil
}

// Close frees the insert; without Done before it, it drops rows that the engine
// has not stored yet.
func (i *Insert) Close() { i.lib.destroyInsert(i.handle) }
