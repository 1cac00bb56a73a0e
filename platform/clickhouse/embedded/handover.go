package embedded

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
)

// handoverEnv holds a handover as JSON in the child's environment.
const handoverEnv = "SLUICE_EMBEDDED_CLICKHOUSE"

// The child's files from its parent: its listening socket, so that the address
// stays the same over restarts and clients wait meanwhile, and a pipe for its
// status. Its standard input ends when the parent does.
const (
	listenerFD = 3
	statusFD   = 4
)

// handover is what a parent tells its child besides the files.
type handover struct {
	DataDir     string `json:"data_dir"`
	LibraryPath string `json:"library_path"`
	CacheDir    string `json:"cache_dir"`
	MaxMemory   uint64 `json:"max_memory"`
	Password    string `json:"password"`
}

// attach prepares cmd to be the child.
func (h handover) attach(cmd *exec.Cmd, stdin, listener, status *os.File) error {
	data, err := json.Marshal(h)
	if err != nil {
		return err
	}
	cmd.Env = append(os.Environ(), handoverEnv+"="+string(data))
	cmd.Stdin = stdin
	cmd.ExtraFiles = []*os.File{listener, status} // from descriptor 3 on
	return nil
}

// Handover returns the configuration that Start gave to this process, and
// false when this process is no child of Start. The environment variable that
// holds it is removed.
func Handover() (ServerConfig, bool, error) {
	data, ok := os.LookupEnv(handoverEnv)
	if !ok {
		return ServerConfig{}, false, nil
	}
	if err := os.Unsetenv(handoverEnv); err != nil {
		return ServerConfig{}, true, err
	}
	var h handover
	if err := json.Unmarshal([]byte(data), &h); err != nil {
		return ServerConfig{}, true, errors.New(handoverEnv + " is not what a parent process sets")
	}
	file := os.NewFile(listenerFD, "listener")
	listener, err := net.FileListener(file)
	if err != nil {
		return ServerConfig{}, true, fmt.Errorf("the socket from the parent process: %w", err)
	}
	file.Close()
	return ServerConfig{
		DataDir: h.DataDir, LibraryPath: h.LibraryPath, CacheDir: h.CacheDir, MaxMemory: h.MaxMemory, Password: h.Password,
		listener: listener, parent: os.Stdin, status: os.NewFile(statusFD, "status"),
	}, true, nil
}
