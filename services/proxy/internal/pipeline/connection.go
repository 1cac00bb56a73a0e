package pipeline

import (
	"strings"

	"sluice.dev/platform/message"
	"sluice.dev/services/proxy/internal/http1"
)

// dropConnectionFields takes out what the client says of its own connection (RFC
// 9110 section 7.6.1), before the policy runs: a client must not be able to name a
// field that a policy adds later, and so have it dropped on the way upstream. What
// asks for another protocol stays, for the upstream's answer to it.
func dropConnectionFields(h *message.Header) {
	var named []string
	upgrade := false
	for _, value := range h.Values("connection") {
		for option := range strings.SplitSeq(value, ",") {
			switch option = strings.TrimSpace(option); {
			case strings.EqualFold(option, "upgrade"):
				upgrade = true
			case option != "" && !endToEnd(option):
				named = append(named, option)
			}
		}
	}
	for _, name := range named {
		h.Del(name)
	}
	to := ""
	if upgrade {
		if to = http1.Upgrade(*h); to == "" {
			h.Del("upgrade") // to HTTP/2, of which the policy would see nothing
			h.Del("http2-settings")
		}
	}
	switch {
	case to != "":
		h.Set("Connection", "Upgrade")
		h.Set("Upgrade", to)
	case upgrade || len(named) > 0:
		h.Del("connection")
	}
}

// endToEnd are fields that a client cannot make the connection's own, whatever it
// says: the message would mean something else without them.
func endToEnd(name string) bool {
	return message.EqualName(name, "host") || message.EqualName(name, "content-length") || message.EqualName(name, "te") || message.EqualName(name, "trailer")
}
