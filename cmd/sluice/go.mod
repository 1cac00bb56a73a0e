module sluice.dev/cmd/sluice

go 1.26.0

require (
	sluice.dev/gateway v0.0.0
	sluice.dev/platform v0.0.0
	sluice.dev/proto v0.0.0
	sluice.dev/services/capture v0.0.0
	sluice.dev/services/events v0.0.0
	sluice.dev/services/policy v0.0.0
	sluice.dev/services/proxy v0.0.0
	sluice.dev/services/replay v0.0.0
)

require (
	github.com/compose-spec/compose-go/v2 v2.16.2 // indirect
	gopkg.in/yaml.v3 v3.0.1 // indirect
)

require (
	github.com/alecthomas/kong v1.17.0 // indirect
	golang.org/x/sys v0.50.0 // indirect
	golang.org/x/term v0.48.0 // indirect
	google.golang.org/grpc v1.85.0
)

replace (
	sluice.dev/gateway => ../../gateway
	sluice.dev/platform => ../../platform
	sluice.dev/proto => ../../proto
	sluice.dev/services/capture => ../../services/capture
	sluice.dev/services/events => ../../services/events
	sluice.dev/services/policy => ../../services/policy
	sluice.dev/services/proxy => ../../services/proxy
	sluice.dev/services/replay => ../../services/replay
)
