package ipdata

import (
	"bufio"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"sluice.dev/platform/trafficpolicy/expr"
)

// Categories with a meaning of their own.
const (
	blocklist = "blocklist"
	torNodes  = "proxy.anonymous.tor"
)

// categories finds the lists that have an address. It is never changed.
type categories struct {
	files   map[string][]netip.Prefix // by path
	byNet   map[netip.Prefix][]string
	lengths [2][]int // of the networks, IPv4 and IPv6, ascending
}

func newCategories(files map[string][]netip.Prefix) *categories {
	c := &categories{files: files, byNet: map[netip.Prefix][]string{}}
	var seen [2][129]bool
	for path, nets := range files {
		name := categoryOf(path)
		for _, n := range nets {
			c.byNet[n] = append(c.byNet[n], name)
			family := familyOf(n.Addr())
			if !seen[family][n.Bits()] {
				seen[family][n.Bits()] = true
				c.lengths[family] = append(c.lengths[family], n.Bits())
			}
		}
	}
	return c
}

func familyOf(a netip.Addr) int {
	if a.Is4() {
		return 0
	}
	return 1
}

// categoryOf is "com.example.partners" of "/etc/lists/com.example.partners.txt".
func categoryOf(path string) string {
	base := filepath.Base(path)
	return strings.ToLower(strings.TrimSuffix(base, filepath.Ext(base)))
}

// lookup adds the categories of a, with all their prefixes, sorted.
func (c *categories) lookup(a netip.Addr, d *expr.IPData) bool {
	all := map[string]bool{}
	for _, bits := range c.lengths[familyOf(a)] {
		net, err := a.Prefix(bits)
		if err != nil {
			continue // cannot be: the lengths are of this family
		}
		for _, name := range c.byNet[net] {
			for part := name; part != ""; part = part[:max(0, strings.LastIndexByte(part, '.'))] {
				all[part] = true
			}
		}
	}
	for name := range all {
		d.Categories = append(d.Categories, name)
	}
	slices.Sort(d.Categories)
	d.Blocklisted, d.TorNode = all[blocklist], all[torNodes]
	return len(all) > 0
}

// extensions are those of files with networks.
var extensions = []string{".txt", ".netset", ".ipset", ".list", ".cidr"}

func listFiles(dir string) ([]string, error) {
	if dir == "" {
		return nil, nil
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var out []string
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), ".") && slices.Contains(extensions, filepath.Ext(e.Name())) {
			out = append(out, filepath.Join(dir, e.Name()))
		}
	}
	return out, nil
}

// readCategories reads all files. One that is faulty keeps what it held before.
func readCategories(dir string, old *categories) (*categories, []error) {
	paths, err := listFiles(dir)
	if err != nil {
		return old, []error{fmt.Errorf("categories of addresses: %w", err)}
	}
	files := map[string][]netip.Prefix{}
	var faults []error
	for _, path := range paths {
		nets, err := readNetworks(path)
		switch before, known := old.files[path]; {
		case err == nil:
			files[path] = nets
		case errors.Is(err, os.ErrNotExist): // it went a moment ago
		default:
			faults = append(faults, fmt.Errorf("categories of addresses: %w", err))
			if known {
				files[path] = before
			}
		}
	}
	return newCategories(files), faults
}

// readNetworks reads a network or an address from each line. What follows a blank,
// "#" or ";" is a remark.
func readNetworks(path string) ([]netip.Prefix, error) {
	f, err := os.Open(path) // #nosec G304 -- the operator names the directory
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var out []netip.Prefix
	lines := bufio.NewScanner(f)
	for n := 1; lines.Scan(); n++ {
		text := strings.TrimSpace(lines.Text())
		if end := strings.IndexAny(text, "#; \t,"); end >= 0 {
			text = text[:end]
		}
		if text == "" {
			continue
		}
		net, err := parseNetwork(text)
		if err != nil {
			return nil, fmt.Errorf("%s line %d: %q is neither a network such as 192.0.2.0/24 nor an address", path, n, text)
		}
		out = append(out, net)
	}
	return out, lines.Err()
}

func parseNetwork(text string) (netip.Prefix, error) {
	if !strings.Contains(text, "/") {
		a, err := netip.ParseAddr(text)
		if err != nil {
			return netip.Prefix{}, err
		}
		a = a.Unmap().WithZone("")
		return netip.PrefixFrom(a, a.BitLen()), nil
	}
	p, err := netip.ParsePrefix(text)
	if err != nil {
		return netip.Prefix{}, err
	}
	if p.Addr().Is4In6() && p.Bits() >= 96 {
		p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
	}
	return p.Masked(), nil
}
