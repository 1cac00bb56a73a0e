package notify

import (
	"context"
	"errors"
	"mime"
	"net/http"
	"strings"
	"time"

	"sluice.dev/platform/errs"
	eventsv1 "sluice.dev/proto/gen/sluice/events/v1"
	"sluice.dev/services/events/internal/egress"
	"sluice.dev/services/events/internal/sender"
)

// timeout of one attempt to notify.
const timeout = 15 * time.Second

// ntfyMax is what is sent of a message, in bytes. The server's limit is 4,096;
// beyond it, it makes an attachment of the message.
const ntfyMax = 4000

// ntfyLeastWait is how long a server that answers 429 is left alone: it gives one
// request per 5 s and says so nowhere.
const ntfyLeastWait = 5 * time.Second

// Sender sends notices.
type Sender struct{ client *egress.Client }

// NewSender returns a sender.
func NewSender(client *egress.Client) *Sender { return &Sender{client} }

// Send makes one attempt.
func (s *Sender) Send(ctx context.Context, c *eventsv1.NotificationChannel, n Notice) egress.Answer {
	var req *http.Request
	var err error
	switch t := c.GetTarget().(type) {
	case *eventsv1.NotificationChannel_Ntfy:
		req, err = ntfyRequest(t.Ntfy, n)
	case *eventsv1.NotificationChannel_Webhook:
		req, err = webhookRequest(t.Webhook, n)
	default:
		err = errors.New("the channel's kind is not known")
	}
	if err != nil {
		return egress.Answer{Err: err}
	}
	answer := s.client.Do(ctx, req, timeout)
	if c.GetNtfy() != nil && answer.Status == http.StatusTooManyRequests {
		answer.RetryAfter = max(answer.RetryAfter, ntfyLeastWait)
	}
	return answer
}

// MayPass reports whether a later attempt may succeed where this one did not.
func MayPass(a egress.Answer) bool {
	if a.Err != nil {
		return !egress.IsPermanent(a.Err)
	}
	return a.Status >= 500 || a.Status == http.StatusTooManyRequests || a.Status == http.StatusRequestTimeout
}

// Result is an answer as the API shows it.
func Result(c *eventsv1.NotificationChannel, a egress.Answer) *eventsv1.NotificationResult {
	r := &eventsv1.NotificationResult{
		ChannelId: c.GetId(), ChannelName: c.GetName(), Delivered: a.OK(), StatusCode: uint32(max(0, a.Status)), ResponseBody: a.Body,
	}
	if a.Err != nil {
		r.Error = a.Err.Error()
	}
	return r
}

func ntfyRequest(t *eventsv1.NtfyChannel, n Notice) (*http.Request, error) {
	req, err := http.NewRequest(http.MethodPost, t.GetUrl(), strings.NewReader(cut(n.Text, ntfyMax)))
	if err != nil {
		return nil, errors.New("the topic's URL cannot be called")
	}
	priority, tags := "3", "white_check_mark"
	if n.Kind == Alert {
		priority, tags = "5", "rotating_light"
	}
	if n.Test {
		priority = "3"
	}
	req.Header.Set("Content-Type", "text/plain; charset=utf-8")
	req.Header.Set("Title", mime.QEncoding.Encode("utf-8", line(n.Title)))
	req.Header.Set("Priority", priority)
	req.Header.Set("Tags", tags)
	if n.Link != "" {
		req.Header.Set("Click", n.Link)
	}
	if t.GetToken() != "" {
		req.Header.Set("Authorization", "Bearer "+t.GetToken())
	}
	return req, nil
}

// line is s on one line, fit for a header.
func line(s string) string {
	return strings.Join(strings.Fields(printable(s)), " ")
}

// Check says what is wrong with a channel's target.
func Check(c *eventsv1.NotificationChannel) error {
	switch t := c.GetTarget().(type) {
	case *eventsv1.NotificationChannel_Ntfy:
		return checkNtfy(t.Ntfy)
	case *eventsv1.NotificationChannel_Webhook:
		if err := sender.CheckURL("webhook.url", t.Webhook.GetUrl()); err != nil {
			return err
		}
		return sender.CheckHeaders("webhook.headers", t.Webhook.GetHeaders())
	}
	return nil
}

func checkNtfy(t *eventsv1.NtfyChannel) error {
	if err := sender.CheckURL("ntfy.url", t.GetUrl()); err != nil {
		return err
	}
	path := strings.SplitN(strings.SplitN(t.GetUrl(), "?", 2)[0], "://", 2)[1]
	_, topic, found := cutLast(strings.TrimSuffix(path, "/"), "/")
	switch {
	case !found || topic == "":
		return errs.InvalidField("ntfy.url", "the URL has no topic; write it as https://ntfy.example.com/TOPIC")
	case len(topic) > 64 || strings.Trim(topic, "-_0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") != "":
		return errs.InvalidField("ntfy.url", "%q is no topic: 1 to 64 letters, digits, - and _", topic)
	case strings.ContainsFunc(t.GetToken(), func(r rune) bool { return r <= ' ' || r >= 0x7f }):
		return errs.InvalidField("ntfy.token", "a token has no spaces and no special characters")
	}
	return nil
}

func cutLast(s, sep string) (before, after string, found bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}
