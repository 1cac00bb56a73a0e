package api

import (
	"context"
	"fmt"
	"sync"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"sluice.dev/platform/errs"
	"sluice.dev/platform/id"
	eventsv1 "sluice.dev/proto/gen/sluice/events/v1"
	"sluice.dev/services/events/internal/config"
	"sluice.dev/services/events/internal/monitor"
	"sluice.dev/services/events/internal/notify"
	"sluice.dev/services/events/internal/outbox"
)

// Monitors serves MonitorService.
type Monitors struct {
	eventsv1.UnimplementedMonitorServiceServer
	documents[*eventsv1.Monitor]
	store    *config.Store
	states   *monitor.Store
	outbox   *outbox.Store
	composer monitor.Composer
	sender   *notify.Sender
}

// NewMonitors returns the service.
func NewMonitors(store *config.Store, states *monitor.Store, o *outbox.Store, composer monitor.Composer, sender *notify.Sender) *Monitors {
	s := &Monitors{store: store, states: states, outbox: o, composer: composer, sender: sender}
	s.documents = documents[*eventsv1.Monitor]{
		noun: "monitor", docs: store.Monitors, outputOnly: []string{"status"}, check: s.checkAll, status: s.fill,
	}
	return s
}

func (s *Monitors) checkAll(ctx context.Context, m *eventsv1.Monitor) error {
	if err := monitor.Check(m); err != nil {
		return err
	}
	if err := checkFilter("filter", m.GetFilter()); err != nil {
		return err
	}
	message, err := notify.Parse(m.GetMessage())
	if err != nil {
		return err
	}
	return s.checkChannels(ctx, m, message.Handles())
}

// checkChannels refuses channels that do not exist: nobody would be notified, and
// nobody would know.
func (s *Monitors) checkChannels(ctx context.Context, m *eventsv1.Monitor, handles []notify.Handle) error {
	channels, err := s.store.AllChannels(ctx)
	if err != nil {
		return err
	}
	byName, byID := map[string]*eventsv1.NotificationChannel{}, map[string]bool{}
	for _, c := range channels {
		byName[c.GetName()], byID[c.GetId()] = c, true
	}
	for i, to := range m.GetChannelIds() {
		if !byID[to] {
			return errs.InvalidField(fmt.Sprintf("channel_ids[%d]", i), "no notification channel has the id %q", to)
		}
	}
	for _, h := range handles {
		if _, err := h.Resolve(byName); err != nil {
			return err
		}
	}
	return nil
}

// fill adds the newest evaluation. One of another question does not count.
func (s *Monitors) fill(ctx context.Context, m *eventsv1.Monitor) error {
	state, err := s.states.State(ctx, m.GetId())
	if err != nil {
		return err
	}
	m.Status = &eventsv1.MonitorStatus{State: eventsv1.MonitorState_MONITOR_STATE_PENDING, Since: m.GetUpdatedAt()}
	if state.Question != monitor.Question(m) {
		return nil
	}
	m.Status = &eventsv1.MonitorStatus{State: state.Status, Since: timestamppb.New(state.Since), Value: state.Value, Error: state.Error}
	if !state.EvaluatedAt.IsZero() {
		m.Status.EvaluatedAt = timestamppb.New(state.EvaluatedAt)
	}
	return nil
}

// CreateMonitor keeps a new monitor.
func (s *Monitors) CreateMonitor(ctx context.Context, req *eventsv1.CreateMonitorRequest) (*eventsv1.CreateMonitorResponse, error) {
	doc, err := s.create(ctx, id.Monitor.New(), req.GetMonitor())
	return &eventsv1.CreateMonitorResponse{Monitor: doc}, err
}

// GetMonitor returns one.
func (s *Monitors) GetMonitor(ctx context.Context, req *eventsv1.GetMonitorRequest) (*eventsv1.GetMonitorResponse, error) {
	doc, err := s.get(ctx, req.GetId())
	return &eventsv1.GetMonitorResponse{Monitor: doc}, err
}

// ListMonitors returns a page, newest first.
func (s *Monitors) ListMonitors(ctx context.Context, req *eventsv1.ListMonitorsRequest) (*eventsv1.ListMonitorsResponse, error) {
	page, next, err := s.list(ctx, req.GetLimit(), req.GetCursor())
	return &eventsv1.ListMonitorsResponse{Monitors: page, NextCursor: next}, err
}

