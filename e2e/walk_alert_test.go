package e2e_test

import (
	"fmt"
	"strings"
	"sync"
	"time"

	"sluice.dev/platform/fakes"

	"sluice.dev/e2e/harness"
)

// The receivers' secrets; made up, and so nobody's.
const (
	datadogKey    = "0123456789abcdef0123456789abcdef"
	webhookSecret = "whsec_c2x1aWNlLXNsdWljZS1zbHVpY2Utc2x1aWNlLXNsdWlj"
)

// export: test events, then real ones, arrive at a webhook and at Datadog.
func (w *walk) export() {
	hook, dog := fakes.NewWebhook(webhookSecret), fakes.NewDatadog(datadogKey)
	w.t.Cleanup(hook.Close)
	w.t.Cleanup(dog.Close)
	var ids []string
	for _, target := range []harness.Object{
		{"webhook": harness.Object{"url": hook.URL(), "secret": webhookSecret}},
		{"datadog": harness.Object{"api_key": datadogKey, "ddsite": "datadoghq.eu", "url": dog.LogsURL(), "service": "demo"}},
	} {
		var d struct{ ID string }
		w.api.Must(w.t, "POST", "/api/v1/event-destinations", target, &d)
		var test struct {
			Delivered bool
			Error     string
		}
		w.api.Must(w.t, "POST", "/api/v1/event-destinations/"+d.ID+":test", harness.Object{}, &test)
		if !test.Delivered {
			w.t.Fatalf("the test event was not delivered: %s", test.Error)
		}
		ids = append(ids, d.ID)
	}
	w.api.Must(w.t, "POST", "/api/v1/event-subscriptions", harness.Object{
		"description": "traffic", "sources": []harness.Object{{"type": "http_request_complete.v0"}}, "destination_ids": ids,
	}, nil)
	w.any(0).Get(publicURL + "/api/products/3")
	if !hook.Await(15*time.Second, func() bool { return w.hookHas(hook, "/api/products/3") }) {
		w.t.Fatalf("the webhook has %d deliveries and none for the request", len(hook.Deliveries()))
	}
	if !dog.Await(15*time.Second, func() bool { return strings.Contains(fmt.Sprint(dog.Entries()), "/api/products/3") }) {
		w.t.Fatalf("the intake has %d entries and none for the request", len(dog.Entries()))
	}
}

func (w *walk) hookHas(hook *fakes.Webhook, text string) bool {
	for _, d := range hook.Deliveries() {
		if strings.Contains(string(d.Body), text) {
			return true
		}
	}
	return false
}

// alert: the API stops; errors are counted, the monitor fires once and ntfy gets
// the configured text.
func (w *walk) alert() {
	ntfy := fakes.NewNtfy("")
	w.t.Cleanup(ntfy.Close)
	var channel, monitor struct{ ID string }
	w.api.Must(w.t, "POST", "/api/v1/notification-channels", harness.Object{"name": "phone", "ntfy": harness.Object{"url": ntfy.TopicURL("alerts")}}, &channel)
	w.api.Must(w.t, "POST", "/api/v1/monitors", harness.Object{
		"name": "Errors", "filter": "@http.status_code:5xx", "window": "20s", "every": "1s",
		"comparator": "COMPARATOR_ABOVE", "critical": 0, "message": "@ntfy-phone Your API has errors ({{value}}).",
	}, &monitor)
	w.state(monitor.ID, "MONITOR_STATE_OK")
	before := w.errorsLastHour()

	w.demo.Stop()
	w.setCapacity(1000)
	for n := range 4 {
		if a := w.any(n).Get(publicURL + "/api/products"); a.Status != 502 || a.Header.Get("Sluice-Error-Code") == "" {
			w.t.Fatalf("with the API stopped: %d", a.Status)
		}
	}
	w.state(monitor.ID, "MONITOR_STATE_ALERT")
	if now := w.errorsLastHour(); now != before+4 {
		w.t.Errorf("errors in the last hour went from %v to %v, want 4 more", before, now)
	}
	w.demo.Restart()
	harness.WaitHTTP(w.t, "http://"+w.demoAddr+"/api/products")
	w.state(monitor.ID, "MONITOR_STATE_OK")
	if !ntfy.Await(15*time.Second, func() bool { return len(ntfy.Notices("alerts")) >= 2 }) {
		w.t.Fatalf("notices: %+v", ntfy.Notices("alerts"))
	}
	notices := ntfy.Notices("alerts")
	if len(notices) != 2 || !strings.Contains(notices[0].Message, "Your API has errors (4") {
		w.t.Errorf("want one alert and one recovery: %+v", notices)
	}
}

