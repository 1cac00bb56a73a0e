package pipeline

import (
	"strings"

	"sluice.dev/platform/message"
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
	switch {
	case upgrade:
		h.Set("Connection", "Upgrade")
	case len(named) > 0:
		h.Del("connection")
	}
}

// endToEnd are fields that a client cannot make the connection's own, whatever it
// says: the message would mean something else without them.
func endToEnd(name string) bool {
	return message.EqualName(name, "host") || message.EqualName(name, "content-length") || message.EqualName(name, "te") || message.EqualName(name, "trailer")
}
