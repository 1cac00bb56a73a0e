package upstream

import (
	"errors"
	"io"
	"net/http"
	"time"

	"sluice.dev/platform/message"
	"sluice.dev/services/proxy/internal/answer"
)

// incoming is res as the data path sees it. A 101 keeps its Upgrade field.
func incoming(res *http.Response) *message.Response {
	out := &message.Response{
		Status: res.StatusCode, ContentLength: res.ContentLength, Proto: res.Proto,
		Received: time.Now(), Header: make(message.Header, 0, len(res.Header)+2),
	}
	protocol := res.Header.Get("Upgrade")
	appendEndToEnd(&out.Header, res.Header)
	if res.StatusCode == http.StatusSwitchingProtocols {
		out.Header.Add("Connection", "Upgrade")
		out.Header.Add("Upgrade", protocol)
		out.Body = res.Body
		return out
	}
	for name := range res.Trailer {
		out.Trailer.Add(name, "")
	}
	out.Body = &responseBody{res: res, out: out}
	return out
}

// responseBody notes the end of the body and its trailers.
type responseBody struct {
	res *http.Response
	out *message.Response
}

func (b *responseBody) Read(p []byte) (int, error) {
	n, err := b.res.Body.Read(p)
	if errors.Is(err, io.EOF) && b.out.BodyReceived.IsZero() {
		b.out.BodyReceived = time.Now()
		b.out.Trailer = b.out.Trailer[:0]
		appendSorted(&b.out.Trailer, b.res.Trailer)
		b.out.Trailer.Del(answer.HeaderErrorCode) // the gateway's own
		b.out.Trailer.Del(answer.HeaderExchangeID)
	}
	return n, err
}

func (b *responseBody) Close() error { return b.res.Body.Close() }
