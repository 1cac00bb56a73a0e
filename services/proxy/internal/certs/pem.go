package certs

import (
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
)

// maxPEM is the largest file that is read, in bytes.
const maxPEM = 1 << 20

var errNoFile = errors.New("not a regular file")

// content is what a PEM file holds.
type content struct {
	path  string
	chain [][]byte // DER, leaf first
	leaf  *x509.Certificate
	keys  []crypto.Signer
	fault error
}

func readPEM(path string) (*content, error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, errNoFile
	case info.Size() > maxPEM:
		return nil, fmt.Errorf("it has %d bytes; at most %d are read", info.Size(), maxPEM)
	}
	raw, err := os.ReadFile(path) // #nosec G304 -- the operator names the directory
	if err != nil {
		return nil, err
	}
	c := &content{path: path}
	for block, rest := pem.Decode(raw); block != nil; block, rest = pem.Decode(rest) {
		if err := c.add(block); err != nil {
			return nil, err
		}
	}
	if len(c.chain) == 0 && len(c.keys) == 0 {
		return nil, errors.New("it holds neither a certificate nor a key in PEM")
	}
	if len(c.chain) > 0 {
		if c.leaf, err = x509.ParseCertificate(c.chain[0]); err != nil {
			return nil, err
		}
	}
	return c, nil
}

func (c *content) add(block *pem.Block) error {
	var key any
	var err error
	switch block.Type {
	case "CERTIFICATE":
		c.chain = append(c.chain, block.Bytes)
		return nil
	case "PRIVATE KEY":
		key, err = x509.ParsePKCS8PrivateKey(block.Bytes)
	case "RSA PRIVATE KEY":
		key, err = x509.ParsePKCS1PrivateKey(block.Bytes)
	case "EC PRIVATE KEY":
		key, err = x509.ParseECPrivateKey(block.Bytes)
	default:
		return nil // such as the parameters of a curve
	}
	if err != nil {
		return errors.New("a private key in it cannot be read") // the cause could tell of the key
	}
	if signer, ok := key.(crypto.Signer); ok {
		c.keys = append(c.keys, signer)
	}
	return nil
}

func keysOf(all []*content) (keys []crypto.Signer) {
	for _, c := range all {
		keys = append(keys, c.keys...)
	}
	return keys
}

// pair finds the certificate's key; nil for a file without certificates, or with
// those of authorities only.
func (c *content) pair(keys []crypto.Signer) (*tls.Certificate, error) {
	if c.fault != nil || c.leaf == nil {
		return nil, c.fault
	}
	for _, k := range keys {
		if public, ok := k.Public().(interface{ Equal(crypto.PublicKey) bool }); ok && public.Equal(c.leaf.PublicKey) {
			return &tls.Certificate{Certificate: c.chain, PrivateKey: k, Leaf: c.leaf}, nil
		}
	}
	if c.leaf.IsCA {
		return nil, nil //nolint:nilnil // it belongs to a chain in another file
	}
	return nil, fmt.Errorf("no file holds the key of the certificate for %v", namesOf(c.leaf))
}
