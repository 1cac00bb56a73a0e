package trafficpolicy

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // some providers sign with it; HMAC does not need a collision-free hash
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// Providers that sign a text of their own making.

// checkContentful: the signed headers are named in a header, which is signed too.
func checkContentful(q *webhookRequest, secret string) bool {
	got, err := hex.DecodeString(q.Header.Get("x-contentful-signature"))
	names := strings.Split(strings.ToLower(q.Header.Get("x-contentful-signed-headers")), ",")
	if err != nil || !slices.Contains(names, "x-contentful-timestamp") || !q.recent(q.Header.Get("x-contentful-timestamp")) {
		return false
	}
	slices.Sort(names)
	lines := make([]string, len(names))
	for i, name := range names {
		name = strings.TrimSpace(name)
		lines[i] = name + ":" + strings.TrimSpace(q.Header.Get(name))
	}
	return hmac.Equal(got, sum256(secret, q.Method, "\n", q.Target, "\n", strings.Join(lines, ";"), "\n", string(q.content)))
}

// checkHygraph: "sign=..., env=..., t=..." of what was GraphCMS.
func checkHygraph(q *webhookRequest, secret string) bool {
	value := q.Header.Get("gcms-signature")
	signature, env, stamp := first(labels(value, "sign")), first(labels(value, "env")), first(labels(value, "t"))
	got, err := base64.StdEncoding.DecodeString(signature)
	at, err2 := strconv.ParseInt(stamp, 10, 64)
	if err != nil || err2 != nil || !q.recent(stamp) {
		return false
	}
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false) // as JavaScript writes it
	if encoder.Encode(struct {
		Body            string
		EnvironmentName string
		TimeStamp       int64
	}{string(q.content), env, at}) != nil {
		return false
	}
	return hmac.Equal(got, sum256(secret, strings.TrimSuffix(text.String(), "\n")))
}

// checkMandrill: the transactional mail of Mailchimp signs the URL with the
// parameters of the form.
func checkMandrill(q *webhookRequest, secret string) bool {
	got, err := base64.StdEncoding.DecodeString(q.Header.Get("x-mandrill-signature"))
	form, err2 := q.form()
	if err != nil || err2 != nil {
		return false
	}
	return hmac.Equal(got, sum1(secret, q.address()+inOrder(form)))
}

func inOrder(form url.Values) string {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(form)) {
		for _, value := range form[name] {
			b.WriteString(name + value)
		}
	}
	return b.String()
}

// checkMongoDB: Atlas has written its signature in hexadecimal and in base64.
func checkMongoDB(q *webhookRequest, secret string) bool {
	text := q.Header.Get("x-mms-signature")
	got, err := hex.DecodeString(text)
	if err != nil {
		if got, err = base64.StdEncoding.DecodeString(text); err != nil {
			return false
		}
	}
	return hmac.Equal(got, sum1(secret, string(q.content)))
}

func sum1(secret, text string) []byte {
	mac := hmac.New(sha1.New, []byte(secret))
	mac.Write([]byte(text))
	return mac.Sum(nil)
}
