package embedded

import (
	"bytes"
	"log/slog"
)

// logWriter passes on the lines that a child writes to standard error.
type logWriter struct {
	log     *slog.Logger
	partial []byte
}

const maxLogLine = 16 << 10

func (w *logWriter) Write(p []byte) (int, error) {
	w.partial = append(w.partial, p...)
	for {
		end := bytes.IndexByte(w.partial, '\n')
		if end < 0 && len(w.partial) > maxLogLine {
			end = maxLogLine
		}
		if end < 0 {
			return len(p), nil
		}
		if line := bytes.TrimSpace(w.partial[:end]); len(line) > 0 {
			w.log.Info("embedded ClickHouse", "line", string(line))
		}
		w.partial = w.partial[min(end+1, len(w.partial)):]
	}
}
