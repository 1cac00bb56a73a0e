package harness

import (
	"fmt"
	"strconv"
	"sync/atomic"
	"time"
)

// probeHost is an endpoint of the harness's own. Proxies apply changes in order:
// once they answer with the newest text of this one, all earlier changes are in
// force too.
const probeHost = "probe.localhost"

var probes atomic.Int64

// Settle waits until every change of configuration made so far is in force on
// every proxy.
func (s *System) Settle() {
	s.t.Helper()
	want := strconv.FormatInt(probes.Add(1), 10)
	policy := "on_http_request: [{actions: [{type: custom-response, config: {body: 'probe " + want + "'}}]}]"
	s.setProbe(policy)
	for i := range s.Proxies {
		v := s.Visitor(i)
		Eventually(s.t, 20*time.Second, "the configuration is in force on "+s.Proxies[i].Name, func() error {
			a, err := v.Try("GET", "http://"+probeHost+"/", "")
			if err == nil && a.Body != "probe "+want {
				err = fmt.Errorf("it answers %d %q", a.Status, a.Body)
			}
			return err
		})
	}
}

func (s *System) setProbe(policy string) {
	s.t.Helper()
	var page struct {
		Endpoints []Object `json:"endpoints"`
	}
	s.API.Must(s.t, "GET", "/api/v1/endpoints?limit=1000", nil, &page)
	for _, e := range page.Endpoints {
		if e["url"] == "http://"+probeHost {
			s.API.Must(s.t, "PATCH", "/api/v1/endpoints/"+e["id"].(string), Object{"traffic_policy": policy}, nil)
			return
		}
	}
	s.API.Must(s.t, "POST", "/api/v1/endpoints", Object{"url": "http://" + probeHost, "traffic_policy": policy}, nil)
}
