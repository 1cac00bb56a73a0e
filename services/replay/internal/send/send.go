// Package send carries a replay to the proxy as a client would: over a connection
// of its own, headers in their order and case, marked and signed so that the
// proxy knows it for a replay.
package send

import (
	"bufio"
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"

	"google.golang.org/grpc/codes"

	"sluice.dev/platform/errs"
	"sluice.dev/services/replay/internal/edit"
)

// ReasonProxy is the reason when the proxy could not be reached or broke off.
const ReasonProxy errs.Reason = "REPLAY_PROXY_UNREACHABLE"

// MaxBody is how much of an answer is kept, in bytes; the rest is read and
// dropped, so that the exchange ends as it would for a client.
const MaxBody = 1 << 20

const dialLimit = 5 * time.Second

// exchangeHeader names the exchange that the proxy recorded.
const exchangeHeader = "Sluice-Exchange-Id"

// Answer is what came back.
type Answer struct {
	ExchangeID string
	Status     int
	Header     http.Header
	Body       []byte // at most 1 MiB
	Size       int64  // of the whole body; -1 when it broke off or did not end in time
	Duration   time.Duration
}

// Sender sends to one proxy, or to what balances over several.
type Sender struct {
	HTTP, HTTPS string // addresses
	TLS         TLS
}

// Send sends r as a replay of the exchange with that id.
func (s Sender) Send(ctx context.Context, r *edit.Request, of string, key []byte) (*Answer, error) {
	address := s.HTTP
	if r.Scheme == "https" {
		address = s.HTTPS
	}
	conn, err := (&net.Dialer{Timeout: dialLimit}).DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, unreachable(ctx, address, err)
	}
	defer func() { _ = conn.Close() }() // all was read, or the call has failed
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	stream := conn
	if r.Scheme == "https" {
		if stream, err = s.TLS.handshake(ctx, conn, r.Host); err != nil {
			return nil, unreachable(ctx, address, err)
		}
	}
	start := time.Now()
	if _, err := stream.Write(serialise(r, of, key, start)); err != nil {
		return nil, unreachable(ctx, address, err)
	}
	answer, err := read(stream, r.Method)
	if err != nil {
		return nil, unreachable(ctx, address, err)
	}
	if answer.ExchangeID == "" {
		return nil, errs.New(codes.FailedPrecondition, ReasonProxy, "what answers at %s is no Sluice proxy: its answer has no %s", address, exchangeHeader)
	}
	answer.Duration = time.Since(start)
	return answer, nil
}

func unreachable(ctx context.Context, address string, err error) error {
	if ctx.Err() != nil {
		return errs.New(codes.DeadlineExceeded, ReasonProxy, "there was no answer in time; the request may have arrived nevertheless").Because(err)
	}
	return errs.New(codes.Unavailable, ReasonProxy, "the proxy at %s did not answer: %v", address, err)
}

// serialise is r as an HTTP/1.1 message.
func serialise(r *edit.Request, of string, key []byte, now time.Time) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\nHost: %s\r\n", r.Method, r.Target, r.Host)
	for _, h := range r.Header {
		fmt.Fprintf(&b, "%s: %s\r\n", h.Name, h.Value)
	}
	if r.HasBody {
		fmt.Fprintf(&b, "Content-Length: %d\r\n", len(r.Body))
	}
	at := strconv.FormatInt(now.Unix(), 10)
	fmt.Fprintf(&b, "Sluice-Replay-Of: %s\r\nSluice-Replay-Time: %s\r\nSluice-Replay-Signature: %s\r\nConnection: close\r\n\r\n", of, at, sign(key, of, at))
	b.Write(r.Body)
	return b.Bytes()
}

// sign is hex(HMAC-SHA256(key, of + "\n" + unix seconds)).
func sign(key []byte, of, at string) string {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(of + "\n" + at))
	return hex.EncodeToString(mac.Sum(nil))
}

func read(conn net.Conn, method string) (*Answer, error) {
	in := bufio.NewReader(conn)
	res, err := http.ReadResponse(in, &http.Request{Method: method})
	for err == nil && res.StatusCode >= 100 && res.StatusCode < 200 && res.StatusCode != http.StatusSwitchingProtocols {
		res, err = http.ReadResponse(in, &http.Request{Method: method})
	}
	if err != nil {
		return nil, err
	}
	defer func() { _ = res.Body.Close() }() // read to its end below
	answer := &Answer{ExchangeID: res.Header.Get(exchangeHeader), Status: res.StatusCode, Header: res.Header, Size: -1}
	// An answer whose body breaks off, or streams on, is an answer still.
	if answer.Body, err = io.ReadAll(io.LimitReader(res.Body, MaxBody)); err != nil {
		return answer, nil
	}
	if rest, err := io.Copy(io.Discard, res.Body); err == nil {
		answer.Size = int64(len(answer.Body)) + rest
	}
	return answer, nil
}
