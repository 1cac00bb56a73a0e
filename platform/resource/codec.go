package resource

import (
	"fmt"
	"strings"
	"time"

	"google.golang.org/protobuf/encoding/protojson"

	"sluice.dev/platform/errs"
)

// fill puts doc (nil: none) and the audit copy of object into ch.
func (c *Collection[T]) fill(ch *change, doc, object T) error {
	if doc.ProtoReflect().IsValid() {
		stored, err := c.sealDoc(ch.id, doc)
		if errs.As(err) != nil {
			return err
		}
		if err != nil {
			return fmt.Errorf("encode the %s %s: %w", c.noun(), ch.id, err)
		}
		ch.doc = stored
	}
	audit, err := auditJSON.Marshal(shorten(c.opts.Redact(object)))
	if err != nil {
		return fmt.Errorf("encode the audit record of the %s %s: %w", c.noun(), ch.id, err)
	}
	ch.audit = string(audit)
	return nil
}

var auditJSON = protojson.MarshalOptions{UseProtoNames: true}

// decode is the inverse of what the script stores.
func (c *Collection[T]) decode(id, raw string) (T, Meta, error) {
	var none T
	head, body, found := strings.Cut(raw, "\n")
	fields := strings.Fields(head)
	if !found || len(fields) != 4 {
		return none, Meta{}, fmt.Errorf("a stored %s is damaged: its head is %.80q", c.noun(), head)
	}
	meta, err := parseMeta(fields)
	if err != nil {
		return none, Meta{}, err
	}
	doc, err := c.openDoc(id, body)
	return doc, meta, err
}

func micros(n uint64) time.Time { return time.UnixMicro(int64(n)).UTC() }
