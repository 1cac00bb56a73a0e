package pipeline

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"time"

	"sluice.dev/platform/id"
)

// Fields with which the replay service marks its requests. They never reach an
// upstream or a policy, and count only with a signature that is right.
const (
	headerReplayOf        = "sluice-replay-of"
	headerReplaySignature = "sluice-replay-signature"
	headerReplayTime      = "sluice-replay-time"
)

// replayTolerance is how far the clocks of replay and proxy may differ.
const replayTolerance = 60 * time.Second

// replayed takes the marks of a replay off the request and keeps the original's
// id if they are genuine.
func (x *exchange) replayed() {
	h := &x.req.Header
	of, signature, at := h.Get(headerReplayOf), h.Get(headerReplaySignature), h.Get(headerReplayTime)
	if h.Del(headerReplayOf)+h.Del(headerReplaySignature)+h.Del(headerReplayTime) == 0 {
		return
	}
	if x.state != nil && genuine(x.state.ReplayKey, of, at, signature, time.Now()) {
		x.replayOf = of
		return
	}
	if x.said.forged.again() {
		x.log.Warn("a request carried replay marks that are not genuine; they were dropped", "exchange", x.id, "client", x.conn.ClientAddr.Addr())
	}
}

// genuine verifies hex(HMAC-SHA256(key, of + "\n" + unix seconds)).
func genuine(key []byte, of, at, signature string, now time.Time) bool {
	if len(key) == 0 || !id.Exchange.Valid(of) {
		return false
	}
	seconds, err := strconv.ParseInt(at, 10, 64)
	if err != nil || now.Sub(time.Unix(seconds, 0)).Abs() > replayTolerance {
		return false
	}
	got, err := hex.DecodeString(signature)
	if err != nil {
		return false
	}
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(of + "\n" + at))
	return hmac.Equal(got, mac.Sum(nil))
}