// UpdateMonitor changes one.
func (s *Monitors) UpdateMonitor(ctx context.Context, req *eventsv1.UpdateMonitorRequest) (*eventsv1.UpdateMonitorResponse, error) {
	doc, err := s.update(ctx, req.GetMonitor(), req.GetUpdateMask(), nil)
	return &eventsv1.UpdateMonitorResponse{Monitor: doc}, err
}

// DeleteMonitor removes one with its history.
func (s *Monitors) DeleteMonitor(ctx context.Context, req *eventsv1.DeleteMonitorRequest) (*eventsv1.DeleteMonitorResponse, error) {
	if err := s.docs.Delete(ctx, req.GetId()); err != nil {
		return nil, err
	}
	return &eventsv1.DeleteMonitorResponse{}, s.states.Forget(ctx, req.GetId())
}

// TestMonitor sends the alert's notification to all channels now.
func (s *Monitors) TestMonitor(ctx context.Context, req *eventsv1.TestMonitorRequest) (*eventsv1.TestMonitorResponse, error) {
	m, _, err := s.docs.Get(ctx, req.GetId())
	if err != nil {
		return nil, err
	}
	m.Id = req.GetId()
	state, err := s.states.State(ctx, m.GetId())
	if err != nil {
		return nil, err
	}
	channels, err := s.store.OpenChannels(ctx)
	if err != nil {
		return nil, err
	}
	notice, _ := s.composer.Notice(m, monitor.Change{Notify: notify.Alert, At: time.Now(), Value: state.Value}, state.Cycle)
	notice.ID = "test"
	message, err := notify.Parse(m.GetMessage())
	if err != nil {
		return nil, err
	}
	targets := monitor.Targets(m, message.Handles(), channels)
	return &eventsv1.TestMonitorResponse{Results: s.sendAll(ctx, targets, channels, notice.Marked())}, nil
}

// sendAll sends a notice to targets at the same time.
func (s *Monitors) sendAll(ctx context.Context, targets []monitor.Target, channels []*eventsv1.NotificationChannel, n notify.Notice) []*eventsv1.NotificationResult {
	byID := map[string]*eventsv1.NotificationChannel{}
	for _, c := range channels {
		byID[c.GetId()] = c
	}
	limited, cancel := context.WithTimeout(ctx, testLimit)
	defer cancel()
	results := make([]*eventsv1.NotificationResult, len(targets))
	var sending sync.WaitGroup
	for i, to := range targets {
		if to.Problem != "" {
			results[i] = &eventsv1.NotificationResult{ChannelId: to.ChannelID, ChannelName: to.Name, Error: to.Problem}
			continue
		}
		sending.Go(func() {
			results[i] = notify.Result(byID[to.ChannelID], s.sender.Send(limited, byID[to.ChannelID], n))
			_ = s.store.Fared(ctx, results[i]) // the caller has the result
		})
	}
	sending.Wait()
	return results
}

// ListMonitorTransitions returns changes of state, newest first.
func (s *Monitors) ListMonitorTransitions(ctx context.Context, req *eventsv1.ListMonitorTransitionsRequest) (*eventsv1.ListMonitorTransitionsResponse, error) {
	if _, _, err := s.docs.Get(ctx, req.GetId()); err != nil {
		return nil, err
	}
	limit := int64(req.GetLimit())
	if limit == 0 {
		limit = 100
	}
	list, err := s.states.Transitions(ctx, req.GetId(), limit)
	if err != nil {
		return nil, err
	}
	out := &eventsv1.ListMonitorTransitionsResponse{}
	for _, t := range list {
		results, err := s.outbox.Results(ctx, t.ID)
		if err != nil {
			return nil, err
		}
		out.Transitions = append(out.Transitions, &eventsv1.MonitorTransition{
			Id: t.ID, MonitorId: req.GetId(), From: t.From, To: t.To, At: timestamppb.New(t.At), Value: t.Value, Notifications: told(t.Targets, results),
		})
	}
	return out, nil
}

// told is what became of the notifications of a transition.
func told(targets []monitor.Target, results map[string]*eventsv1.NotificationResult) []*eventsv1.NotificationResult {
	out := make([]*eventsv1.NotificationResult, len(targets))
	for i, to := range targets {
		out[i] = results[to.ChannelID]
		if out[i] == nil {
			out[i] = &eventsv1.NotificationResult{ChannelId: to.ChannelID, ChannelName: to.Name, Error: to.Problem}
		}
		if out[i].GetError() == "" && out[i].GetStatusCode() == 0 {
			out[i].Error = "waiting to be sent"
		}
	}
	return out
}
