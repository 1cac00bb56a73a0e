package expr_test

import "testing"

// BenchmarkEval is what one expression of a rule costs a request.
func BenchmarkEval(b *testing.B) {
	for name, source := range map[string]string{
		"method": "req.method in ['PUT', 'DELETE']",
		"path":   "req.url.path.startsWith('/v1/')",
		"header": "req.headers['x-api-key'].join(',') == 'k1,k2'",
		"client": "conn.client_ip == '203.0.113.7' && res.status_code < 500",
	} {
		b.Run(name, func(b *testing.B) {
			env := environment()
			p, faults := env.Compile(source)
			if len(faults) > 0 {
				b.Fatal(faults)
			}
			v := fixture(env)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := p.Eval(v); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
