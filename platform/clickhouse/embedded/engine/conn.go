package engine

import (
	"runtime"
	"unsafe"
)

// Conn is one session of the engine. It runs one statement at a time and is
// not for use by several goroutines at once.
type Conn struct {
	engine *Engine
	lib    *library
	ref    uintptr // what closes the connection
	handle uintptr // what runs statements
}

// Param is a query parameter: the value as the text after escaping that
// ClickHouse's TSV format gives it.
type Param struct{ Name, Value string }

// native is ClickHouse's column format, at protocol revision 0.
var native = []byte("Native")

// Close ends the session. Results and streams must be released before.
func (c *Conn) Close() {
	if c.ref != 0 {
		c.engine.release(c.ref)
		c.ref, c.handle = 0, 0
	}
}

// Query runs any statement and holds its whole result in memory.
func (c *Conn) Query(sql string, params ...Param) (*Result, error) {
	return c.QueryAs(sql, "Native", params...)
}

// QueryAs is Query with the result in the named ClickHouse format.
func (c *Conn) QueryAs(sql, format string, params ...Param) (*Result, error) {
	p := packParams(params)
	defer p.pinner.Unpin()
	handle := c.lib.query(c.handle, pointer(sql), uintptr(len(sql)), pointer(format), uintptr(len(format)),
		p.names, p.nameSizes, p.values, p.valueSizes, uintptr(len(params)))
	result, err := newResult(c.lib, handle)
	if err != nil {
		c.dropLeftovers()
	}
	return result, err
}

// dropLeftovers clears what a failed statement had already put out: the engine
// keeps it and would give it as the beginning of the next result.
func (c *Conn) dropLeftovers() {
	const sql, format = "SELECT 1", "Null"
	c.lib.destroyResult(c.lib.query(c.handle, pointer(sql), uintptr(len(sql)), pointer(format), uintptr(len(format)), nil, nil, nil, nil, 0))
}

// Exec runs a statement for its effect.
func (c *Conn) Exec(sql string) error {
	result, err := c.Query(sql)
	if err != nil {
		return err
	}
	result.Release()
	return nil
}

// Stream runs a SELECT and gives its result block by block. The engine answers
// statements of other kinds with code 36 (BAD_ARGUMENTS).
func (c *Conn) Stream(sql string, params ...Param) (*Stream, error) {
	p := packParams(params)
	defer p.pinner.Unpin()
	handle := c.lib.stream(c.handle, pointer(sql), uintptr(len(sql)), unsafe.Pointer(&native[0]), uintptr(len(native)),
		p.names, p.nameSizes, p.values, p.valueSizes, uintptr(len(params)))
	if err := errorAt(c.lib.resultError(handle)); err != nil {
		c.lib.destroyResult(handle)
		return nil, err
	}
	return &Stream{conn: c, handle: handle}, nil
}

// Insert begins an INSERT whose rows follow as Native blocks. The statement
// ends before its FORMAT or VALUES clause.
func (c *Conn) Insert(sql string, params ...Param) (*Insert, error) {
	p := packParams(params)
	defer p.pinner.Unpin()
	handle := c.lib.insert(c.handle, pointer(sql), uintptr(len(sql)), unsafe.Pointer(&native[0]), uintptr(len(native)),
		p.names, p.nameSizes, p.values, p.valueSizes, uintptr(len(params)))
	if err := errorAt(c.lib.insertError(handle)); err != nil {
		c.lib.destroyInsert(handle)
		return nil, err
	}
	return &Insert{lib: c.lib, handle: handle}, nil
}

func pointer(s string) unsafe.Pointer { return unsafe.Pointer(unsafe.StringData(s)) }

// packedParams are parameters as parallel C arrays.
type packedParams struct {
	pinner                               runtime.Pinner
	names, nameSizes, values, valueSizes unsafe.Pointer
}

func packParams(params []Param) *packedParams {
	p := &packedParams{}
	if len(params) == 0 {
		return p
	}
	names, values := make([]unsafe.Pointer, len(params)), make([]unsafe.Pointer, len(params))
	nameSizes, valueSizes := make([]uintptr, len(params)), make([]uintptr, len(params))
	p.pinner.Pin(&names[0])
	p.pinner.Pin(&values[0])
	p.pinner.Pin(&nameSizes[0])
	p.pinner.Pin(&valueSizes[0])
	for i, param := range params {
		names[i], nameSizes[i] = p.pin(param.Name), uintptr(len(param.Name))
		values[i], valueSizes[i] = p.pin(param.Value), uintptr(len(param.Value))
	}
	p.names, p.nameSizes = unsafe.Pointer(&names[0]), unsafe.Pointer(&nameSizes[0])
	p.values, p.valueSizes = unsafe.Pointer(&values[0]), unsafe.Pointer(&valueSizes[0])
	return p
}

// pin copies s with a zero at its end, so that even an empty string has an address.
func (p *packedParams) pin(s string) unsafe.Pointer {
	b := append([]byte(s), 0)
	p.pinner.Pin(&b[0])
	return unsafe.Pointer(&b[0])
}
