package sender

import (
	"fmt"

	eventsv1 "sluice.dev/proto/gen/sluice/events/v1"
	"sluice.dev/services/events/internal/egress"
)

// Open returns the sender of a destination that passed Check.
func Open(d *eventsv1.EventDestination, client *egress.Client) (Sender, error) {
	switch t := d.GetTarget().(type) {
	case *eventsv1.EventDestination_Datadog:
		return NewDatadog(t.Datadog, client), nil
	case *eventsv1.EventDestination_Webhook:
		return NewWebhook(t.Webhook, client)
	}
	return nil, fmt.Errorf("destination %s has a target of an unknown kind", d.GetId())
}

// Check brings the target of a destination to the form that is stored, or says
// what is wrong with it.
func Check(d *eventsv1.EventDestination) error {
	switch t := d.GetTarget().(type) {
	case *eventsv1.EventDestination_Datadog:
		return CheckDatadog(t.Datadog)
	case *eventsv1.EventDestination_Webhook:
		return CheckWebhook(t.Webhook)
	}
	return nil
}
