package egress

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Limits of one call.
const (
	dialTimeout = 5 * time.Second
	excerptSize = 1 << 10  // bytes of an answer that are shown
	drainSize   = 64 << 10 // bytes read to keep the connection
	// MaxRetryAfter caps what another side may ask us to wait.
	MaxRetryAfter = 10 * time.Minute
)

// Client calls other people's servers.
type Client struct {
	http *http.Client
	now  func() time.Time
}

// NewClient returns a client that may call the given networks. It uses no proxy
// from the environment: a proxy would resolve names out of the networks' sight.
func NewClient(networks Networks) *Client {
	dialer := &net.Dialer{Timeout: dialTimeout, Control: networks.control}
	return &Client{now: time.Now, http: &http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			DialContext:            dialer.DialContext,
			TLSHandshakeTimeout:    dialTimeout,
			MaxIdleConnsPerHost:    4,
			IdleConnTimeout:        60 * time.Second,
			MaxResponseHeaderBytes: 64 << 10,
			ForceAttemptHTTP2:      true,
			DisableCompression:     true,
		},
	}}
}

// Close closes idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Answer is what the other side said.
type Answer struct {
	Status     int           // 0: there was no answer
	Body       string        // the first KiB, valid UTF-8
	RetryAfter time.Duration // 0: not asked to wait
	Err        error         // why there was no answer
}

// OK reports a status of the 2xx class.
func (a Answer) OK() bool { return a.Status/100 == 2 }

// Text says in a few words what happened.
func (a Answer) Text() string {
	if a.Err != nil {
		return a.Err.Error()
	}
	text := "status " + strconv.Itoa(a.Status)
	if body := strings.TrimSpace(a.Body); body != "" {
		text += ": " + body
	}
	return text
}

// Error is Text when the call did not succeed, else empty.
func (a Answer) Error() string {
	if a.OK() {
		return ""
	}
	return a.Text()
}

// Do makes one call of at most timeout, or less when ctx ends before.
func (c *Client) Do(ctx context.Context, req *http.Request, timeout time.Duration) Answer {
	if deadline, ok := ctx.Deadline(); ok {
		timeout = min(timeout, time.Until(deadline))
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	req.Header.Set("User-Agent", "Sluice")
	resp, err := c.http.Do(req.WithContext(ctx))
	if err != nil {
		return Answer{Err: withoutURL(ctx, err, timeout)}
	}
	defer resp.Body.Close()
	// The head has decided: that the rest of an answer is missing changes nothing.
	head, _ := io.ReadAll(io.LimitReader(resp.Body, excerptSize))
	_, _ = io.CopyN(io.Discard, resp.Body, drainSize)
	return Answer{
		Status: resp.StatusCode, Body: strings.ToValidUTF8(string(head), "\uFFFD"),
		RetryAfter: retryAfter(resp.Header.Get("Retry-After"), c.now()),
	}
}

// withoutURL drops the URL, which may hold a secret, from the errors of net/http.
func withoutURL(ctx context.Context, err error, timeout time.Duration) error {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return fmt.Errorf("no answer within %s", timeout.Round(10*time.Millisecond))
	}
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}

// IsPermanent reports an error that lasts until someone changes something: a
// name that does not exist, a forbidden network, a certificate that is not
// trusted.
func IsPermanent(err error) bool {
	var (
		dns       *net.DNSError
		forbidden *ForbiddenError
		cert      *tls.CertificateVerificationError
	)
	switch {
	case errors.As(err, &dns):
		return dns.IsNotFound
	case errors.As(err, &forbidden), errors.As(err, &cert):
		return true
	}
	return false
}

// retryAfter reads the header of RFC 9110 section 10.2.3: seconds or a date.
func retryAfter(header string, now time.Time) time.Duration {
	var wait time.Duration
	if seconds, err := strconv.ParseInt(header, 10, 64); err == nil {
		if seconds > int64(MaxRetryAfter/time.Second) {
			return MaxRetryAfter
		}
		wait = time.Duration(seconds) * time.Second
	} else if at, err := http.ParseTime(header); err == nil {
		wait = at.Sub(now)
	}
	return min(max(wait, 0), MaxRetryAfter)
}
