package query

import (
	"context"

	"sluice.dev/platform/search"
	capturev1 "sluice.dev/proto/gen/sluice/capture/v1"
	"sluice.dev/services/capture/internal/store"
)

const defaultFacetValues = 10

// panel is the fields of the facet panel.
var panel = []string{
	"@http.status_class", "@http.status_code", "@http.method", "service", "@http.route",
	"@network.client.geoip.country.iso_code", "@network.client.ip", "@traffic_policy.action", "@error.kind",
}

// Facets counts the values of fields.
func (s *Service) Facets(ctx context.Context, req *capturev1.ListFacetsRequest) (*capturev1.ListFacetsResponse, error) {
	filter, between, err := s.asked(req)
	if err != nil {
		return nil, err
	}
	fields := req.GetFields()
	if len(fields) == 0 {
		fields = panel
	}
	facets, err := s.store.Facets(ctx, store.FacetQuery{Range: between, Filter: filter, Fields: fields, Limit: orDefault(req.GetLimit(), defaultFacetValues)})
	if err != nil {
		return nil, err
	}
	resp := &capturev1.ListFacetsResponse{}
	for i, f := range facets {
		one := &capturev1.ListFacetsResponse_Facet{Field: fields[i], Distinct: f.Distinct}
		for _, v := range f.Values {
			one.Values = append(one.Values, &capturev1.ListFacetsResponse_Value{Value: v.Value, Count: v.Count, Filter: search.Clause(fields[i], v.Value)})
		}
		resp.Facets = append(resp.Facets, one)
	}
	return resp, nil
}
