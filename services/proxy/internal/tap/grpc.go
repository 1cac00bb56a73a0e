package tap

import (
	"encoding/binary"
	"strings"

	capturev1 "sluice.dev/proto/gen/sluice/capture/v1"

	"sluice.dev/platform/message"
)

func mediaType(h message.Header) string {
	media, _, _ := strings.Cut(h.Get("content-type"), ";")
	return strings.ToLower(strings.TrimSpace(media))
}

// isGRPC reports whether a body is a sequence of length-prefixed messages. That of
// grpc-web-text is not: it is in base64.
func isGRPC(media string) bool {
	return strings.HasPrefix(media, "application/grpc") && !strings.HasPrefix(media, "application/grpc-web-text")
}

// grpcParser reads the length-prefixed messages of one direction of a gRPC call.
type grpcParser struct {
	direction
	head [5]byte // compressed flag and length
	have int
	left uint64
	data partial
}

func (g *grpcParser) feed(p []byte) {
	for len(p) > 0 {
		if g.have < len(g.head) {
			n := copy(g.head[g.have:], p)
			g.have += n
			p = p[n:]
			if g.have < len(g.head) {
				return
			}
			g.left = uint64(binary.BigEndian.Uint32(g.head[1:]))
		}
		n := min(uint64(len(p)), g.left)
		g.data.add(p[:n], g.limit)
		p = p[n:]
		if g.left -= n; g.left == 0 {
			g.ends()
		}
	}
}

// ends passes the message on, but for the trailers of gRPC-Web, which come as one
// with the highest bit of the flag set.
func (g *grpcParser) ends() {
	g.have = 0
	if g.head[0]&0x80 != 0 {
		g.data = partial{}
		return
	}
	g.end(&g.data, capturev1.Message_KIND_GRPC, g.head[0]&1 != 0)
}
