package engine

import (
	"fmt"
	"syscall"
	"unsafe"

	"github.com/ebitengine/purego"
)

// engineSignals are the signals whose handlers the engine resets to the
// default each time it is told to leave them alone, and on every connect.
// Go's own handlers must stay: without the one for SIGSEGV a nil dereference
// ends the process instead of becoming a panic.
var engineSignals = []syscall.Signal{
	syscall.SIGABRT, syscall.SIGSEGV, syscall.SIGILL, syscall.SIGBUS,
	syscall.SIGSYS, syscall.SIGFPE, syscall.SIGTSTP, syscall.SIGTRAP,
}

// sigactionSize is more than any libc's struct sigaction takes.
const sigactionSize = 256

type sigaction func(signal int32, action, old unsafe.Pointer) int32

func bindSigaction() (sigaction, error) {
	symbol, err := purego.Dlsym(purego.RTLD_DEFAULT, "sigaction")
	if err != nil {
		return nil, fmt.Errorf("libc has no sigaction: %w", err)
	}
	var fn func(signal int32, action, old unsafe.Pointer) int32
	purego.RegisterFunc(&fn, symbol)
	return fn, nil
}

// keepHandlers runs call and puts back the handlers that it changed.
func (act sigaction) keepHandlers(call func()) {
	saved := make([][sigactionSize]byte, len(engineSignals))
	for i, signal := range engineSignals {
		act(int32(signal), nil, unsafe.Pointer(&saved[i]))
	}
	call()
	for i, signal := range engineSignals {
		act(int32(signal), unsafe.Pointer(&saved[i]), nil)
	}
}
