package transport

// tunnel is a connection that has switched protocols.
type tunnel struct{ exchange *exchange }

// Read takes what came with the response first.
func (t *tunnel) Read(p []byte) (int, error) { return t.exchange.conn.in.Read(p) }

// Write implements io.Writer.
func (t *tunnel) Write(p []byte) (int, error) { return t.exchange.conn.Write(p) }

// CloseWrite ends the way to the server; the way back stays open.
func (t *tunnel) CloseWrite() error {
	if half, ok := t.exchange.conn.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return t.Close()
}

// Close ends both ways.
func (t *tunnel) Close() error {
	t.exchange.unwatch()
	t.exchange.conn.close()
	return nil
}
