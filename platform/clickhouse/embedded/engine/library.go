// Package engine binds the ClickHouse engine's C interface (libchdb) without
// cgo. It loads the library, opens connections and runs statements on them; it
// knows nothing about sockets, processes or ClickHouse's wire protocol.
//
// The engine lives in this process: a crash in it ends the process, so it runs
// in a child of its own (see the package embedded).
package engine

import (
	"errors"
	"fmt"
	"unsafe"

	"github.com/ebitengine/purego"
)

// library holds the C functions in use. A size is a size_t and a handle an
// opaque pointer that the engine owns.
type library struct {
	connect           func(argc int32, argv unsafe.Pointer) uintptr
	closeConn         func(connRef uintptr)
	setSignalHandlers func(enabled int32)
	shutdown          func() int32

	query       func(conn uintptr, sql unsafe.Pointer, size uintptr, format unsafe.Pointer, formatSize uintptr, names, nameSizes, values, valueSizes unsafe.Pointer, count uintptr) uintptr
	stream      func(conn uintptr, sql unsafe.Pointer, size uintptr, format unsafe.Pointer, formatSize uintptr, names, nameSizes, values, valueSizes unsafe.Pointer, count uintptr) uintptr
	fetch       func(conn, stream uintptr) uintptr
	cancelQuery func(conn, stream uintptr)

	insert        func(conn uintptr, sql unsafe.Pointer, size uintptr, format unsafe.Pointer, formatSize uintptr, names, nameSizes, values, valueSizes unsafe.Pointer, count uintptr) uintptr
	appendData    func(insert uintptr, data unsafe.Pointer, size uintptr) int32
	insertDone    func(insert uintptr) uintptr
	insertError   func(insert uintptr) uintptr
	destroyInsert func(insert uintptr)

	resultBuffer  func(result uintptr) uintptr
	resultLength  func(result uintptr) uintptr
	resultError   func(result uintptr) uintptr
	rowsRead      func(result uintptr) uint64
	bytesRead     func(result uintptr) uint64
	rowsWritten   func(result uintptr) uint64
	bytesWritten  func(result uintptr) uint64
	destroyResult func(result uintptr)
}

func load(path string) (*library, error) {
	handle, err := purego.Dlopen(path, purego.RTLD_NOW|purego.RTLD_LOCAL)
	if err != nil {
		return nil, fmt.Errorf("loading the ClickHouse engine: %w", err)
	}
	lib := &library{}
	return lib, errors.Join(
		bind(handle, &lib.connect, "chdb_connect"),
		bind(handle, &lib.closeConn, "chdb_close_conn"),
		bind(handle, &lib.setSignalHandlers, "chdb_set_signal_handlers_enabled"),
		bind(handle, &lib.shutdown, "chdb_shutdown"),
		bind(handle, &lib.query, "chdb_query_with_params_n"),
		bind(handle, &lib.stream, "chdb_stream_query_with_params_n"),
		bind(handle, &lib.fetch, "chdb_stream_fetch_result"),
		bind(handle, &lib.cancelQuery, "chdb_stream_cancel_query"),
		bind(handle, &lib.insert, "chdb_stream_insert_with_params_n"),
		bind(handle, &lib.appendData, "chdb_stream_append"),
		bind(handle, &lib.insertDone, "chdb_stream_done"),
		bind(handle, &lib.insertError, "chdb_stream_insert_error"),
		bind(handle, &lib.destroyInsert, "chdb_destroy_insert_stream"),
		bind(handle, &lib.resultBuffer, "chdb_result_buffer"),
		bind(handle, &lib.resultLength, "chdb_result_length"),
		bind(handle, &lib.resultError, "chdb_result_error"),
		bind(handle, &lib.rowsRead, "chdb_result_rows_read"),
		bind(handle, &lib.bytesRead, "chdb_result_bytes_read"),
		bind(handle, &lib.rowsWritten, "chdb_result_rows_written"),
		bind(handle, &lib.bytesWritten, "chdb_result_bytes_written"),
		bind(handle, &lib.destroyResult, "chdb_destroy_query_result"),
	)
}

func bind(handle uintptr, fn any, name string) error {
	symbol, err := purego.Dlsym(handle, name)
	if err != nil {
		return fmt.Errorf("the ClickHouse library lacks %s: it is of another version than this program expects: %w", name, err)
	}
	purego.RegisterFunc(fn, symbol)
	return nil
}
