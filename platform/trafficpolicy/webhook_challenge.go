package trafficpolicy

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"

	"sluice.dev/platform/message"
)

// challenge is the answer to a request with which a provider makes sure that
// its receiver knows the secret.
type challenge struct {
	contentType string
	body        string
	signed      bool // only answered when its signature is right
}

func (c *challenge) response() *message.Response {
	var h message.Header
	if c.contentType != "" {
		h.Add("content-type", c.contentType)
	}
	return message.NewResponse(200, h, c.body)
}

// challengeTwitter is the challenge-response check: GET with crc_token.
func challengeTwitter(q *webhookRequest, secret string) *challenge {
	token := q.Query().Get("crc_token")
	if q.Method != "GET" || token == "" {
		return nil
	}
	return jsonChallenge(map[string]string{"response_token": "sha256=" + base64.StdEncoding.EncodeToString(sum256(secret, token))}, false)
}

func jsonChallenge(answer map[string]string, signed bool) *challenge {
	text, err := json.Marshal(answer)
	if err != nil {
		return nil
	}
	return &challenge{contentType: "application/json", body: string(text), signed: signed}
}

// challengeWorldline sends back what a header holds.
func challengeWorldline(q *webhookRequest, _ string) *challenge {
	text := q.Header.Get("x-gcs-webhooks-endpoint-verification")
	if q.Method != "GET" || text == "" {
		return nil
	}
	return &challenge{contentType: "text/plain; charset=utf-8", body: text}
}

// challengeXero is the "intent to receive": a call without events.
func challengeXero(q *webhookRequest, _ string) *challenge {
	var body struct {
		Events  *[]json.RawMessage `json:"events"`
		Entropy string             `json:"entropy"`
	}
	if json.Unmarshal(q.content, &body) != nil || body.Events == nil || len(*body.Events) > 0 || body.Entropy == "" {
		return nil
	}
	return &challenge{signed: true}
}

// challengeZoom is the validation of an endpoint's URL.
func challengeZoom(q *webhookRequest, secret string) *challenge {
	var body struct {
		Event   string `json:"event"`
		Payload struct {
			PlainToken string `json:"plainToken"`
		} `json:"payload"`
	}
	if json.Unmarshal(q.content, &body) != nil || body.Event != "endpoint.url_validation" || body.Payload.PlainToken == "" {
		return nil
	}
	token := body.Payload.PlainToken
	return jsonChallenge(map[string]string{"plainToken": token, "encryptedToken": hex.EncodeToString(sum256(secret, token))}, true)
}
