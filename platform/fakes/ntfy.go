package fakes

import (
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

const ntfyMaxMessage = 4096

var ntfyTopic = regexp.MustCompile(`^[-_A-Za-z0-9]{1,64}$`)

// Notice is a message that an ntfy topic shows.
type Notice struct {
	Topic, Message, Title, Click string
	Priority                     int
	Tags                         []string
}

// Ntfy is an ntfy server without attachments. With a token it takes only
// requests that bear it.
type Ntfy struct {
	server
	token   string
	notices []Notice
}

// NewNtfy starts a server; an empty token makes it public.
func NewNtfy(token string) *Ntfy {
	n := &Ntfy{token: token}
	n.start(n.take)
	return n
}

// TopicURL is where messages for a topic are posted to.
func (n *Ntfy) TopicURL(topic string) string { return n.URL() + "/" + topic }

// Notices are the messages of a topic, oldest first.
func (n *Ntfy) Notices(topic string) []Notice {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(n.notices), func(m Notice) bool { return m.Topic != topic })
}

func (n *Ntfy) take(w http.ResponseWriter, r *http.Request, body []byte) {
	m, code, status, text := n.read(r, body)
	w.Header().Set("Content-Type", "application/json")
	if status != http.StatusOK {
		w.WriteHeader(status)
		_, _ = fmt.Fprintf(w, `{"code":%d,"http":%d,"error":%q}`, code, status, text)
		return
	}
	n.notices = append(n.notices, m)
	answer, _ := json.Marshal(map[string]any{"id": strconv.Itoa(len(n.notices)), "event": "message", "topic": m.Topic, "message": m.Message})
	_, _ = io.WriteString(w, string(answer)+"\n")
}

// read judges a message as the real server does; code is ntfy's own.
func (n *Ntfy) read(r *http.Request, body []byte) (m Notice, code, status int, text string) {
	m.Topic = strings.TrimPrefix(r.URL.Path, "/")
	auth := r.Header.Get("Authorization")
	priority, ok := ntfyPriority(ntfyField(r, "X-Priority", "Priority", "prio", "p"))
	switch {
	case !ntfyTopic.MatchString(m.Topic) || r.Method != http.MethodPost && r.Method != http.MethodPut:
		return m, 40401, http.StatusNotFound, "page not found"
	case auth != "" && auth != "Bearer "+n.token:
		return m, 40101, http.StatusUnauthorized, "unauthorized"
	case auth == "" && n.token != "":
		return m, 40301, http.StatusForbidden, "forbidden"
	case !ok:
		return m, 40007, http.StatusBadRequest, "invalid request: priority invalid"
	case len(body) > ntfyMaxMessage:
		return m, 40014, http.StatusBadRequest, "invalid request: attachments not allowed"
	}
	m.Priority = priority
	m.Title = ntfyField(r, "X-Title", "Title", "ti", "t")
	m.Click = ntfyField(r, "X-Click", "Click")
	if tags := ntfyField(r, "X-Tags", "Tags", "Tag", "ta"); tags != "" {
		for tag := range strings.SplitSeq(tags, ",") {
			m.Tags = append(m.Tags, strings.TrimSpace(tag))
		}
	}
	m.Message = strings.TrimSpace(string(body))
	if m.Message == "" {
		m.Message = ntfyField(r, "X-Message", "Message", "m")
	}
	if m.Message == "" {
		m.Message = "triggered"
	}
	return m, 0, http.StatusOK, ""
}

// ntfyField is the first of the headers that is there, decoded by RFC 2047, or
// the query parameter of the same name.
func ntfyField(r *http.Request, names ...string) string {
	for _, name := range names {
		if v := r.Header.Get(name); v != "" {
			if plain, err := new(mime.WordDecoder).DecodeHeader(v); err == nil {
				return plain
			}
			return v
		}
	}
	query := url.Values{}
	for key, values := range r.URL.Query() {
		query[strings.ToLower(key)] = values
	}
	for _, name := range names {
		if v := query.Get(strings.ToLower(name)); v != "" {
			return v
		}
	}
	return ""
}

func ntfyPriority(text string) (int, bool) {
	names := map[string]int{"": 3, "min": 1, "low": 2, "default": 3, "high": 4, "max": 5, "urgent": 5}
	if p, ok := names[strings.ToLower(text)]; ok {
		return p, true
	}
	p, err := strconv.Atoi(text)
	return p, err == nil && 1 <= p && p <= 5
}
