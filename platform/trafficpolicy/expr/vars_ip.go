package expr

import (
	"net/netip"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
)

// IPData is what an [IPDataSource] knows about an address. Every text may be
// empty.
type IPData struct {
	Categories   []string // dotted names; prefixes of each must be listed too
	Blocklisted  bool
	TorNode      bool
	ASNumber     int64
	Organization string
	Location     Place // where it probably is
	Registered   Place // where it is registered
}

// Place is a location on earth; numbers are decimal texts.
type Place struct {
	City, Continent, Country, CountryCode, Subdivision, Timezone string
	Latitude, Longitude, RadiusKM, MetroCode, PostalCode         string
	ContinentCode, SubdivisionCode                               string // such as EU and ZH; for records
	EuropeanUnion                                                bool
}

// ipVariables are the members of conn.client_ip and conn.server_ip.
func ipVariables(prefix string) []Variable {
	which := func(v *Vars) *IPData { return v.ipData(v.Conn.ClientAddr) }
	if prefix == "conn.server_ip" {
		which = func(v *Vars) *IPData { return v.ipData(v.Conn.ServerAddr) }
	}
	known := func(name, description string, get func(*IPData) ref.Val) Variable {
		missing := absent(prefix + name)
		return Variable{Name: prefix + name, Scope: anyPhase, Description: description, ipData: true, get: func(v *Vars) ref.Val {
			if d := which(v); d != nil {
				return get(d)
			}
			return missing
		}}
	}
	vars := []Variable{
		known(".categories", "Categories of the address, with every prefix.", func(d *IPData) ref.Val {
			return types.NewStringList(types.DefaultTypeAdapter, d.Categories)
		}),
		known(".is_on_blocklist", "Whether a trusted block list has it.", func(d *IPData) ref.Val { return types.Bool(d.Blocklisted) }),
		known(".is_tor_node", "Whether it is a Tor node.", func(d *IPData) ref.Val { return types.Bool(d.TorNode) }),
		known(".as.number", "Number of its autonomous system.", func(d *IPData) ref.Val { return types.Int(d.ASNumber) }),
		known(".as.organization", "Owner of its autonomous system.", func(d *IPData) ref.Val { return types.String(d.Organization) }),
	}
	vars[0].Type, vars[1].Type, vars[2].Type, vars[3].Type, vars[4].Type = stringList, boolean, boolean, integer, str
	for _, area := range []struct {
		name  string
		place func(*IPData) *Place
	}{
		{".geo.location", func(d *IPData) *Place { return &d.Location }},
		{".geo.registered_location", func(d *IPData) *Place { return &d.Registered }},
	} {
		for _, f := range placeFields {
			v := known(area.name+"."+f.name, f.description, func(d *IPData) ref.Val { return types.String(*f.of(area.place(d))) })
			v.Type = str
			vars = append(vars, v)
		}
		v := known(area.name+".is_eu", "Whether it lies in the European Union.", func(d *IPData) ref.Val { return types.Bool(area.place(d).EuropeanUnion) })
		v.Type = boolean
		vars = append(vars, v)
	}
	return vars
}

var placeFields = []struct {
	name, description string
	of                func(*Place) *string
}{
	{"city", "City, in English.", func(p *Place) *string { return &p.City }},
	{"continent", "Continent, in English.", func(p *Place) *string { return &p.Continent }},
	{"country", "Country, in English.", func(p *Place) *string { return &p.Country }},
	{"country_code", "Country as ISO 3166-1 alpha-2.", func(p *Place) *string { return &p.CountryCode }},
	{"subdivision", "State or province, in English.", func(p *Place) *string { return &p.Subdivision }},
	{"timezone", "IANA name of the time zone.", func(p *Place) *string { return &p.Timezone }},
	{"latitude", "Latitude in degrees, as text.", func(p *Place) *string { return &p.Latitude }},
	{"longitude", "Longitude in degrees, as text.", func(p *Place) *string { return &p.Longitude }},
	{"radius", "Accuracy in kilometres, as text.", func(p *Place) *string { return &p.RadiusKM }},
	{"metro_code", "Metro code (United States).", func(p *Place) *string { return &p.MetroCode }},
	{"postal_code", "Postal code.", func(p *Place) *string { return &p.PostalCode }},
}

// geoVariables are the older short names for the client's location.
func geoVariables() []Variable {
	var vars []Variable
	for _, f := range placeFields {
		switch f.name {
		case "continent", "timezone", "metro_code", "postal_code":
			continue
		}
		name := "conn.geo." + f.name
		missing := absent(name)
		vars = append(vars, Variable{Name: name, Type: str, Scope: anyPhase, Description: f.description, ipData: true, get: func(v *Vars) ref.Val {
			if d := v.ipData(v.Conn.ClientAddr); d != nil {
				return types.String(*f.of(&d.Location))
			}
			return missing
		}})
	}
	return vars
}

// ipData returns nil without a data source; with one, an unknown address has
// empty data.
func (v *Vars) ipData(a netip.AddrPort) *IPData {
	if v.IPData == nil {
		return nil
	}
	if d := v.IPData.Lookup(a.Addr().Unmap()); d != nil {
		return d
	}
	return &IPData{}
}
