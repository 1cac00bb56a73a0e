package rpc

import (
	"context"
	"crypto/subtle"
	"fmt"
	"os"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"

	"sluice.dev/platform/errs"
)

// keyHeader carries the cluster key from service to service.
const keyHeader = "sluice-cluster-key"

// PrincipalHeader carries who asked for a change, from the gateway to the
// services, for the audit record.
const PrincipalHeader = "sluice-principal"

// ClusterKey is the secret that Sluice's own services show one another when they
// listen beyond loopback.
type ClusterKey struct {
	ClusterKeyFile string `help:"File with the secret that all services of this installation share. Required to listen beyond loopback." type:"path" env:"SLUICE_CLUSTER_KEY_FILE"`
}

// Key reads the secret; empty when none is configured.
func (k ClusterKey) Key() (string, error) {
	if k.ClusterKeyFile == "" {
		return "", nil
	}
	raw, err := os.ReadFile(k.ClusterKeyFile)
	if err != nil {
		return "", fmt.Errorf("read the cluster key: %w", err)
	}
	key := strings.TrimSpace(string(raw))
	if len(key) < 16 {
		return "", fmt.Errorf("the cluster key in %s has %d characters; use at least 16", k.ClusterKeyFile, len(key))
	}
	return key, nil
}

// keyCredentials sends the key with each call.
type keyCredentials string

func (k keyCredentials) GetRequestMetadata(context.Context, ...string) (map[string]string, error) {
	return map[string]string{keyHeader: string(k)}, nil
}

func (keyCredentials) RequireTransportSecurity() bool { return false }

func checkKey(ctx context.Context, key string) error {
	if key == "" {
		return nil
	}
	md, _ := metadata.FromIncomingContext(ctx)
	for _, got := range md.Get(keyHeader) {
		if subtle.ConstantTimeCompare([]byte(got), []byte(key)) == 1 {
			return nil
		}
	}
	return errs.New(codes.Unauthenticated, errs.ReasonNoKey, "this service takes calls only with the cluster key")
}

// WithPrincipal marks outgoing calls as made for principal.
func WithPrincipal(ctx context.Context, principal string) context.Context {
	return metadata.AppendToOutgoingContext(ctx, PrincipalHeader, principal)
}

// Principal is who asked for the incoming call: the id of an API key, or "local".
func Principal(ctx context.Context) string {
	md, _ := metadata.FromIncomingContext(ctx)
	if v := md.Get(PrincipalHeader); len(v) > 0 {
		return v[0]
	}
	return "local"
}
