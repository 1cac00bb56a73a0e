package ipdata

import (
	"fmt"
	"net/netip"
	"os"
	"strconv"

	"github.com/oschwald/maxminddb-golang/v2"

	"sluice.dev/platform/trafficpolicy/expr"
)

// database is an MMDB file, read into memory: a mapped file that is overwritten in
// place would end the process.
type database struct{ reader *maxminddb.Reader }

func openDatabase(path string) (*database, error) {
	raw, err := os.ReadFile(path) // #nosec G304 -- the operator names it
	if err != nil {
		return nil, err
	}
	r, err := maxminddb.OpenBytes(raw)
	if err != nil {
		return nil, fmt.Errorf("not in the MMDB format: %w", err)
	}
	return &database{r}, nil
}

// named is an entity with names in many languages.
type named struct {
	Code  string            `maxminddb:"iso_code"`
	Names map[string]string `maxminddb:"names"`
	EU    bool              `maxminddb:"is_in_european_union"`
}

func (n named) english() string { return n.Names["en"] }

// entry is what city, country and ASN databases say about a network.
type entry struct {
	City      named `maxminddb:"city"`
	Continent struct {
		Code  string            `maxminddb:"code"`
		Names map[string]string `maxminddb:"names"`
	} `maxminddb:"continent"`
	Country      named   `maxminddb:"country"`
	Registered   named   `maxminddb:"registered_country"`
	Subdivisions []named `maxminddb:"subdivisions"`
	Location     struct {
		Latitude  *float64 `maxminddb:"latitude"`
		Longitude *float64 `maxminddb:"longitude"`
		Radius    uint16   `maxminddb:"accuracy_radius"`
		Metro     uint32   `maxminddb:"metro_code"`
		Timezone  string   `maxminddb:"time_zone"`
	} `maxminddb:"location"`
	Postal struct {
		Code string `maxminddb:"code"`
	} `maxminddb:"postal"`
	ASNumber     int64  `maxminddb:"autonomous_system_number"`
	Organization string `maxminddb:"autonomous_system_organization"`
}

// lookup adds what the database knows to d. Databases that came before keep what they
// said.
func (b *database) lookup(a netip.Addr, d *expr.IPData) bool {
	r := b.reader.Lookup(a)
	var e entry
	if !r.Found() || r.Decode(&e) != nil {
		return false
	}
	if d.ASNumber == 0 {
		d.ASNumber, d.Organization = e.ASNumber, e.Organization
	}
	if d.Location.CountryCode == "" && d.Location.ContinentCode == "" {
		d.Location = e.place()
	}
	if d.Registered.CountryCode == "" {
		d.Registered = expr.Place{Country: e.Registered.english(), CountryCode: e.Registered.Code, EuropeanUnion: e.Registered.EU}
	}
	return true
}

func (e *entry) place() expr.Place {
	p := expr.Place{
		City: e.City.english(), Continent: e.Continent.Names["en"], ContinentCode: e.Continent.Code,
		Country: e.Country.english(), CountryCode: e.Country.Code, EuropeanUnion: e.Country.EU,
		Latitude: decimal(e.Location.Latitude), Longitude: decimal(e.Location.Longitude),
		RadiusKM: number(uint64(e.Location.Radius)), MetroCode: number(uint64(e.Location.Metro)),
		Timezone: e.Location.Timezone, PostalCode: e.Postal.Code,
	}
	if len(e.Subdivisions) > 0 {
		p.Subdivision, p.SubdivisionCode = e.Subdivisions[0].english(), e.Subdivisions[0].Code
	}
	return p
}

func decimal(f *float64) string {
	if f == nil {
		return ""
	}
	return strconv.FormatFloat(*f, 'f', -1, 64)
}

func number(n uint64) string {
	if n == 0 {
		return ""
	}
	return strconv.FormatUint(n, 10)
}
