package upstream

import (
	"errors"
	"io"
	"net/http"
	"time"

	"sluice.dev/platform/message"
	"sluice.dev/services/proxy/internal/answer"
)

// incoming is res as the data path sees it.
func incoming(res *http.Response, w *watcher, pause time.Duration) *message.Response {
	out := &message.Response{
		Status: res.StatusCode, ContentLength: res.ContentLength, Proto: res.Proto,
		Received: time.Now(), Header: make(message.Header, 0, len(res.Header)+2),
	}
	appendEndToEnd(&out.Header, res.Header)
	for name := range res.Trailer {
		out.Trailer.Add(name, "")
	}
	out.Body = &responseBody{res: res, out: out, watcher: w, pause: pause}
	return out
}

// responseBody notes the end of the body and its trailers, and ends what pauses for
// too long.
type responseBody struct {
	res     *http.Response
	out     *message.Response
	watcher *watcher
	pause   time.Duration // 0: no limit
	timer   *time.Timer   // while reading
}

func (b *responseBody) Read(p []byte) (int, error) {
	n, err := b.read(p)
	if errors.Is(err, io.EOF) && b.out.BodyReceived.IsZero() {
		b.out.BodyReceived = time.Now()
		b.out.Trailer = b.out.Trailer[:0]
		appendSorted(&b.out.Trailer, b.res.Trailer)
		b.out.Trailer.Del(answer.HeaderErrorCode) // the gateway's own
		b.out.Trailer.Del(answer.HeaderExchangeID)
	}
	return n, err
}

func (b *responseBody) read(p []byte) (int, error) {
	switch {
	case b.pause <= 0:
		return b.res.Body.Read(p)
	case b.timer == nil:
		b.timer = time.AfterFunc(b.pause, func() { b.watcher.cancel(errSlow) })
	default:
		b.timer.Reset(b.pause)
	}
	n, err := b.res.Body.Read(p)
	b.timer.Stop()
	if err != nil && !errors.Is(err, io.EOF) {
		err = b.watcher.why(err)
	}
	return n, err
}

func (b *responseBody) Close() error {
	err := b.res.Body.Close()
	b.watcher.end()
	return err
}
