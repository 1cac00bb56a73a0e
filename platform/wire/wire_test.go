package wire_test

import (
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"
	"pgregory.net/rapid"

	capturev1 "sluice.dev/proto/gen/sluice/capture/v1"

	"sluice.dev/platform/wire"
)

// TestWhatIsAppendedDecodes draws messages with every type of field, whatever was
// guessed of their length.
func TestWhatIsAppendedDecodes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		at := time.Unix(rapid.Int64Range(-1<<33, 1<<33).Draw(t, "seconds"), rapid.Int64Range(0, 999_999_999).Draw(t, "nanos"))
		took := time.Duration(rapid.Int64().Draw(t, "took"))
		geo := &capturev1.Geo{City: rapid.String().Draw(t, "city"), Latitude: rapid.Float64().Draw(t, "latitude"), Asn: rapid.Uint32().Draw(t, "asn")}
		body := &capturev1.Body{
			Content: rapid.SliceOfN(rapid.Byte(), 0, 1<<rapid.IntRange(0, 15).Draw(t, "bits")).Draw(t, "content"),
			Size:    rapid.Uint64().Draw(t, "size"), Truncated: rapid.Bool().Draw(t, "truncated"),
		}
		want := &capturev1.Exchange{
			StartTime: timestamppb.New(at), Timings: &capturev1.Timings{Duration: durationpb.New(took)},
			Connection: &capturev1.Connection{Geo: geo}, Response: &capturev1.Response{Body: body}, Replays: rapid.SliceOf(rapid.String()).Draw(t, "items"),
		}
		about := rapid.IntRange(0, 1<<16)

		var b wire.Buffer
		b.Time(5, at)
		connection := b.Open(6, about.Draw(t, "about a connection"))
		place := b.Open(9, about.Draw(t, "about a place"))
		b.String(4, geo.GetCity())
		b.Double(6, geo.GetLatitude())
		b.Uint(8, uint64(geo.GetAsn()))
		b.Close(place)
		b.Close(connection)
		response := b.Open(8, about.Draw(t, "about a response"))
		content := b.Open(3, about.Draw(t, "about a body"))
		b.Bytes(1, body.GetContent())
		b.Uint(2, body.GetSize())
		b.Bool(3, body.GetTruncated())
		b.Close(content)
		b.Close(response)
		timings, err := proto.Marshal(want.GetTimings())
		if err != nil {
			t.Fatal(err)
		}
		b.Message(9, timings)
		for _, item := range want.GetReplays() {
			b.Item(14, item)
		}

		got := &capturev1.Exchange{}
		if err := proto.Unmarshal(b, got); err != nil || !proto.Equal(got, want) {
			t.Fatalf("%v\ngot  %v\nwant %v", err, got, want)
		}
		if len(b) != proto.Size(want) {
			t.Fatalf("%d bytes, want %d", len(b), proto.Size(want))
		}
	})
}

func TestDurations(t *testing.T) {
	for _, d := range []time.Duration{0, 1, -1, time.Second, -time.Second - 1, 1<<63 - 1, -1 << 63} {
		var b wire.Buffer
		b.Duration(1, d)
		got := &capturev1.Timings{}
		if err := proto.Unmarshal(b, got); err != nil || got.GetDuration().AsDuration() != d || !got.GetDuration().IsValid() {
			t.Errorf("%s: %v, %v", d, got, err)
		}
	}
}
