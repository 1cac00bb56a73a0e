package up

import (
	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
)

// labelled adds the label "service" to what one service measures: in one process
// several have metrics of the same name.
func labelled(service string, g prometheus.Gatherer) prometheus.Gatherer {
	name := "service"
	return prometheus.GathererFunc(func() ([]*dto.MetricFamily, error) {
		families, err := g.Gather()
		for _, f := range families {
			for _, m := range f.GetMetric() {
				m.Label = append(m.Label, &dto.LabelPair{Name: &name, Value: &service})
			}
		}
		return families, err
	})
}
