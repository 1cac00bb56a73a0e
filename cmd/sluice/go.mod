module sluice.dev/cmd/sluice

go 1.26

require (
	sluice.dev/proto v0.0.0
	sluice.dev/platform v0.0.0
	sluice.dev/services/proxy v0.0.0
	sluice.dev/services/policy v0.0.0
	sluice.dev/services/capture v0.0.0
	sluice.dev/services/replay v0.0.0
	sluice.dev/services/events v0.0.0
	sluice.dev/gateway v0.0.0
)

replace (
	sluice.dev/proto => ../../proto
	sluice.dev/platform => ../../platform
	sluice.dev/services/proxy => ../../services/proxy
	sluice.dev/services/policy => ../../services/policy
	sluice.dev/services/capture => ../../services/capture
	sluice.dev/services/replay => ../../services/replay
	sluice.dev/services/events => ../../services/events
	sluice.dev/gateway => ../../gateway
)
