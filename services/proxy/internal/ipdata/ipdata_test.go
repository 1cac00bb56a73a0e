package ipdata_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/maxmind/mmdbwriter"
	"github.com/maxmind/mmdbwriter/mmdbtype"

	"sluice.dev/platform/trafficpolicy/expr"
	"sluice.dev/services/proxy/internal/ipdata"
)

// database writes an MMDB file of networks.
func database(t *testing.T, path, kind string, networks map[string]mmdbtype.Map) {
	t.Helper()
	tree, err := mmdbwriter.New(mmdbwriter.Options{DatabaseType: kind, IncludeReservedNetworks: true})
	if err != nil {
		t.Fatal(err)
	}
	for text, record := range networks {
		_, network, err := net.ParseCIDR(text)
		if err != nil {
			t.Fatal(err)
		}
		if err := tree.Insert(network, record); err != nil {
			t.Fatal(err)
		}
	}
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := tree.WriteTo(f); err != nil {
		t.Fatal(err)
	}
}

func names(en string) mmdbtype.Map {
	return mmdbtype.Map{"en": mmdbtype.String(en), "de": mmdbtype.String("auf Deutsch")}
}

func zurich(city string) mmdbtype.Map {
	return mmdbtype.Map{
		"city":         mmdbtype.Map{"names": names(city)},
		"continent":    mmdbtype.Map{"code": mmdbtype.String("EU"), "names": names("Europe")},
		"country":      mmdbtype.Map{"iso_code": mmdbtype.String("CH"), "names": names("Switzerland")},
		"subdivisions": mmdbtype.Slice{mmdbtype.Map{"iso_code": mmdbtype.String("ZH"), "names": names("Zurich")}},
		"location": mmdbtype.Map{"latitude": mmdbtype.Float64(47.3682), "longitude": mmdbtype.Float64(8.5671), "accuracy_radius": mmdbtype.Uint16(20),
			"time_zone": mmdbtype.String("Europe/Zurich")},
		"postal":             mmdbtype.Map{"code": mmdbtype.String("8001")},
		"registered_country": mmdbtype.Map{"iso_code": mmdbtype.String("DE"), "is_in_european_union": mmdbtype.Bool(true), "names": names("Germany")},
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// touch makes a file look changed, whatever the clock's grain.
func touch(t *testing.T, path string, n int) {
	t.Helper()
	at := time.Now().Add(time.Duration(n) * time.Second)
	if err := os.Chtimes(path, at, at); err != nil {
		t.Fatal(err)
	}
}

func TestLookup(t *testing.T) {
	dir, lists := t.TempDir(), t.TempDir()
	city, asn := filepath.Join(dir, "city.mmdb"), filepath.Join(dir, "asn.mmdb")
	database(t, city, "Test-City", map[string]mmdbtype.Map{"192.0.2.0/24": zurich("Zurich"), "2001:db8::/32": zurich("Winterthur")})
	database(t, asn, "Test-ASN", map[string]mmdbtype.Map{"192.0.2.0/25": {
		"autonomous_system_number": mmdbtype.Uint32(64496), "autonomous_system_organization": mmdbtype.String("Example Networks"),
	}})
	write(t, filepath.Join(lists, "blocklist.mine.netset"), "# addresses of ours\n198.51.100.0/24 ; remark\n192.0.2.7\n")
	write(t, filepath.Join(lists, "com.Example.Partners.txt"), "192.0.2.0/24, partners\n2001:db8:1::/48\n::ffff:203.0.113.0/120\n\n")
	write(t, filepath.Join(lists, "proxy.anonymous.tor.list"), "192.0.2.7/32\n")
	write(t, filepath.Join(lists, "README.md"), "no networks")
	s, err := ipdata.Open(ipdata.Config{Databases: []string{city, asn}, Categories: lists}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	for address, want := range map[string]string{
		"192.0.2.7": "Zurich CH EU ZH 47.3682 8.5671 20 Europe/Zurich 8001 DE true 64496 Example Networks " +
			"[blocklist blocklist.mine com com.example com.example.partners proxy proxy.anonymous proxy.anonymous.tor] true true",
		"::ffff:192.0.2.200": "Zurich CH EU ZH 47.3682 8.5671 20 Europe/Zurich 8001 DE true 0  [com com.example com.example.partners] false false",
		"2001:db8:1::1":      "Winterthur CH EU ZH 47.3682 8.5671 20 Europe/Zurich 8001 DE true 0  [com com.example com.example.partners] false false",
		"198.51.100.1":       "           false 0  [blocklist blocklist.mine] true false",
		"203.0.113.9":        "           false 0  [com com.example com.example.partners] false false",
		"203.0.112.9":        "",
	} {
		for range 2 { // the second time from memory
			if got := text(s.Lookup(netip.MustParseAddr(address))); strings.Join(strings.Fields(got), " ") != strings.Join(strings.Fields(want), " ") {
				t.Errorf("%s: %s\nwant %s", address, got, want)
			}
		}
	}
	if d := s.Lookup(netip.Addr{}); d != nil {
		t.Error(d)
	}
}

func text(d *expr.IPData) string {
	if d == nil {
		return ""
	}
	l := d.Location
	return fmt.Sprint(l.City, " ", l.CountryCode, " ", l.ContinentCode, " ", l.SubdivisionCode, " ", l.Latitude, " ", l.Longitude, " ", l.RadiusKM, " ", l.Timezone, " ", l.PostalCode,
		" ", d.Registered.CountryCode, " ", d.Registered.EuropeanUnion, " ", d.ASNumber, " ", d.Organization, " ", d.Categories, " ", d.Blocklisted, " ", d.TorNode)
}

func TestFilesAreReadAgain(t *testing.T) {
	dir, lists := t.TempDir(), t.TempDir()
	city, list := filepath.Join(dir, "city.mmdb"), filepath.Join(lists, "mine.txt")
	database(t, city, "Test-City", map[string]mmdbtype.Map{"192.0.2.0/24": zurich("Zurich")})
	write(t, list, "192.0.2.0/24\n")
	var logged bytes.Buffer
	s, err := ipdata.Open(ipdata.Config{Databases: []string{city}, Categories: lists}, slog.New(slog.NewTextHandler(&logged, nil)))
	if err != nil {
		t.Fatal(err)
	}
	for i, step := range []struct {
		name string
		do   func()
		want string // city and categories
		says string
	}{
		{"nothing", func() {}, "Zurich [mine]", ""},
		{"another database", func() {
			database(t, city, "Test-City", map[string]mmdbtype.Map{"192.0.2.0/24": zurich("Oerlikon")})
			touch(t, city, 1)
		}, "Oerlikon [mine]", "was read"},
		{"a damaged database", func() { write(t, city, "damaged"); touch(t, city, 2) }, "Oerlikon [mine]", "city.mmdb"},
		{"a damaged list", func() { write(t, list, "192.0.2.0/24\nnonsense\n"); touch(t, list, 3) }, "Oerlikon [mine]", "line 2"},
		{"another list", func() { write(t, filepath.Join(lists, "other.txt"), "192.0.2.1\n") }, "Oerlikon [mine other]", ""},
		{"one list less", func() { _ = os.Remove(list) }, "Oerlikon [other]", ""},
	} {
		logged.Reset()
		step.do()
		s.Reload()
		d := s.Lookup(netip.MustParseAddr("192.0.2.1"))
		if got := fmt.Sprint(d.Location.City, " ", d.Categories); got != step.want || !strings.Contains(logged.String(), step.says) {
			t.Errorf("step %d, %s: %s, want %s; %s", i, step.name, got, step.want, &logged)
		}
	}
}

func TestFilesThatCannotBeUsed(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "bad.txt"), "10.0.0.0/33\n")
	write(t, filepath.Join(dir, "bad.mmdb"), "nothing")
	for _, cfg := range []ipdata.Config{
		{Databases: []string{filepath.Join(dir, "none.mmdb")}}, {Databases: []string{filepath.Join(dir, "bad.mmdb")}},
		{Categories: filepath.Join(dir, "none")}, {Categories: dir},
	} {
		if _, err := ipdata.Open(cfg, slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), dir) {
			t.Errorf("%+v: %v", cfg, err)
		}
	}
}
