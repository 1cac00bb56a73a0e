package expr

import (
	"net/netip"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
)

func connVariables() []Variable {
	return []Variable{
		number("conn.bytes_in", inHTTP, "Bytes received from the client on this connection.", func(v *Vars) int64 { return v.Conn.BytesIn.Load() }),
		number("conn.bytes_out", inHTTP, "Bytes sent to the client on this connection.", func(v *Vars) int64 { return v.Conn.BytesOut.Load() }),
		text("conn.client_ip", anyPhase, "Address of the client; never taken from a header.", func(v *Vars) string { return address(v.Conn.ClientAddr) }),
		number("conn.client_port", anyPhase, "Port of the client.", func(v *Vars) int64 { return int64(v.Conn.ClientAddr.Port()) }),
		text("conn.server_ip", anyPhase, "Address that the connection came in on.", func(v *Vars) string { return address(v.Conn.ServerAddr) }),
		number("conn.server_port", anyPhase, "Port that the connection came in on.", func(v *Vars) int64 { return int64(v.Conn.ServerAddr.Port()) }),
		text("conn.server_region", anyPhase, "Region of the proxy that took the connection, as it is configured; may be empty.", func(v *Vars) string { return v.Conn.ServerRegion }),
		{Name: "conn.ts.start", Type: timestamp, Scope: anyPhase, Description: "When the connection was accepted.",
			get: func(v *Vars) ref.Val { return types.Timestamp{Time: v.Conn.Start.UTC()} }},
	}
}

// address writes IPv4-mapped IPv6 addresses as IPv4, as people do.
func address(a netip.AddrPort) string {
	if !a.IsValid() {
		return ""
	}
	return a.Addr().Unmap().WithZone("").String()
}

func endpointVariables() []Variable {
	return []Variable{
		text("endpoint.id", anyPhase, "Id of the endpoint.", func(v *Vars) string { return v.Endpoint.ID }),
		text("endpoint.name", anyPhase, "Name of the endpoint.", func(v *Vars) string { return v.Endpoint.Name }),
		text("endpoint.url", anyPhase, "URL that the endpoint publishes.", func(v *Vars) string { return v.Endpoint.URL }),
		text("endpoint.host", anyPhase, "Host name that the endpoint publishes.", func(v *Vars) string { return v.Endpoint.Host }),
		number("endpoint.port", anyPhase, "Port that the endpoint publishes.", func(v *Vars) int64 { return int64(v.Endpoint.Port) }),
		text("endpoint.addr", anyPhase, "Host and port that the endpoint publishes.", func(v *Vars) string {
			return hostPort(v.Endpoint.Host, v.Endpoint.Port)
		}),
		text("endpoint.protocol", anyPhase, "inHTTP, https, tcp or tls.", func(v *Vars) string { return v.Endpoint.Scheme }),
		text("time.now", anyPhase, "The present time as RFC 3339 text in UTC; timestamp(time.now) makes it a time.", func(v *Vars) string {
			return v.Time().UTC().Format(rfc3339)
		}),
	}
}
