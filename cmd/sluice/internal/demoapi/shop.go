package demoapi

import (
	"encoding/json"
	"net/http"
	"strconv"
)

const page = `<!doctype html>
<meta charset="utf-8"><title>Demo API</title>
<h1>Demo API</h1>
<ul>
<li><a href="/api/products">/api/products</a>, <a href="/api/products/2">/api/products/2</a>
<li>POST /api/orders {"product_id": 2, "quantity": 1}
<li>POST /login user=demo password=sluice
<li><a href="/slow?ms=800">/slow?ms=800</a>, <a href="/fail">/fail</a>, <a href="/fail?status=503">/fail?status=503</a>
<li><a href="/stream">/stream</a>, <a href="/large?bytes=5000000">/large?bytes=5000000</a>, <a href="/echo?a=b">/echo</a>
</ul>
`

type item struct {
	ID    int     `json:"id"`
	Name  string  `json:"name"`
	Price float64 `json:"price"`
}

var catalogue = []item{{1, "Penstock", 129.5}, {2, "Flap gate", 349}, {3, "Stop log", 78.25}, {4, "Staff gauge", 24.9}}

func products(w http.ResponseWriter, _ *http.Request) { writeJSON(w, http.StatusOK, catalogue) }

func product(w http.ResponseWriter, r *http.Request) {
	id, err := strconv.Atoi(r.PathValue("id"))
	if err != nil || id < 1 || id > len(catalogue) {
		writeJSON(w, http.StatusNotFound, map[string]string{"error": "no such product"})
		return
	}
	writeJSON(w, http.StatusOK, catalogue[id-1])
}

func order(w http.ResponseWriter, r *http.Request) {
	var in struct {
		ProductID int `json:"product_id"`
		Quantity  int `json:"quantity"`
	}
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxEcho)).Decode(&in); err != nil {
		writeJSON(w, http.StatusBadRequest, map[string]string{"error": "the body is not JSON: " + err.Error()})
		return
	}
	if in.ProductID < 1 || in.ProductID > len(catalogue) || in.Quantity < 1 {
		writeJSON(w, http.StatusUnprocessableEntity, map[string]string{"error": "product_id must name a product and quantity must be at least 1"})
		return
	}
	it := catalogue[in.ProductID-1]
	writeJSON(w, http.StatusCreated, map[string]any{"product": it, "quantity": in.Quantity, "total": it.Price * float64(in.Quantity)})
}

// login takes a form or JSON with user and password; demo and sluice are right.
func login(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxEcho)
	var in struct{ User, Password string }
	if r.Header.Get("Content-Type") == "application/json" {
		if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
			writeJSON(w, http.StatusBadRequest, map[string]string{"error": "the body is not JSON: " + err.Error()})
			return
		}
	} else {
		in.User, in.Password = r.PostFormValue("user"), r.PostFormValue("password")
	}
	if in.User != "demo" || in.Password != "sluice" {
		writeJSON(w, http.StatusUnauthorized, map[string]string{"error": "wrong user or password"})
		return
	}
	http.SetCookie(w, &http.Cookie{Name: "session", Value: "demo-session", HttpOnly: true, Secure: true, SameSite: http.SameSiteLaxMode, Path: "/"})
	writeJSON(w, http.StatusOK, map[string]string{"welcome": in.User})
}
