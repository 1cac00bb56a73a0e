package native

import "fmt"

// column copies the data of a column of the given type and number of rows:
// first the prefixes of its parts, then the values. A column without rows has
// neither.
func (c *copier) column(t *columnType, rows uint64) error {
	if rows == 0 {
		return nil
	}
	if err := c.prefix(t); err != nil {
		return err
	}
	return c.values(t, rows)
}

// keysVersion is the only version of LowCardinality's dictionaries.
const keysVersion = 1

func (c *copier) prefix(t *columnType) error {
	if t.layout == lowCardinality {
		version, err := c.uint64()
		if err == nil && version != keysVersion {
			err = fmt.Errorf("a LowCardinality column has the unknown version %d", version)
		}
		return err
	}
	for _, part := range t.of {
		if err := c.prefix(part); err != nil {
			return err
		}
	}
	return nil
}

func (c *copier) values(t *columnType, rows uint64) error {
	if rows == 0 {
		return nil
	}
	if rows > maxBlock { // every value takes a byte at least
		return errBlockTooLarge
	}
	switch t.layout {
	case fixedWidth:
		return c.bytes(rows * t.width)
	case text:
		return c.texts(rows)
	case nullable:
		if err := c.bytes(rows); err != nil {
			return err
		}
		return c.values(t.of[0], rows)
	case array:
		return c.array(t, rows)
	case lowCardinality:
		return c.lowCardinality(t, rows)
	default:
		return c.tuple(t, rows)
	}
}

func (c *copier) texts(rows uint64) error {
	for range rows {
		n, err := c.uvarint()
		if err != nil {
			return err
		}
		if err := c.bytes(n); err != nil {
			return err
		}
	}
	return nil
}

func (c *copier) tuple(t *columnType, rows uint64) error {
	for _, part := range t.of {
		if err := c.values(part, rows); err != nil {
			return err
		}
	}
	return nil
}

// array copies the offsets, the last of which counts the elements, and those.
func (c *copier) array(t *columnType, rows uint64) error {
	if err := c.bytes((rows - 1) * 8); err != nil {
		return err
	}
	elements, err := c.uint64()
	if err != nil {
		return err
	}
	return c.values(t.of[0], elements)
}

// LowCardinality's flags: the low byte is the index width as a power of two.
const (
	indexWidthMask   = 0xff
	globalDictionary = 1 << 8
	ownDictionary    = 1 << 9
)

// lowCardinality copies runs of a dictionary and indexes into it until rows
// are covered; there is nearly always just one run.
func (c *copier) lowCardinality(t *columnType, rows uint64) error {
	for rows > 0 {
		flags, err := c.uint64()
		if err != nil {
			return err
		}
		if flags&globalDictionary != 0 || flags&ownDictionary == 0 || flags&indexWidthMask > 3 {
			return fmt.Errorf("a LowCardinality column has unsupported flags %#x", flags)
		}
		keys, err := c.uint64()
		if err != nil {
			return err
		}
		if err := c.values(t.of[0], keys); err != nil {
			return err
		}
		run, err := c.uint64()
		if err != nil {
			return err
		}
		if run == 0 || run > rows {
			return fmt.Errorf("a LowCardinality column has %d indexes where at most %d rows are left", run, rows)
		}
		if err := c.bytes(run << (flags & indexWidthMask)); err != nil {
			return err
		}
		rows -= run
	}
	return nil
}
