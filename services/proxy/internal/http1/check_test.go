package http1_test

import (
	"errors"
	"strings"
	"testing"

	"sluice.dev/platform/message"
	"sluice.dev/services/proxy/internal/http1"
)

func TestCheck(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(*message.Request)
		status int // 0: it is fine
	}{
		"fine":                {func(*message.Request) {}, 0},
		"a length":            {func(q *message.Request) { q.ContentLength = 5; q.Header.Add("content-length", "5") }, 0},
		"another length":      {func(q *message.Request) { q.ContentLength = 5; q.Header.Add("content-length", "6") }, 400},
		"a length of nothing": {func(q *message.Request) { q.ContentLength = -1; q.Header.Add("content-length", "") }, 400},
		"two lengths":         {func(q *message.Request) { q.Header = fields("content-length", "0", "Content-Length", "1") }, 400},
		"a coding":            {func(q *message.Request) { q.Header.Add("transfer-encoding", "chunked") }, 400},
		"the Host":            {func(q *message.Request) { q.Header.Add("host", "h") }, 0},
		"another Host":        {func(q *message.Request) { q.Header.Add("host", "x") }, 400},
		"two Hosts":           {func(q *message.Request) { q.Header = fields("host", "h", "host", "h") }, 400},
		"no host":             {func(q *message.Request) { q.Host = "" }, 400},
		"a bad host":          {func(q *message.Request) { q.Host = "a/b" }, 400},
		"a method":            {func(q *message.Request) { q.Method = "A B" }, 400},
		"no method":           {func(q *message.Request) { q.Method = "" }, 400},
		"CONNECT":             {func(q *message.Request) { q.Method, q.Target = "CONNECT", "h:1" }, 0},
		"star":                {func(q *message.Request) { q.Method, q.Target = "OPTIONS", "*" }, 0},
		"star with GET":       {func(q *message.Request) { q.Target = "*" }, 400},
		"no target":           {func(q *message.Request) { q.Target = "" }, 400},
		"a URL":               {func(q *message.Request) { q.Target = "http://h/" }, 400},
		"a space":             {func(q *message.Request) { q.Target = "/a b" }, 400},
		"half an escape":      {func(q *message.Request) { q.Target = "/%4" }, 400},
		"a name":              {func(q *message.Request) { q.Header.Add("a b", "c") }, 400},
		"no name":             {func(q *message.Request) { q.Header.Add("", "c") }, 400},
		"a value":             {func(q *message.Request) { q.Header.Add("a", "b\r\nc: d") }, 400},
		"an expectation":      {func(q *message.Request) { q.Header.Add("expect", "100-Continue") }, 0},
		"another expectation": {func(q *message.Request) { q.Header.Add("expect", "tea") }, 417},
		"too many fields": {func(q *message.Request) {
			q.Header = fields(strings.Split(strings.Repeat("a,b,", 1001), ",")[:2002]...)
		}, 431},
	} {
		q := &message.Request{Method: "GET", Target: "/", Host: "h", Header: fields("a", "b")}
		tt.change(q)
		var bad *http1.Error
		err := http1.Check(q, 0)
		if got := errors.As(err, &bad); got != (tt.status != 0) || got && bad.Status != tt.status {
			t.Errorf("%s: %v, want %d", name, err, tt.status)
		}
	}
}
