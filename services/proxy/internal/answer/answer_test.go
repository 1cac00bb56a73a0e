package answer_test

import (
	"encoding/json"
	"io"
	"strings"
	"testing"

	"sluice.dev/platform/message"
	"sluice.dev/services/proxy/internal/answer"
)

func read(t *testing.T, r *message.Response) string {
	t.Helper()
	b, err := io.ReadAll(r.Body)
	if err != nil || int64(len(b)) != r.ContentLength {
		t.Fatalf("%d bytes, length %d, %v", len(b), r.ContentLength, err)
	}
	return string(b)
}

func TestFailureIsJSONForPrograms(t *testing.T) {
	f := answer.Failure{Status: 404, Code: answer.CodeNoEndpoint, Message: `nothing at "x" <b>`}
	r := f.Response(&message.Request{Header: message.Header{{Name: "Accept", Value: "*/*"}}}, "ex_1")
	var got struct {
		Error struct {
			Code, Message string
			Status        int
			ExchangeID    string `json:"exchange_id"`
		}
	}
	if err := json.Unmarshal([]byte(read(t, r)), &got); err != nil {
		t.Fatal(err)
	}
	if got.Error.Code != "SLUICE_3200" || got.Error.Status != 404 || got.Error.ExchangeID != "ex_1" || got.Error.Message != f.Message {
		t.Errorf("%+v", got)
	}
	if r.Status != 404 || r.Header.Get("Sluice-Error-Code") != "SLUICE_3200" || r.Header.Get("content-type") != "application/json" {
		t.Errorf("%d %v", r.Status, r.Header)
	}
}

func TestFailureIsAPageForBrowsers(t *testing.T) {
	f := answer.Failure{Status: 502, Code: answer.CodeRefused, Message: "<script>alert(1)</script>"}
	r := f.Response(&message.Request{Header: message.Header{{Name: "accept", Value: "text/html,*/*;q=0.8"}}}, "ex_1")
	body := read(t, r)
	if !strings.Contains(body, "SLUICE_3006") || !strings.Contains(body, "ex_1") || strings.Contains(body, "<script>") {
		t.Error(body)
	}
}
