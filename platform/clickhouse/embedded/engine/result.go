package engine

import (
	"fmt"
	"regexp"
	"strconv"
	"unsafe"
)

// Error is a failure that the engine reports.
type Error struct {
	Code    int32  // ClickHouse's error code; 1002 when it gave none
	Message string // without code and class
}

func (e *Error) Error() string { return fmt.Sprintf("code %d: %s", e.Code, e.Message) }

const codeUnknownException = 1002

// errorForm is how the engine prints an exception: the code, the class, the
// text, and the code's name at the end.
var errorForm = regexp.MustCompile(`(?s)^(?:.*?: )?Code: (\d+)\. (?:[A-Za-z:]*Exception: )?(.*?)(?: \([A-Z][A-Z0-9_]+\))?\s*$`)

func parseError(text string) *Error {
	match := errorForm.FindStringSubmatch(text)
	if match == nil {
		return &Error{Code: codeUnknownException, Message: text}
	}
	code, err := strconv.ParseInt(match[1], 10, 32)
	if err != nil {
		code = codeUnknownException
	}
	return &Error{Code: int32(code), Message: match[2]}
}

// errorAt reads the C string of an error; a null address means none.
func errorAt(address uintptr) error {
	if address == 0 {
		return nil
	}
	n := 0
	for *(*byte)(at(address + uintptr(n))) != 0 {
		n++
	}
	return parseError(string(unsafe.Slice((*byte)(at(address)), n)))
}

// Stats is what a statement did.
type Stats struct{ RowsRead, BytesRead, RowsWritten, BytesWritten uint64 }

// Result is the outcome of a statement, or one chunk of a stream's.
type Result struct {
	lib    *library
	handle uintptr
}

func newResult(lib *library, handle uintptr) (*Result, error) {
	if handle == 0 {
		return nil, &Error{Code: codeUnknownException, Message: "the engine returned nothing"}
	}
	if err := errorAt(lib.resultError(handle)); err != nil {
		lib.destroyResult(handle)
		return nil, err
	}
	return &Result{lib: lib, handle: handle}, nil
}

// Bytes is the result in the engine's memory: valid until Release, empty when
// there are no rows.
func (r *Result) Bytes() []byte {
	size := r.lib.resultLength(r.handle)
	if size == 0 {
		return nil
	}
	return unsafe.Slice((*byte)(at(r.lib.resultBuffer(r.handle))), size)
}

// Stats counts what producing this result read and wrote.
func (r *Result) Stats() Stats {
	return Stats{
		RowsRead: r.lib.rowsRead(r.handle), BytesRead: r.lib.bytesRead(r.handle),
		RowsWritten: r.lib.rowsWritten(r.handle), BytesWritten: r.lib.bytesWritten(r.handle),
	}
}

// Release frees the result; Bytes must not be used afterwards.
func (r *Result) Release() { r.lib.destroyResult(r.handle) }