func (w *walk) state(monitor, want string) {
	w.t.Helper()
	harness.Eventually(w.t, 60*time.Second, "the monitor is "+want, func() error {
		var m harness.Object
		if err := w.api.Do("GET", "/api/v1/monitors/"+monitor, nil, &m); err != nil {
			return err
		}
		if got := harness.At(m, "status.state"); got != want {
			return fmt.Errorf("it is %v (%v)", got, harness.At(m, "status.error"))
		}
		return nil
	})
}

// errorsLastHour is the number of the stock dashboard's widget, asked for as the
// console does.
func (w *walk) errorsLastHour() float64 {
	w.t.Helper()
	var board struct {
		Widgets []struct{ Title, Filter, Aggregation string }
	}
	w.api.Must(w.t, "GET", "/api/v1/dashboards/dsh_http_traffic", nil, &board)
	for _, widget := range board.Widgets {
		if widget.Title != "Errors in the last hour" {
			continue
		}
		var res struct{ Series []struct{ Value float64 } }
		start := time.Now().Add(-time.Hour).UTC().Format(time.RFC3339)
		w.api.Must(w.t, "POST", "/api/v1/exchanges:aggregate", harness.Object{"filter": widget.Filter, "aggregation": widget.Aggregation, "start_time": start}, &res)
		if len(res.Series) == 0 {
			return 0
		}
		return res.Series[0].Value
	}
	w.t.Fatal("the stock dashboard has no widget “Errors in the last hour”")
	return 0
}

// recover: with the API back, requests pass again.
func (w *walk) recover() {
	if a := w.any(0).Get(publicURL + "/api/products"); a.Status != 200 {
		w.t.Fatalf("with the API back: %d %s", a.Status, a.Body)
	}
}

// surviveKill: capture dies in the middle of traffic; every answered request is
// in the list exactly once afterwards.
func (w *walk) surviveKill() {
	name := "capture"
	if w.sys.Procs[name] == nil {
		return // one process: killing it kills the traffic; see TestUpSurvivesKill
	}
	answered := map[string]bool{}
	var mu sync.Mutex
	var wg sync.WaitGroup
	for n := range 4 {
		wg.Go(func() {
			for i := range 100 {
				a, err := w.any(n).Try("GET", fmt.Sprintf("%s/api/products?kill=%d-%d", publicURL, n, i), "")
				if err != nil {
					w.t.Errorf("request %d-%d while capture dies: %v", n, i, err)
					return
				}
				mu.Lock()
				answered[a.ExchangeID()] = true
				if len(answered) == 150 {
					w.sys.Procs[name].Kill()
				}
				if len(answered) == 300 {
					w.sys.Procs[name].Restart()
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	harness.Eventually(w.t, 60*time.Second, "every answered request is listed once", func() error {
		listed, err := w.api.Exchanges("@http.url_details.path:/api/products @http.url:*kill=*")
		if err != nil {
			return err
		}
		seen := map[string]int{}
		for _, e := range listed {
			seen[e["id"].(string)]++
		}
		for id := range answered {
			if seen[id] != 1 {
				return fmt.Errorf("%s is listed %d times (%d of %d listed)", id, seen[id], len(seen), len(answered))
			}
		}
		if len(listed) != len(answered) {
			return fmt.Errorf("%d listed, %d answered", len(listed), len(answered))
		}
		return nil
	})
}
