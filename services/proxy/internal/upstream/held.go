package upstream

import (
	"io"
	"sync/atomic"

	"sluice.dev/platform/message"
)

// hold counts res among the requests in flight until its body is closed.
func (u *Upstream) hold(i int, res *message.Response) {
	if !u.counted {
		return
	}
	if stream, ok := res.Body.(io.ReadWriteCloser); ok {
		res.Body = &heldStream{ReadWriteCloser: stream, held: held{upstream: u, member: i}}
		return
	}
	res.Body = &heldBody{ReadCloser: res.Body, held: held{upstream: u, member: i}}
}

type held struct {
	upstream *Upstream
	member   int
	over     atomic.Bool
}

func (h *held) release() {
	if h.over.CompareAndSwap(false, true) {
		h.upstream.release(h.member)
	}
}

type heldBody struct {
	io.ReadCloser
	held
}

// Ready is a hint: whether Read can likely return without waiting.
func (b *heldBody) Ready() bool {
	source, ok := b.ReadCloser.(interface{ Ready() bool })
	return ok && source.Ready()
}

// Close ends the request.
func (b *heldBody) Close() error {
	defer b.release()
	return b.ReadCloser.Close()
}

type heldStream struct {
	io.ReadWriteCloser
	held
}

// CloseWrite ends the way to the target, where it can be ended alone.
func (s *heldStream) CloseWrite() error {
	if half, ok := s.ReadWriteCloser.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return s.Close()
}

// Close ends the request.
func (s *heldStream) Close() error {
	defer s.release()
	return s.ReadWriteCloser.Close()
}
