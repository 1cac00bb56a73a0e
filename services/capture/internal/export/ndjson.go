package export

import (
	"bufio"
	"io"

	"google.golang.org/protobuf/encoding/protojson"

	"sluice.dev/platform/errs"
	capturev1 "sluice.dev/proto/gen/sluice/capture/v1"
)

// ndjson writes one exchange a line, as the REST API writes it.
type ndjson struct {
	out  *bufio.Writer
	line []byte
}

var lineJSON = protojson.MarshalOptions{UseProtoNames: true, EmitUnpopulated: true}

func newNDJSON(out io.Writer, _ bool) (writer, error) {
	return &ndjson{out: bufio.NewWriterSize(out, chunkSize)}, nil
}

func (n *ndjson) write(e *capturev1.Exchange) (err error) {
	if n.line, err = lineJSON.MarshalAppend(n.line[:0], e); err != nil {
		return errs.Internal(err)
	}
	_, err = n.out.Write(append(n.line, '\n'))
	return err
}

func (n *ndjson) close() error { return n.out.Flush() }
