// Package terminal writes exchanges and problems for people at a terminal.
package terminal

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"
	"unicode"

	"golang.org/x/term"

	capturev1 "sluice.dev/proto/gen/sluice/capture/v1"
)

// Colours of the ANSI palette, so that the terminal's theme decides.
const (
	red    = "\x1b[31m"
	green  = "\x1b[32m"
	yellow = "\x1b[33m"
	dim    = "\x1b[2m"
	reset  = "\x1b[0m"
)

// Printer writes to one terminal or file.
type Printer struct {
	w      io.Writer
	colour bool
}

// NewPrinter returns a printer on f; colours only when f is a terminal and
// NO_COLOR is unset.
func NewPrinter(f *os.File) Printer {
	return Printer{w: f, colour: term.IsTerminal(int(f.Fd())) && os.Getenv("NO_COLOR") == ""}
}

// Header names the columns of Exchange.
func (p Printer) Header() {
	fmt.Fprintf(p.w, "%-12s %-6s %-4s %9s  %-15s %-44s %s\n", "TIME", "METHOD", "CODE", "DURATION", "CLIENT", "URL", "ID")
}

// Exchange writes one line.
func (p Printer) Exchange(e *capturev1.Exchange) {
	code, note := "-", ""
	if r := e.GetResponse(); r != nil {
		code = fmt.Sprint(r.GetStatusCode())
	}
	if e.GetError().GetCode() != "" {
		note = " " + e.GetError().GetCode()
	}
	if e.GetPolicy().GetAction() != "" {
		note += " (" + e.GetPolicy().GetAction() + ")"
	}
	if e.GetReplayOf() != "" {
		note += " replays " + e.GetReplayOf()
	}
	fmt.Fprintf(p.w, "%-12s %-6s %s %9s  %-15s %-44s %s%s\n",
		e.GetStartTime().AsTime().Local().Format("15:04:05.000"), Clean(e.GetRequest().GetMethod()), p.paint(fmt.Sprintf("%-4s", code), e),
		Duration(e.GetTimings().GetDuration().AsDuration()), e.GetConnection().GetClientIp(), Clean(target(e)), e.GetId(), p.in(dim, note))
}

func target(e *capturev1.Exchange) string {
	t := e.GetRequest().GetHost() + e.GetRequest().GetPath()
	if q := e.GetRequest().GetQuery(); q != "" {
		t += "?" + q
	}
	return t
}

func (p Printer) paint(text string, e *capturev1.Exchange) string {
	switch code := e.GetResponse().GetStatusCode(); {
	case code >= 500 || code == 0:
		return p.in(red, text)
	case code >= 400:
		return p.in(yellow, text)
	default:
		return p.in(green, text)
	}
}

func (p Printer) in(colour, text string) string {
	if !p.colour || text == "" {
		return text
	}
	return colour + text + reset
}

// Duration is d in the unit that people compare in.
func Duration(d time.Duration) string {
	switch {
	case d < time.Millisecond:
		return fmt.Sprintf("%dµs", d.Microseconds())
	case d < time.Second:
		return fmt.Sprintf("%.1fms", float64(d.Microseconds())/1000)
	}
	return fmt.Sprintf("%.2fs", d.Seconds())
}

// Clean drops control characters, so that traffic cannot drive the terminal.
func Clean(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return '·'
		}
		return r
	}, s)
}
