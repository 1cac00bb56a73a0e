package events_test

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"sluice.dev/platform/child"
	"sluice.dev/platform/redisdb"
	"sluice.dev/platform/rpc"
	"sluice.dev/platform/sealed"
	"sluice.dev/platform/telemetry"
	"sluice.dev/platform/testenv"
	eventsv1 "sluice.dev/proto/gen/sluice/events/v1"
	"sluice.dev/services/events"
)

// childEnv makes the test binary run the service, for tests that kill it.
const childEnv = "SLUICE_TEST_EVENTS_CHILD"

// serveChild runs the service as told by the environment, until it is killed.
func serveChild(spec string) error {
	redisURL, capture, _ := strings.Cut(spec, " ")
	s, err := events.New(context.Background(), events.Config{
		GRPC: rpc.ServerConfig{Listen: "127.0.0.1:0"}, Redis: redisdb.Config{URL: redisURL}, CaptureTarget: capture, EvaluationDelay: time.Millisecond,
		Secrets: sealed.Config{SecretsKeyFile: os.Getenv("SLUICE_SECRETS_KEY_FILE")},
	}, telemetry.Nop())
	if err != nil {
		return err
	}
	fmt.Println(s.Target())
	return s.Run(context.Background())
}

// process is the service in a process of its own.
type process struct {
	*replica
	child *child.Process
}

func (w *world) spawn() *process {
	w.t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childEnv+"="+w.redis+" "+w.capture.Target(), "SLUICE_SECRETS_KEY_FILE="+w.keys)
	out, err := cmd.StdoutPipe()
	if err != nil {
		w.t.Fatal(err)
	}
	c, err := child.Start(cmd)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(c.Kill)
	target, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		w.t.Fatal(err)
	}
	conn, err := rpc.Dial(strings.TrimSpace(target), rpc.ClientConfig{}, telemetry.Nop())
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = conn.Close() })
	return &process{connect(conn), c}
}

func (r *replica) awaitServing(t *testing.T) {
	t.Helper()
	testenv.Eventually(t, 10*time.Second, func() bool {
		_, err := r.audit.ListAuditEvents(background(t), &eventsv1.ListAuditEventsRequest{Limit: 1})
		return err == nil
	}, "the process serves")
}

func TestKillsLoseNoEventAndNoNotification(t *testing.T) {
	t.Parallel()
	w, intake, topic := newWorld(t, testenv.SharedRedis(t).URL()), datadog(t), ntfy(t)
	p := w.spawn()
	p.awaitServing(t)
	p.subscribe(t, "", p.datadogDestination(t, intake))
	p.channel(t, topic, "ops")
	id := p.errorsMonitor(t, time.Hour, "@ntfy-ops")
	p.awaitState(t, id, stateOK)

	list := exchanges(4000, 200)
	for round := range 4 {
		w.capture.Append(list[round*1000 : round*1000+1000]...)
		if round == 1 {
			w.capture.Append(exchanges(1, 500)...)
		}
		wanted := len(intake.Entries()) + rand.N(1200)
		intake.Await(8*time.Second, func() bool { return len(intake.Entries()) >= wanted })
		p.child.Kill()
		p = w.spawn()
		p.awaitServing(t)
	}
	testenv.Eventually(t, 20*time.Second, hasAll(intake, list), "every event arrives over four kills")
	p.awaitState(t, id, stateAlert)
	testenv.Eventually(t, 10*time.Second, func() bool { return len(topic.Notices("ops")) >= 1 }, "the notification arrives")
	if n := len(intake.Entries()); n > 4001+4*1000 {
		t.Errorf("%d events were sent for 4001: a kill repeats more than what was under way", n)
	}
}
