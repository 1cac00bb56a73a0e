module sluice.dev/services/policy

go 1.26

require (
	sluice.dev/proto v0.0.0
	sluice.dev/platform v0.0.0
)

replace (
	sluice.dev/proto => ../../proto
	sluice.dev/platform => ../../platform
)
