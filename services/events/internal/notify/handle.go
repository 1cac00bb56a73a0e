package notify

import (
	"strings"

	"sluice.dev/platform/errs"
	"sluice.dev/platform/search"
	eventsv1 "sluice.dev/proto/gen/sluice/events/v1"
)

// Handle is an @kind-name in a message: the channel to notify.
type Handle struct {
	Kind, Name string
	// Line and Column say where it stands, from 1.
	Line, Column int
}

// String is the handle as people write it.
func (h Handle) String() string { return "@" + h.Kind + "-" + h.Name }

// kinds of channels, as handles name them.
var kinds = []string{"ntfy", "webhook"}

// splitText cuts source[start:end] into text and handles. A handle begins after
// white space or at the start, and ends before white space or the end; a full stop
// or the like before that is not part of it. afterVariable: the text goes on where
// a variable ended.
func (p *parser) splitText(start, end int, afterVariable bool) (nodes []node, err error) {
	kept := start
	for i := start; i < end; i++ {
		boundary := i == start && !afterVariable || i > start && isSpace(p.source[i-1])
		if p.source[i] != '@' || !boundary {
			continue
		}
		word := p.source[i+1 : wordEnd(p.source, i+1, end)]
		name := strings.TrimRight(word, ".,;:!?)'\"")
		h, ok, err := p.handle(i, name)
		if err != nil {
			return nil, err
		}
		if !ok {
			continue
		}
		if i > kept {
			nodes = append(nodes, text(p.source[kept:i]))
		}
		nodes = append(nodes, h)
		i += len(name) + 1
		if i < end && p.source[i] == ' ' {
			i++
		}
		kept = i
		i--
	}
	if kept < end {
		nodes = append(nodes, text(p.source[kept:end]))
	}
	return nodes, nil
}

// handle reads the word after an @. A field of the search syntax is no handle.
func (p *parser) handle(at int, word string) (Handle, bool, error) {
	kind, name, found := strings.Cut(word, "-")
	if found && contains(kinds, kind) && validName(name) {
		fault := errs.As(p.fault(at, "", ""))
		return Handle{kind, name, fault.Violations[0].Line, fault.Violations[0].Column}, true, nil
	}
	field, _, _ := strings.Cut("@"+word, ":")
	if _, _, isField := search.Lookup(field); isField || word == "" || !isLetter(word[0]) {
		return Handle{}, false, nil
	}
	return Handle{}, false, p.fault(at, "@"+word+" names no channel, so nobody would be notified",
		"write @ntfy-NAME or @webhook-NAME, followed by a space; or put the text in quotes")
}

// validName is the rule for names of channels.
func validName(s string) bool {
	if s == "" || len(s) > 63 || !isLetter(s[0]) && !isDigit(s[0]) {
		return false
	}
	for i := range len(s) {
		if !isLetter(s[i]) && !isDigit(s[i]) && !strings.ContainsRune("_.-", rune(s[i])) {
			return false
		}
	}
	return true
}

func wordEnd(s string, from, end int) int {
	for from < end && !isSpace(s[from]) {
		from++
	}
	return from
}

func isSpace(c byte) bool { return c == ' ' || c == '\n' || c == '\t' || c == '\r' }

func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// KindOf is how handles name a channel's kind.
func KindOf(c *eventsv1.NotificationChannel) string {
	switch c.GetTarget().(type) {
	case *eventsv1.NotificationChannel_Ntfy:
		return "ntfy"
	case *eventsv1.NotificationChannel_Webhook:
		return "webhook"
	}
	return ""
}

// Resolve finds the channel that a handle names among channels by name.
func (h Handle) Resolve(byName map[string]*eventsv1.NotificationChannel) (*eventsv1.NotificationChannel, error) {
	c, ok := byName[h.Name]
	var message, hint string
	switch {
	case !ok:
		message, hint = h.String()+" names no channel", "create a channel with this name, or mend the handle"
	case KindOf(c) != h.Kind:
		message, hint = h.String()+" names a channel of another kind", "write @"+KindOf(c)+"-"+h.Name
	default:
		return c, nil
	}
	return nil, errs.Invalid("message: line %d, column %d: %s", h.Line, h.Column, message).With(errs.Violation{
		Field: "message", Message: message, Hint: hint, Line: h.Line, Column: h.Column,
	})
}
