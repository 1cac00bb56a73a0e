package harness

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Accounting is what became of every request that the proxies saw.
type Accounting struct {
	Seen, Stored, Sampled, Dropped, Pending, Recovered uint64
}

// Accounting reads the sums.
func (a API) Accounting() (Accounting, error) {
	var got struct {
		Total struct {
			Seen, Stored, Sampled, Pending, Recovered string
			Dropped                                   map[string]string
		}
	}
	if err := a.Do("GET", "/api/v1/exchanges:accounting", nil, &got); err != nil {
		return Accounting{}, err
	}
	t := got.Total
	acc := Accounting{Seen: number(t.Seen), Stored: number(t.Stored), Sampled: number(t.Sampled), Pending: number(t.Pending), Recovered: number(t.Recovered)}
	for _, n := range t.Dropped {
		acc.Dropped += number(n)
	}
	return acc, nil
}

func number(s string) uint64 {
	n, _ := strconv.ParseUint(s, 10, 64)
	return n
}

// Balance waits until nothing is pending and checks that every request, of which
// there were at least so many, is accounted for: seen = stored + sampled + dropped.
func (s *System) Balance(atLeast uint64) Accounting {
	s.t.Helper()
	var acc Accounting
	Eventually(s.t, 30*time.Second, "the accounting balances", func() (err error) {
		if acc, err = s.API.Accounting(); err != nil {
			return err
		}
		if acc.Seen < atLeast || acc.Pending != 0 || acc.Seen != acc.Stored+acc.Sampled+acc.Dropped {
			return fmt.Errorf("%+v", acc)
		}
		return nil
	})
	return acc
}

// balanceAtEnd checks the books when a test has passed. A proxy that was killed
// may have taken the last second's counts with it, and what is stopped cannot be
// asked.
func (s *System) balanceAtEnd() {
	if s.t.Failed() {
		return
	}
	for name, p := range s.Procs {
		select {
		case <-p.Done():
			return
		default:
		}
		if p.killed && (name == "up" || strings.HasPrefix(name, "proxy-")) {
			return
		}
	}
	s.Balance(0)
}
