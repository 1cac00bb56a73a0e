package http1

import (
	"net/http"
	"sync/atomic"
	"time"
)

// dateText is the Date field's value in one second.
type dateText struct {
	second int64
	text   string
}

var lastDate atomic.Pointer[dateText]

// httpDate is now in the form of RFC 9110 section 5.6.7, formatted once a second.
func httpDate(now time.Time) string {
	second := now.Unix()
	if d := lastDate.Load(); d != nil && d.second == second {
		return d.text
	}
	d := &dateText{second: second, text: now.UTC().Format(http.TimeFormat)}
	lastDate.Store(d)
	return d.text
}
